"""Which TPS must be compared again: those of which anything is other than in the last run.

TPS are compared one by one (only copies of one photo are judged across them, and those always
anew). So a TPS whose photos, readings, failures and entries are the very rows that the last run
compared, by the same code, rules, regions and thresholds, gets the same conflicts, and they are
carried over instead. Two things are written for that: with the run a digest of all that every TPS
shares (``context``), and for each TPS a digest of its own rows (``signature``).

A run writes signatures before it touches anything else about a TPS. What the newest signature of a
TPS says only counts where the run that wrote it is one that the last finished run builds on: so a
run that was cut off, or one that ran beside it, makes its TPS be compared again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from flows.code_digest import digest_of_code
from flows.kept import Kept
from models.forms.template import installed_forms, load_form, owed_form
from models.records import Record, TpsCode
from models.regions import RegionTable
from models.store.items import Batch, PageKey
from models.store.store import Store
from models.trail import canonical

WITHOUT_TPS = ""
"""Stands for all photos that claim no TPS: they are compared together."""

LONGEST_CHAIN = 50
"""Runs whose signatures are looked through; then all are written again."""

COMPARING_CODE = (
    *("pipeline.compare", "pipeline.gather", "pipeline.thin", "pipeline.wrong_headers"),
    "pipeline.entries.load",
)
"""Modules that decide what is a conflict, by themselves and by all that they import."""

MEASURED = (
    *("models.elections_data", "models.recognisers.decision"),
    "models.recognisers.lines-tulisan",
)
"""Folders of data that decide it too and lie apart from these modules."""


class Comparison(Record):
    """How a run came to its conflicts; kept in its summary for the next one."""

    context: str
    """Digest of all that every TPS is compared with."""
    tps: int
    """TPS that anything is known of."""
    compared: int
    """Those that were compared in this run."""
    carried_from: int | None
    """The run whose conflicts were carried over for the others."""
    builds_on: int | None
    """The run whose signatures still count; ``None`` where this one wrote all of them."""
    last_reading: int | None = None
    """Number of the last reading that it saw (0: none); ``None`` in runs of an earlier chasil."""
    kept: Kept | None = None
    """What operators had given, for the next run too; ``None`` in runs of an older chasil."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that counts now, as keys, and each TPS's signature."""

    pages: Mapping[str, tuple[PageKey, ...]]
    """TPS (or ``WITHOUT_TPS``) to its pages."""
    entries: Mapping[str, tuple[int, ...]]
    expected: frozenset[TpsCode]
    signatures: Mapping[str, str]
    copied: frozenset[str]
    """SHA-256 of photos that stand under several names."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What to compare."""

    tps: frozenset[str]
    """Also TPS of which nothing is known any more."""
    signatures: Mapping[str, str]
    """To write; of all TPS where the chain begins anew."""
    carried_from: int | None
    builds_on: int | None


def standing(store: Store, recipe: str, expected: Collection[TpsCode] = ()) -> Standing:
    """Look at everything in the store, by its keys."""
    pages: dict[str, list[PageKey]] = defaultdict(list)
    for key in store.page_keys(recipe):
        pages[key.tps or WITHOUT_TPS].append(key)
    entries = store.entry_keys()
    wanted = frozenset(expected)
    copied = frozenset(duplicate.sha256 for duplicate in store.duplicates())
    return Standing(
        pages={tps: tuple(keys) for tps, keys in pages.items()},
        entries=entries,
        expected=wanted,
        signatures={
            tps: _signature(pages.get(tps, ()), entries.get(tps, ()), tps in wanted)
            for tps in sorted(pages.keys() | entries.keys() | wanted)
        },
        copied=copied,
    )


def _signature(pages: Iterable[PageKey], entries: Iterable[int], is_expected: bool) -> str:
    told = canonical([rows_of(pages), list(entries), is_expected])
    return hashlib.sha256(told.encode()).hexdigest()


def rows_of(pages: Iterable[PageKey]) -> list[list[object]]:
    """Pages as what tells their rows from others: a digest of it changes when any of them does."""
    return [
        # A name that stands for other bytes, or a reading by another recipe, is another row.
        [key.name, key.sha256, key.reading, None if key.reading else [key.failure, key.upload]]
        for key in pages
    ]


NOTHING = _signature((), (), False)
"""The signature of a TPS of which nothing is known."""


def context_of(
    regions: RegionTable | None,
    reported: Mapping[str, Collection[str]] | None,
    owed: str | None = None,
) -> str:
    """Digest of what decides all comparisons besides the rows of a TPS.

    ``owed`` is the form that every TPS owes; ``None``: see ``models.forms.template.owed_form``. The
    recipe is not in it: it decides which readings count, and these are rows of a TPS.
    """
    told = [
        code_digest(),
        owed or owed_form(),
        [[form, load_form(form).digest] for form in installed_forms()],
        None if regions is None else [[one.code, one.name] for one in regions],
        None
        if reported is None
        else {form: sorted(fields) for form, fields in sorted(reported.items())},
    ]
    return hashlib.sha256(canonical(told).encode()).hexdigest()


def changed_since(store: Store, now: Standing, last: Batch | None, context: str) -> Changed:
    """What is other than in the last finished run."""
    chain = _chain(store, last, context)
    if last is None or not chain:
        # Also those that were known and are not any more: their cells and history must go.
        vanished = dict.fromkeys(store.history.compared().keys() - now.signatures.keys(), NOTHING)
        anew = {**now.signatures, **vanished}
        return Changed(frozenset(anew), anew, None, None)
    known = store.history.compared()
    tps = frozenset(
        code
        for code in known.keys() | now.signatures.keys()
        if known.get(code, (None, NOTHING))
        != (known.get(code, (None, ""))[0], now.signatures.get(code, NOTHING))
        or (code in known and known[code][0] not in chain)
    )
    if len(chain) >= LONGEST_CHAIN:
        gone = dict.fromkeys(tps - now.signatures.keys(), NOTHING)
        return Changed(tps, {**now.signatures, **gone}, last.id, None)
    signatures = {code: now.signatures.get(code, NOTHING) for code in tps}
    return Changed(tps, signatures, last.id, last.id)


def _chain(store: Store, last: Batch | None, context: str) -> frozenset[int]:
    """The last run and those it builds on; none where it was compared with something else."""
    comparison = comparison_of(last)
    if last is None or comparison is None or comparison.context != context:
        return frozenset()
    found = {last.id}
    while comparison is not None and comparison.builds_on is not None:
        found.add(comparison.builds_on)
        comparison = comparison_of(store.history.batch(comparison.builds_on))
    return frozenset(found)


def comparison_of(batch: Batch | None) -> Comparison | None:
    """How a run came to its conflicts; ``None`` where it did not write that down."""
    said = (batch.summary or {}).get("comparison") if batch else None
    return Comparison.model_validate(said) if said else None


def kept_by(batch: Batch | None) -> Kept | None:
    """What a run was compared with, for the next one; ``None`` where it did not write that down."""
    comparison = comparison_of(batch)
    return comparison.kept if comparison else None


def code_digest() -> str:
    """Digest of the code and data that comparing is made of."""
    return digest_of_code(*COMPARING_CODE, data=MEASURED)
