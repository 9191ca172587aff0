"""Everything in the store against everything in the store: which conflicts there are now.

Goes through the TPS some hundred at a time, so that memory holds the pages of those only. Copies
of one photo under several TPS may stand far apart; they are kept aside and judged at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice

from models.recognisers.installed import installed_digests
from models.records import Conflict, Entry, FormReading, PageReading, TpsCode
from models.regions import RegionTable
from models.reliability import load_reliabilities
from models.store.store import Store
from pipeline.compare import compare_all
from pipeline.gather import PPWP_FORM, Gathered, gather

TPS_AT_ONCE = 200
"""Some 600 pages; each takes about 100 kB as long as it is compared."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Some TPS: what was read, what was reported, and what does not fit."""

    readings: tuple[FormReading, ...]
    entries: tuple[Entry, ...]
    conflicts: tuple[Conflict, ...]


def compare_store(
    store: Store,
    recipe: str,
    expected: Collection[TpsCode] = (),
    regions: RegionTable | None = None,
    form: str = PPWP_FORM,
) -> Iterator[Compared]:
    """Compare everything, some hundred TPS at a time; conflicts of one TPS need not come together.

    Args:
        store: Photos, readings and entries.
        recipe: The recipe whose readings count where there are several.
        expected: TPS that must have photos.
        regions: Table of regions to hold the photos' headers against.
        form: Id of the form that every TPS owes.

    """
    known = load_reliabilities(installed_digests())
    copied = {duplicate.sha256 for duplicate in store.duplicates()}
    copies: list[PageReading] = []
    with_photo: set[TpsCode] = set()
    nothing_reported = next(store.latest_entries(), None) is None

    for pages in _some_tps(store.current_readings(recipe)):
        gathered = replace(gather(pages, known, form=form), duplicates=())
        copies += [page for page in pages if page.sha256 in copied]
        with_photo |= gathered.tps
        entries = None if nothing_reported else tuple(store.latest_entries(gathered.tps))
        conflicts = compare_all(gathered, entries, regions=regions, form=form)
        yield Compared(gathered.form_readings, entries or (), conflicts)
    yield Compared((), (), compare_all(Gathered(duplicates=gather(copies).duplicates), None))

    unseen = (entry for entry in store.latest_entries() if entry.tps not in with_photo)
    for some in _chunks(unseen):
        missing = {entry.tps for entry in some} & set(expected)
        yield Compared((), tuple(some), compare_all(Gathered(), some, expected=missing, form=form))
        with_photo |= missing
    never = set(expected) - with_photo
    yield Compared((), (), compare_all(Gathered(), None, expected=never, form=form))


def _some_tps(pages: Iterable[PageReading]) -> Iterator[list[PageReading]]:
    """Pages of ``TPS_AT_ONCE`` TPS at a time; a photo that claims none counts as one itself."""
    groups = groupby(pages, key=lambda page: page.tps or page.sha256 or page.photo)
    while some := [page for _, group in islice(groups, TPS_AT_ONCE) for page in group]:
        yield some


def _chunks(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while some := list(islice(entries, TPS_AT_ONCE)):
        yield some
