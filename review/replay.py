"""Follows the trail again, to see whether every item says what its acts say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.queue import ItemStatus
from models.store.store import Store
from review.desk import columns_of
from review.item_state import state_of

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
    for item in store.queue.every_item_with_acts():
        told = columns_of(state_of(store.trail.of(f"item/{item.id}")))
        gone = item.status is ItemStatus.GONE and told["status"] is not ItemStatus.DONE
        for column, value in told.items():
            if column == NOT_COMPARED or (column == "status" and gone):
                continue
            stored = getattr(item, column)
            if stored != value:
                yield Mismatch(item.id, column, stored, value)
