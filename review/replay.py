"""Follows the trail again, to see whether every item says what its acts say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from models.queue import ItemStatus, QueueItem
from models.store.store import Store
from models.trail import TrailRecord
from review.desk import columns_of
from review.item_state import state_of

AT_ONCE = 500

NOT_COMPARED = "decided_at"
"""The store's own columns hold a moment in their own form; who, what and which are compared."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An item that says something else than the trail."""

    item: int
    column: str
    stored: object
    told: object

    def __str__(self) -> str:
        return (
            f"item {self.item}: {self.column} is {self.stored!r}, by the trail it is {self.told!r}"
        )


def mismatches(store: Store) -> Iterator[Mismatch]:
    """Items that were changed without going through chasil, in the order of their numbers."""
    for item, records in _with_records(store):
        told = columns_of(state_of(records))
        gone = item.status is ItemStatus.GONE and told["status"] is not ItemStatus.DONE
        for column, value in told.items():
            if column == NOT_COMPARED or (column == "status" and gone):
                continue
            stored = getattr(item, column)
            if stored != value:
                yield Mismatch(item.id, column, stored, value)


def _with_records(store: Store) -> Iterator[tuple[QueueItem, tuple[TrailRecord, ...]]]:
    items = store.queue.every_item_with_acts()
    while some := list(islice(items, AT_ONCE)):
        found = store.trail.of_each([f"item/{item.id}" for item in some])
        yield from ((item, found.get(f"item/{item.id}", ())) for item in some)
