"""Measure how far each witness can be trusted, and from which confidence a field may be clear.

    python -m flows.train.decision --shared ../shared

Draws whole forms from seeds that no test and no benchmark uses, in handwriting that no recogniser
was trained on, with writers' mistakes in them, and reads them. On one half it fits how far each
witness can be trusted; on the other half it finds the smallest confidence at which the upper 95 %
bound of the share of wrong fields among clear ones keeps the promise. How often writers
miscalculate is from real numbers: what Jakarta reported in 2024. Writes ``decision.json``,
``evidence.json`` and ``CARD.md`` into ``models/recognisers/decision``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.form import FORM, FieldTruth
from flows.train.calibrate import FIELD_PROMISE, upper_bound
from flows.train.decision_card import decision_card
from flows.train.drawn_forms import SeenForm, Series, seen_forms
from models.recognisers.installed import installed_digests
from models.records import FieldReading, FormReading, ReviewReason, Witness
from models.reliability import (
    Reliabilities,
    SumReliability,
    WitnessReliability,
    decision_file,
    unmeasured,
)
from models.spelling import letters_of, spellings
from pipeline.decide import decide
from pipeline.entries import read_entries
from pipeline.sums import sums
from pipeline.weigh import NUMBERS, is_heard, trust, weigh_again

FIT_SEED, PROOF_SEED = 7101, 7201
BLANKS = 0.02
LADDER = (0.9, 0.95, 0.97, 0.98, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999)
LEAST = 0.99
"""Whatever was measured: photos will come that are like none of those drawn."""
POWERS = tuple(float(power) for power in np.geomspace(0.4, 2.5, 31))
WRONGS = tuple(float(wrong) for wrong in np.geomspace(1e-5, 0.3, 61))
SURES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
HARD_SHARE = 0.1
"""So many forms at ``hard`` to one at ``field`` are fitted on: a guess at how many photos of a real
upload are that bad. With as many as were drawn, a witness would pay for photos that are rare."""
FALSE_ALARMS = 0.03
"""Share of its answers in which a witness may be sure of a number that is not written for it. Each
may send a field to a person for nothing; but of tallies with one stroke too few, 28 of 34 come to
light with this share, 23 with 0.02 and 18 with 0.001."""


@dataclass(frozen=True, slots=True)
class Said:
    """One witness's answer beside what it ought to have seen."""

    witness: Witness
    meant: int
    """What the writers meant; for the digits: what stands in the boxes."""
    written: int | None
    """What stands on paper for this very witness."""


@cache
def _spelt() -> dict[str, int]:
    return {spelling.letters: spelling.number for spelling in spellings()}


def written_for(name: str, truth: FieldTruth) -> int | None:
    """What stands on paper for one witness."""
    if name == "tally":
        return truth.tally
    if name == "words":
        return None if truth.words is None else _spelt()[letters_of(truth.words)]
    if name == "bubbles":
        if truth.bubbles is None or any(len(column) > 1 for column in truth.bubbles):
            return None
        digits = "".join(str(column[0]) if column else " " for column in truth.bubbles).lstrip()
        return int(digits) if digits.isdigit() else None
    return truth.value


def answers(forms: Iterable[SeenForm]) -> dict[str, list[Said]]:
    """Every answer that is heard of every witness that had something to see."""
    found: dict[str, list[Said]] = defaultdict(list)
    for form in forms:
        for field_name, field in form.fields.items():
            for name, witness in field.witnesses.items():
                written = written_for(name, form.truth[field_name])
                meant = written if name == "digits" else form.meant[field_name]
                if meant is not None and is_heard(name, witness):
                    found[name].append(Said(witness, meant, written))
    return found


def fit_witness(said: Sequence[Said]) -> WitnessReliability:
    """The power and share of wrong answers that make what a witness said likeliest.

    One wrong answer more than were seen is counted, so that nobody is infallible.
    """
    masses = [dict(one.witness.distribution) for one in said]
    at = np.array([mass.get(one.meant, 0.0) for mass, one in zip(masses, said, strict=True)])
    rest = np.array([max(0.0, 1 - sum(mass.values())) for mass in masses])
    best = (-math.inf, 1.0, 1.0)
    for power in POWERS:
        total = np.array([sum(p**power for p in mass.values()) for mass in masses]) + rest**power
        true = at**power / total
        for wrong in WRONGS:
            score = float(np.log((1 - wrong) * true + wrong / NUMBERS).sum() + math.log(wrong))
            best = max(best, (score, power, wrong))
    known = WitnessReliability(power=round(best[1], 4), wrong=round(best[2], 7), sure=1.0)
    return known.model_copy(update={"sure": sure_from(said, known)})


def sure_from(said: Sequence[Said], known: WitnessReliability) -> float:
    """Probability, made true, from which a witness hardly ever misreads what is written for it."""
    misread = [
        trust(one.witness, known)
        for one in said
        if one.witness.value is not None and one.witness.value != one.written
    ]
    for least in SURES:
        if sum(confidence >= least for confidence in misread) <= FALSE_ALARMS * len(said):
            return least
    return SURES[-1]


def fit_slip(forms: Iterable[SeenForm]) -> float:
    """How often the digits are another number than was meant; one more than was seen."""
    counts = Counter(
        form.truth[name].value != form.meant[name]
        for form in forms
        for name in form.fields
        if form.truth[name].value is not None
    )
    return round((counts[True] + 1) / (counts.total() + 2), 6)


def fit_sums(shared: Path) -> tuple[dict[str, SumReliability], SumReliability]:
    """How often each line of arithmetic is wrong in what Jakarta reported, and how widely.

    Some of those errors are the system's and not the writers': the share is rather too high, and
    a sum then counts for less.
    """
    differences: dict[str, list[int]] = {f"{line.rule}:{line.total}": [] for line in sums()}
    for entry in read_entries(shared / "entries" / "dki-jakarta-2024-ppwp.csv.gz"):
        for line in sums():
            numbers = [entry.fields.get(name) for name in line.fields]
            known = [number for number in numbers if number is not None]
            if len(known) == len(numbers):
                differences[f"{line.rule}:{line.total}"].append(known[0] - sum(known[1:]))
    measured = {name: _sum(seen) for name, seen in differences.items() if seen}
    return measured, _sum([one for seen in differences.values() for one in seen])


def _sum(differences: Sequence[int]) -> SumReliability:
    off = Counter(difference for difference in differences if difference)
    shares = [count / off.total() for count in off.values()]
    perplexity = math.exp(-sum(share * math.log(share) for share in shares))
    return SumReliability(
        wrong=round((off.total() + 1) / (len(differences) + 2), 5), ways=round(perplexity, 1)
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """One field after the decision."""

    field: str
    confidence: float
    right: bool
    blank: bool
    """Whether it came out empty."""
    trusted: bool
    """Whether nothing but its confidence speaks against it."""


def decided(
    form: SeenForm,
    known: Reliabilities,
    witnesses: Collection[str] | None = None,
    *,
    with_sums: bool = True,
) -> FormReading:
    """A drawn form as it comes out with these reliabilities.

    Args:
        form: As it was read.
        known: How far each witness is to be trusted.
        witnesses: Which ones to hear besides the digits; all where ``None``.
        with_sums: Whether the form's sums have a say.

    """
    reading = FormReading(
        tps="3216010001001",
        form=FORM,
        fields={name: weigh_again(one, known, witnesses) for name, one in form.fields.items()},
        pages={name: page for page in form.pages for name in page.fields},
    )
    return decide(reading, known) if with_sums else reading


def judged(forms: Iterable[SeenForm], known: Reliabilities) -> Iterator[Judged]:
    """Every field of every form that was placed, decided."""
    for form in forms:
        for name, field in decided(form, known).fields.items():
            yield judge(name, field, form.truth[name])


def judge(name: str, field: FieldReading, truth: FieldTruth) -> Judged:
    """One field beside what stands on paper."""
    empty = all(label == "blank" for label in truth.labels)
    blank = field.value is None and not any(
        reason not in (ReviewReason.LOW_CONFIDENCE, ReviewReason.WITNESSES_DISAGREE)
        for reason in field.reasons
    )
    right = field.value == truth.value and (truth.value is not None or empty)
    trusted = set(field.reasons) <= {ReviewReason.LOW_CONFIDENCE}
    return Judged(name, field.confidence, right, blank, trusted)


def at_threshold(fields: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """What a threshold would let through."""
    clear = [one.right for one in fields if one.trusted and one.confidence >= threshold]
    silent = sum(not right for right in clear)
    return {
        "threshold": threshold,
        "fields": len(fields),
        "clear": len(clear),
        "silent": silent,
        "silent_bound": round(upper_bound(silent, len(clear)), 6),
        "coverage": round(len(clear) / max(1, len(fields)), 4),
    }


def choose(field: Sequence[Judged], hard: Sequence[Judged]) -> float:
    """The smallest threshold of the ladder that keeps the promise; the last one where none does."""
    for threshold in LADDER:
        in_field, in_hard = at_threshold(field, threshold), at_threshold(hard, threshold)
        kept = in_field["silent_bound"] <= FIELD_PROMISE
        if threshold >= LEAST and kept and in_hard["silent"] <= FIELD_PROMISE * in_hard["clear"]:
            return threshold
    return LADDER[-1]


def choose_blank(fields: Sequence[Judged]) -> float:
    """The smallest threshold at which no number that is written came out as empty."""
    for threshold in LADDER:
        if threshold >= LEAST and not at_threshold(fields, threshold)["silent"]:
            return threshold
    return LADDER[-1]


BANDS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 1.000001)


def bands(fields: Sequence[Judged]) -> list[dict[str, float]]:
    """Confidence against truth, in bands, of the fields that came out as a number."""
    rows = []
    for low, high in pairwise(BANDS):
        inside = [one for one in fields if not one.blank and low <= one.confidence < high]
        if inside:
            wrong = sum(not one.right for one in inside)
            rows.append(
                {
                    "from": low,
                    "to": min(1.0, high),
                    "count": len(inside),
                    "confidence": round(sum(one.confidence for one in inside) / len(inside), 6),
                    "right": round(1 - wrong / len(inside), 6),
                    "wrong": wrong,
                    "wrong_bound": round(upper_bound(wrong, len(inside)), 6),
                }
            )
    return rows


def measured(forms: Mapping[str, Sequence[SeenForm]], known: Reliabilities) -> Reliabilities:
    """Reliabilities of all witnesses from forms at all difficulties."""
    everything = [form for some in forms.values() for form in some]
    said = answers(everything)
    fitted = {name: fit_witness(said[name]) for name in known.witnesses if said[name]}
    return known.model_copy(
        update={"witnesses": known.witnesses | fitted, "slip": fit_slip(everything)}
    )


def main() -> None:
    """Draw, read, fit, choose, write."""
    parser = argparse.ArgumentParser(prog="python -m flows.train.decision")
    parser.add_argument("--forms", type=int, default=150, help="at field difficulty, each half")
    parser.add_argument("--hard-forms", type=int, default=50, help="at hard difficulty, each half")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--keep", type=Path, help="folder for what was drawn and read")
    parser.add_argument("--out", type=Path, default=decision_file().parent)
    wanted = parser.parse_args()

    counts = {"field": wanted.forms, "hard": wanted.hard_forms}

    def read(seed: int) -> dict[str, list[SeenForm]]:
        return {
            difficulty: list(
                seen_forms(
                    Series(seed, count, difficulty, blanks=BLANKS),
                    workers=wanted.workers,
                    kept=wanted.keep,
                )
            )
            for difficulty, count in counts.items()
        }

    line_sums, other_sums = fit_sums(wanted.shared)
    known = unmeasured(installed_digests()).model_copy(
        update={"sums": line_sums, "other_sums": other_sums}
    )
    fit_on = read(FIT_SEED)
    fit_on["hard"] = fit_on["hard"][: round(HARD_SHARE * wanted.forms)]
    known = measured(fit_on, known)
    proof = {name: list(judged(forms, known)) for name, forms in read(PROOF_SEED).items()}
    numbers = {name: [one for one in fields if not one.blank] for name, fields in proof.items()}
    empties = {name: [one for one in fields if one.blank] for name, fields in proof.items()}
    clear = choose(numbers["field"], numbers["hard"])
    blank = choose_blank([*empties["field"], *empties["hard"]])
    known = known.model_copy(update={"clear": clear, "blank": blank})

    evidence = {
        "promise": FIELD_PROMISE,
        "seeds": {"fit": FIT_SEED, "proof": PROOF_SEED},
        "forms": counts,
        "fitted_on": {name: len(some) for name, some in fit_on.items()},
        "ladder": {
            name: [at_threshold(fields, step) for step in LADDER]
            for name, fields in numbers.items()
        },
        "blank": {name: at_threshold(fields, blank) for name, fields in empties.items()},
        "bands": {name: bands(fields) for name, fields in proof.items()},
        "answers": {
            name: len(some)
            for name, some in answers([form for some in fit_on.values() for form in some]).items()
        },
    }
    wanted.out.mkdir(parents=True, exist_ok=True)
    content = known.model_dump(mode="json", exclude={"digest"})
    (wanted.out / decision_file().name).write_text(
        json.dumps(content, indent=1) + "\n", encoding="utf-8"
    )
    (wanted.out / "evidence.json").write_text(
        json.dumps(evidence, indent=1) + "\n", encoding="utf-8"
    )
    card = decision_card(known, evidence)
    (wanted.out / "CARD.md").write_text(card, encoding="utf-8")
    print(card)  # noqa: T201


if __name__ == "__main__":
    main()
