"""From what is typed to what a command was given: regions to their TPS, a file to its table."""

from __future__ import annotations

from pathlib import Path

from flows.changes import kept_by
from flows.kept import (
    NONE,
    NOTHING_GIVEN,
    Expectation,
    Given,
    GivenTable,
    Settled,
    settle,
    table_now,
)
from flows.parameters import UnknownRegion
from models.regions import RegionTable, read_regions
from models.store.store import Store


def given_now(
    store: Store,
    *,
    expect: str | None = None,
    regions: Path | None = None,
    form: str | None = None,
) -> Given:
    """What a command was given.

    Args:
        store: The last run's table of regions says which TPS a region has, where none is given.
        expect: Regions whose TPS must have photos, by commas: ``3216``, ``3215,3216``; ``none``
            drops what was expected before, and may stand before others.
        regions: A table of regions; ``none`` drops those given before.
        form: Id of the form that every TPS owes.

    Raises:
        UnknownRegion: the table has no TPS below a region.
        RegionsFileError: the table can't be read.

    """
    table: GivenTable | None = None
    if regions is not None:
        drops = str(regions) == NONE
        table = GivenTable(regions.name, None if drops else read_regions(regions))
    expected: Expectation | None = None
    if expect is not None:
        known = table.table if table and table.table else None
        before = kept_by(store.latest_batch())
        expected = expectation(known or table_now(store, before, Given(table=table)), expect)
    return Given(expected, table, form)


def regions_now(store: Store, path: Path | None = None) -> RegionTable:
    """The table by which a command names regions and knows their TPS.

    Args:
        store: The table that runs were given counts, else the one that comes with chasil.
        path: A table for this command alone.

    Raises:
        RegionsFileError: the file can't be read.
        GivenTextLost: the runs' table is not in the store.

    """
    if path is not None:
        return read_regions(path)
    return table_now(store, kept_by(store.latest_batch()), NOTHING_GIVEN)


def settled_now(store: Store, given: Given) -> Settled:
    """What counts in a run that compares now; a run that ends meanwhile may change it."""
    return settle(store, kept_by(store.latest_batch()), given)


def expectation(table: RegionTable, expect: str) -> Expectation:
    """The TPS of regions.

    Raises:
        UnknownRegion: the table has none below one of them.

    """
    first, *rest = expect.split(",")
    alone = first == NONE
    codes = tuple(rest) if alone else (first, *rest)
    tps: set[str] = set()
    for code in codes:
        below = table.tps(code)
        if not below:
            raise UnknownRegion(f"the table of regions has no TPS below {code}")
        tps.update(below)
    return Expectation(codes, frozenset(tps), alone=alone)
