"""Which kecamatan are complete: each of their TPS has all its pages, and they can be read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from models.records import ConflictKind
from models.regions import Level, RegionTable
from models.store.store import Store

OPEN_PAGES = (ConflictKind.PAGE_MISSING, ConflictKind.WRONG_PAGE, ConflictKind.WRONG_TPS)


@dataclass(frozen=True, slots=True)
class CompleteKecamatan:
    """A kecamatan of which nothing is missing."""

    code: str
    """6 digits."""
    name: str
    tps: int
    """How many there are, by the table of regions."""


def complete_kecamatan(
    store: Store, touched: Collection[str], table: RegionTable, with_photo: Collection[str]
) -> tuple[CompleteKecamatan, ...]:
    """Those of the kecamatan ``touched`` that are complete after the last comparison.

    Complete is a kecamatan that the table knows, where each TPS has a photo and none misses a
    page, has a wrong page, or a photo of another TPS. Numbers may still be in conflict.

    Args:
        store: Its last run that reached its end counts.
        touched: Codes of 6 digits.
        table: Says which TPS a kecamatan has.
        with_photo: TPS of which there is a photo.

    """
    there = set(with_photo)
    found = []
    for code in sorted(touched):
        expected = table.tps(code) if code in table else ()
        if not expected or not there.issuperset(expected):
            continue
        if next(store.latest_conflicts(kinds=OPEN_PAGES, region=code, limit=1), None) is None:
            name = table.region(code).name
            found.append(CompleteKecamatan(code, name, len(expected)))
    return tuple(found)


def kecamatan_of(tps: str) -> str:
    """The kecamatan's code within a TPS code."""
    return tps[: Level.KECAMATAN]
