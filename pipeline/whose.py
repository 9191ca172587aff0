"""Whose form it is: does the header name the TPS that the upload claims, or another one.

Each line is scored against all names that could stand there: the desa and kecamatan of the claimed
TPS's kabupaten, the numbers its TPS have, the kabupaten and provinsi of the table; where the line
of the kabupaten reads like another one of the table, those of that kabupaten as well. A line's
likelihood given what ought to stand there is a mixture: that name in one of the ways people write
it; by a slip, another name of the list; or anything else, legible or not, which says nothing. From
the lines and from what is believed beforehand (nearly all photos are filed rightly) follows the
probability of every TPS.

* **match**: the lines fit the claimed TPS far better than the others taken together;
* **mismatch**: the claimed TPS is all but excluded: the header names another one of the table;
* **can't tell**: anything else, above all nothing written or nothing legible, also a header that
  reads well and names nothing that the table has.

The verdict is evidence for a person. Nothing is moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.recognisers.evidence import Beliefs, HeaderEvidence, Kind, Legibility
from models.recognisers.lines import BLANK
from models.records import HeaderLine, HeaderReading, Probability, Record, TpsCode
from models.region_names import ways_of_writing, ways_of_writing_number
from models.regions import Level, Region, RegionTable
from models.spelling import spellings
from pipeline.arrays import Array
from pipeline.ctc import TextTrie, lay_trie, log_likelihoods, log_likelihoods_of_all
from pipeline.lattice import unpack

KINDS: Mapping[str, Kind] = {
    "provinsi": "name",
    "kabupaten": "name",
    "kecamatan": "name",
    "kelurahan": "name",
    "tps": "digits",
    "tps_words": "words",
}
"""Parts of the header, and what their lines hold."""

LOOK_ALIKES = (("0", "O"), ("1", "I"), ("2", "Z"), ("5", "S"), ("6", "G"), ("8", "B"))
"""Signs that only what stands around them tells apart: each pair counts as one."""

PART_NATS = 3.0
"""Log-likelihood ratio from which one line by itself speaks for or against the claimed TPS."""


class WhoseVerdict(StrEnum):
    """What a header says about the claim."""

    MATCH = "match"
    MISMATCH = "mismatch"
    CANT_TELL = "cant_tell"


class PartVerdict(Record):
    """What one line says about the claim."""

    verdict: WhoseVerdict
    text: str
    """As read."""
    claimed: str | None
    """What should stand there if the claim is right; ``None`` where nothing can be said."""
    nats: float
    """Log-likelihood ratio: the claimed name against the likeliest other, or against anything else
    where no other fits as well."""
    other: str | None
    """The likeliest other name or number, where the line speaks for it."""


class Whose(Record):
    """Whether the header is that of the claimed TPS."""

    verdict: WhoseVerdict
    claimed: TpsCode
    probability: Probability | None
    """That the form is of the claimed TPS, from the header and what is believed beforehand;
    ``None`` where nothing can be said."""
    nats: float
    """Log-likelihood ratio of the claimed TPS against all others taken together; 0 where the table
    has no other."""
    likeliest: TpsCode | None
    """Of the other TPS, the likeliest; ``None`` unless a line speaks against the claimed one."""
    likeliest_name: str | None
    """The same for people: TPS, desa, kecamatan, kabupaten."""
    parts: dict[str, PartVerdict]
    """Part of the header to its verdict; those in view."""


@dataclass(frozen=True, slots=True)
class _Choices:
    """What can stand on one line, in all ways of writing."""

    labels: tuple[str, ...]
    """For people; the order is that of the likelihoods."""
    trie: TextTrie
    """All ways of all choices, look-alikes made one."""
    of: NDArray[np.intp]
    """(texts,) which choice each is a way of."""
    log_share: Array
    """(texts,) how common it is among its choice's ways."""


@dataclass(frozen=True, slots=True)
class _Kabupaten:
    """A kabupaten's TPS, and what can stand in their headers."""

    code: str
    tps: tuple[TpsCode, ...]
    index: Mapping[str, NDArray[np.intp]]
    """Part to (tps,) which of the part's choices each TPS's header should have."""
    choices: Mapping[str, _Choices]


@dataclass(frozen=True, slots=True)
class _Line:
    """One line's likelihoods."""

    names: Array
    """(choices,) log-likelihood of the line given each."""
    anything: float
    """Log-likelihood given something that is not among the choices."""


def whose_form(
    header: HeaderReading | None,
    claimed: TpsCode,
    regions: RegionTable,
    evidence: HeaderEvidence,
) -> Whose:
    """Decide whether a header is that of the claimed TPS.

    Args:
        header: What was read; ``None`` where no line is in view.
        claimed: The TPS that the upload claims.
        regions: Table of regions. Where it does not hold the claimed TPS nothing can be said.
        evidence: What was measured with the recogniser that read the header. Where that is
            another one nothing can be said.

    Raises:
        ValueError: a line's lattice is broken.

    """
    return whose_forms([(header, claimed)], regions, evidence)[0]


def whose_forms(
    claims: Sequence[tuple[HeaderReading | None, TpsCode]],
    regions: RegionTable,
    evidence: HeaderEvidence,
) -> list[Whose]:
    """The same for many headers, each with the TPS that its upload claims: sooner together.

    Lines that are held against one list are scored at once. Each verdict is that of the header
    alone.
    """
    known = [
        header
        if header is not None and claimed in regions and header.recogniser == evidence.digest
        else None
        for header, claimed in claims
    ]
    own = [
        None if header is None else _kabupaten(regions, claimed[: Level.KABUPATEN], header.signs)
        for header, (_, claimed) in zip(known, claims, strict=True)
    ]
    lattices = [_lattices(header, evidence) for header in known]
    lines = _scored(lattices, own, evidence)
    others = [
        None if header is None or here is None else _there(header, of_header, here, regions)
        for header, of_header, here in zip(known, lines, own, strict=True)
    ]
    lines_there = _scored(lattices, others, evidence)
    return [
        _nothing_to_say(claims[at][0], claims[at][1])
        if header is None or here is None
        else _whose(
            header, claims[at][1], here, lines[at], others[at], lines_there[at], regions, evidence
        )
        for at, (header, here) in enumerate(zip(known, own, strict=True))
    ]


def _whose(
    header: HeaderReading,
    claimed: TpsCode,
    own: _Kabupaten,
    lines: Mapping[str, _Line],
    there: _Kabupaten | None,
    lines_there: Mapping[str, _Line],
    regions: RegionTable,
    evidence: HeaderEvidence,
) -> Whose:
    """One header, of which all lines are scored; ``there`` is another kabupaten it reads like."""
    at = own.tps.index(claimed)
    beliefs = evidence.beliefs
    joint = [_likelihoods(own, lines)]
    before = [_beliefs(own, at, beliefs)]
    tps = own.tps
    if there is not None:
        joint.append(_likelihoods(there, lines_there))
        share = beliefs.wrong_tps * beliefs.other_kabupaten / len(_all_kabupaten(regions))
        before.append(np.full(len(there.tps), np.log(share / len(there.tps))))
        tps += there.tps
    parts = {
        part: _part(header.lines[part], line, own.choices[part].labels, int(own.index[part][at]))
        for part, line in lines.items()
    }
    fit = np.concatenate(joint)
    return _decided(claimed, fit, np.concatenate(before), tps, regions, beliefs, parts)


def _decided(
    claimed: TpsCode,
    fit: Array,
    before: Array,
    tps: Sequence[TpsCode],
    regions: RegionTable,
    beliefs: Beliefs,
    parts: dict[str, PartVerdict],
) -> Whose:
    """The verdict from (tps,) log-likelihoods and log-probabilities beforehand."""
    at = tps.index(claimed)
    after = fit + before
    rest = np.delete(after, at)
    total = np.logaddexp.reduce(after)
    probability = float(np.exp(after[at] - total))
    nats = 0.0
    if len(rest):
        nats = fit[at] - (np.logaddexp.reduce(rest) - np.logaddexp.reduce(np.delete(before, at)))
    verdict = WhoseVerdict.CANT_TELL
    if probability < beliefs.mismatch_below:
        verdict = WhoseVerdict.MISMATCH
    elif nats >= beliefs.match_nats:
        verdict = WhoseVerdict.MATCH
    likeliest = None
    if WhoseVerdict.MISMATCH in {verdict, *(part.verdict for part in parts.values())} and nats < 0:
        best = int(rest.argmax())
        likeliest = tps[best if best < at else best + 1]
    return Whose(
        verdict=verdict,
        claimed=claimed,
        probability=round(min(1.0, probability), 6),
        nats=round(float(nats), 2),
        likeliest=likeliest,
        likeliest_name=None if likeliest is None else place_name(likeliest, regions),
        parts=parts,
    )


def place_name(tps: TpsCode, regions: RegionTable) -> str:
    """A TPS for people: ``TPS 012, BARAN, CAWAS, KLATEN``; ``KeyError`` for an unknown code."""
    return ", ".join(region.name for region in reversed(regions.path(tps)[1:]))


def _nothing_to_say(header: HeaderReading | None, claimed: TpsCode) -> Whose:
    return Whose(
        verdict=WhoseVerdict.CANT_TELL,
        claimed=claimed,
        probability=None,
        nats=0.0,
        likeliest=None,
        likeliest_name=None,
        parts={
            part: PartVerdict(
                verdict=WhoseVerdict.CANT_TELL, text=line.text, claimed=None, nats=0.0, other=None
            )
            for part, line in (header.lines if header else {}).items()
        },
    )


# What can stand on the lines


def _choices(labels: Iterable[str], ways: Iterable[Mapping[str, float]], signs: str) -> _Choices:
    texts: list[str] = []
    of: list[int] = []
    shares: list[float] = []
    for choice, known in enumerate(ways):
        total = sum(known.values())
        for text, share in known.items():
            texts.append(_as_one(text))
            of.append(choice)
            shares.append(share / total)
    trie = lay_trie(texts, (BLANK, *_kept(signs)))
    return _Choices(tuple(labels), trie, np.array(of, np.intp), np.log(np.array(shares)))


def _as_one(text: str) -> str:
    """A text with look-alikes made one."""
    for first, second in LOOK_ALIKES:
        text = text.replace(second, first)
    return text


def _kept(signs: str) -> str:
    """The signs that are left when look-alikes are made one."""
    return "".join(sign for sign in signs if _as_one(sign) == sign)


def _of_names(regions: Sequence[Region], signs: str) -> _Choices:
    return _choices(
        (region.name for region in regions),
        (ways_of_writing(region.name, region.level) for region in regions),
        signs,
    )


@lru_cache(maxsize=4)
def _all_kabupaten(regions: RegionTable) -> tuple[Region, ...]:
    return tuple(one for above in regions.children() for one in regions.children(above.code))


@lru_cache(maxsize=16)
def _kabupaten(regions: RegionTable, code: str, signs: str) -> _Kabupaten:
    above = {"provinsi": regions.children(), "kabupaten": _all_kabupaten(regions)}
    kecamatan = regions.children(code)
    desa = tuple(one for above_desa in kecamatan for one in regions.children(above_desa.code))
    tps = regions.tps(code)
    numbers = sorted({_number(one) for one in tps})
    in_words: dict[int, dict[str, float]] = {number: {} for number in numbers}
    for spelling in spellings():
        if spelling.number in in_words:
            in_words[spelling.number][spelling.letters] = spelling.share
    labels = [f"{number:03}" for number in numbers]
    number_at = {number: place for place, number in enumerate(numbers)}
    of_number = np.array([number_at[_number(one)] for one in tps], np.intp)
    named = {**above, "kecamatan": kecamatan, "kelurahan": desa}
    index = {
        part: _places([region.code for region in regions_of], tps)
        for part, regions_of in named.items()
    }
    return _Kabupaten(
        code=code,
        tps=tps,
        index={**index, "tps": of_number, "tps_words": of_number},
        choices={
            **{part: _of_names(regions_of, signs) for part, regions_of in named.items()},
            "tps": _choices(labels, map(ways_of_writing_number, numbers), signs),
            "tps_words": _choices(labels, in_words.values(), signs),
        },
    )


def _number(tps: TpsCode) -> int:
    return int(tps[Level.DESA :])


def _places(codes: Sequence[str], tps: Sequence[TpsCode]) -> NDArray[np.intp]:
    """(tps,) where in ``codes``, all of one level, the region of each TPS stands."""
    place = {code: at for at, code in enumerate(codes)}
    return np.array([place[one[: len(codes[0])]] for one in tps], np.intp)


# How well the lines fit it


def _merged(lattice: Array, signs: str, misread: float) -> Array:
    """The lattice with look-alikes made one and the recogniser's certainty bounded."""
    chances = np.exp(lattice)
    kept = _kept(signs)
    merged = chances[:, [0, *(1 + signs.index(sign) for sign in kept)]]
    for first, second in LOOK_ALIKES:
        if first in kept and second in signs:
            merged[:, 1 + kept.index(first)] += chances[:, 1 + signs.index(second)]
    return np.asarray(np.log((1 - misread) * merged + misread / merged.shape[1]))


def _lattices(header: HeaderReading | None, evidence: HeaderEvidence) -> dict[str, Array]:
    """Part of a header to its lattice, those in view."""
    return {
        part: _merged(unpack(line.lattice), header.signs, evidence.lines[KINDS[part]].misread)
        for part, line in (header.lines.items() if header else ())
        if header is not None and part in KINDS
    }


def _there(
    header: HeaderReading, lines: Mapping[str, _Line], own: _Kabupaten, regions: RegionTable
) -> _Kabupaten | None:
    """The other kabupaten that a header reads like."""
    other = _other_kabupaten(lines.get("kabupaten"), own, regions)
    return None if other is None else _kabupaten(regions, other, header.signs)


def _scored(
    headers: Sequence[Mapping[str, Array]],
    kabupaten: Sequence[_Kabupaten | None],
    evidence: HeaderEvidence,
) -> list[dict[str, _Line]]:
    """Hold the lines of headers against a kabupaten each; nothing where there is none."""
    alike: dict[tuple[int, str, int], list[int]] = defaultdict(list)
    for at, (lattices, of_header) in enumerate(zip(headers, kabupaten, strict=True)):
        if of_header is not None:
            for part, lattice in lattices.items():
                alike[id(of_header), part, len(lattice)].append(at)
    scored: list[dict[str, _Line]] = [{} for _ in headers]
    for (_, part, _), places in alike.items():
        of_all = kabupaten[places[0]]
        if of_all is None:
            raise ValueError("lines are held against a kabupaten, and there is none")
        lines = _lines(
            np.stack([headers[at][part] for at in places]),
            of_all.choices[part],
            evidence.lines[KINDS[part]],
            evidence.beliefs.slip,
        )
        for at, line in zip(places, lines, strict=True):
            scored[at][part] = line
    # In the order of the header's own lines: sums of logarithms depend on it in their last bit.
    return [
        {part: of_header[part] for part in lattices if part in of_header}
        for of_header, lattices in zip(scored, headers, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class LineFit:
    """How well one line fits each text of its list, for fitting ``Legibility``."""

    texts: Array
    """(texts,) log-likelihood of each text."""
    log_share: Array
    """(texts,) how common it is among the ways of writing its name."""
    of: NDArray[np.intp]
    """(texts,) index of its name."""
    names: int
    own: int
    """Index of the name that the TPS's header should have."""
    anything: float
    """Log-likelihood of the line as any text."""

    def by_name(self, sharpness: float) -> Array:
        """(names,) log-likelihood of each name in any of its ways of writing."""
        return _by_name(sharpness * self.texts + self.log_share, self.of, self.names)


def line_fit(
    header: HeaderReading, part: str, tps: TpsCode, regions: RegionTable, misread: float
) -> LineFit:
    """Hold one line of a header against its list; ``misread`` as in ``Legibility``."""
    lattice = _merged(unpack(header.lines[part].lattice), header.signs, misread)
    kabupaten = _kabupaten(regions, tps[: Level.KABUPATEN], header.signs)
    choices = kabupaten.choices[part]
    return LineFit(
        texts=log_likelihoods(lattice.astype(np.float32), choices.trie),
        log_share=choices.log_share,
        of=choices.of,
        names=len(choices.labels),
        own=int(kabupaten.index[part][kabupaten.tps.index(tps)]),
        anything=any_text(lattice),
    )


def _by_name(by_text: Array, of: NDArray[np.intp], names: int) -> Array:
    by_name = np.full(names, -np.inf)
    np.logaddexp.at(by_name, of, by_text)
    return by_name


def _lines(lattices: Array, choices: _Choices, fit: Legibility, slip: float) -> list[_Line]:
    """How likely lines of one length are, (lines, steps, signs), given what ought to be there."""
    by_text = fit.sharpness * log_likelihoods_of_all(lattices.astype(np.float32), choices.trie)
    anything = fit.sharpness * any_texts(lattices)
    return [
        _line(of_texts, float(of_any), choices, fit, slip)
        for of_texts, of_any in zip(by_text, anything, strict=True)
    ]


def _line(
    by_text: Array, anything: float, choices: _Choices, fit: Legibility, slip: float
) -> _Line:
    """How likely a line is given each thing that ought to stand there."""
    by_name = _by_name(by_text + choices.log_share, choices.of, len(choices.labels))
    by_slip = np.logaddexp.reduce(by_name) - np.log(len(by_name))
    mixture = [
        np.log(1 - fit.other - slip) + by_name,
        np.full(len(by_name), np.log(slip) + by_slip),
        np.full(len(by_name), np.log(fit.other) + anything),
    ]
    return _Line(np.asarray(np.logaddexp.reduce(mixture)), anything)


def any_text(lattice: Array) -> float:
    """Log-likelihood of a line given that signs at random stand there, any number of them.

    The sum over all texts, each with its probability, each sign of it as likely as any other: of a
    line that reads clearly little more than the cost of its signs, of one that could say anything
    more than any name can reach.
    """
    return float(any_texts(lattice[None])[0])


def any_texts(lattices: Array) -> Array:
    """The same for (lines, steps, signs) of one length: (lines,)."""
    lines, _, signs = lattices.shape
    cost = 1 / (signs - 1)
    nothing, sign, scale = np.ones(lines), np.zeros((lines, signs - 1)), np.zeros(lines)
    for chances in np.exp(lattices).transpose(1, 0, 2):
        either = nothing + sign.sum(axis=1)
        # The same sign in the next step is no new one.
        sign = chances[:, 1:] * (sign + cost * (either[:, None] - sign))
        nothing = chances[:, 0] * either
        largest = np.maximum(nothing, sign.max(axis=1, initial=0.0))
        nothing, sign = nothing / largest, sign / largest[:, None]
        scale += np.log(largest)
    found: Array = np.log(nothing + sign.sum(axis=1)) + scale
    return found


def _likelihoods(kabupaten: _Kabupaten, lines: Mapping[str, _Line]) -> Array:
    """(tps,) log-likelihood of the header given each TPS of a kabupaten."""
    fit = np.zeros(len(kabupaten.tps))
    for part, line in lines.items():
        fit += line.names[kabupaten.index[part]]
    return fit


def _other_kabupaten(line: _Line | None, own: _Kabupaten, regions: RegionTable) -> str | None:
    """Code of the kabupaten that the header's line reads like, where it is another one."""
    if line is None:
        return None
    best = int(line.names.argmax())
    claimed = int(own.index["kabupaten"][0])
    if line.names[best] < line.names[claimed] + PART_NATS:
        return None
    code = _all_kabupaten(regions)[best].code
    return code if regions.tps(code) else None


def _beliefs(kabupaten: _Kabupaten, at: int, beliefs: Beliefs) -> Array:
    """(tps,) log-probability beforehand that a form claimed to be of one TPS is of each."""
    same_desa, same_kecamatan = (
        kabupaten.index[part] == kabupaten.index[part][at] for part in ("kelurahan", "kecamatan")
    )
    same_number = kabupaten.index["tps"] == kabupaten.index["tps"][at]
    chances = np.zeros(len(kabupaten.tps))
    near, far = same_kecamatan & ~same_desa, ~same_kecamatan
    alike, any_number = beliefs.same_number, 1 - beliefs.same_number
    for where, share in (
        (same_desa & ~same_number, beliefs.same_desa),
        (near, beliefs.same_kecamatan * any_number),
        (near & same_number, beliefs.same_kecamatan * alike),
        (far, beliefs.same_kabupaten * any_number),
        (far & same_number, beliefs.same_kabupaten * alike),
    ):
        chances[where] += beliefs.wrong_tps * share / max(1, int(where.sum()))
    chances[at] = 1 - beliefs.wrong_tps
    return np.asarray(np.log(chances))


def _part(line: HeaderLine, scored: _Line, labels: Sequence[str], own: int) -> PartVerdict:
    others = scored.names.copy()
    others[own] = -np.inf
    best = int(others.argmax())
    fits = bool(others[best] >= scored.anything + PART_NATS)
    nats = float(scored.names[own]) - max(float(others[best]), scored.anything)
    verdict = WhoseVerdict.CANT_TELL
    if nats >= PART_NATS:
        verdict = WhoseVerdict.MATCH
    elif nats <= -PART_NATS and fits:
        verdict = WhoseVerdict.MISMATCH
    return PartVerdict(
        verdict=verdict,
        text=line.text,
        claimed=labels[own],
        nats=round(nats, 2),
        other=labels[best] if nats < 0 and fits else None,
    )
