"""Hands a run's conflicts to the auditors' room: cells for its sums, items for its queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

from flows.changes import kept_by, standing
from flows.comparing_at_once import find_all
from flows.kept import Given, settle
from models.queue import ItemFacts
from models.records import Conflict
from models.store.refresh import Refreshed
from models.store.store import Store
from review.facts import cell_key, facts_of_conflicts, facts_of_sample
from review.sampling import is_drawn, place_in_queue
from review.settings import current_settings

CONFLICTS_AT_ONCE = 500


def refresh_queue(store: Store) -> Refreshed | None:
    """Bring the queue up to the last finished run; ``None`` where there was none.

    What auditors decided stays, as long as reading and entry are still the same.
    """
    batch = store.latest_batch()
    if batch is None:
        return None
    return store.queue.refresh(batch.id, lambda: _facts(store))


def catch_up(store: Store) -> Refreshed | None:
    """Bring the queue up to the last run where that was not done yet.

    So after a run that was cut off at its very end, and for a store that was made before there was
    an auditors' room. ``None`` where nothing was to do.
    """
    with store.one_comparison():
        batch = store.latest_batch()
        if batch is None or store.queue.refreshed_batch() == batch.id:
            return None
        kept = kept_by(batch)  # as the run itself compared, whatever the environment says now
        counted = settle(store, kept, Given(owed=kept.owed if kept else None))
        now = standing(store, batch.recipe, counted.expected)
        for findings in find_all(
            store, batch.id, now, now.signatures, counted.table, owed=counted.owed
        ):
            store.save_findings(batch.id, replace(findings, conflicts=()))
        return refresh_queue(store)


def _facts(store: Store) -> Iterator[ItemFacts]:
    settings = current_settings(store)
    priorities: list[float] = []
    seen: dict[str, int] = {}
    for some in _some(store.latest_conflicts()):
        priorities += [conflict.priority for conflict in some]
        cells = store.queue.cell_places(key for one in some if (key := cell_key(one)))
        yield from facts_of_conflicts(some, cells, seen)
    seed, share = settings.sample_seed, settings.sample_share
    for cell in store.queue.agreeing_cells(partial(is_drawn, seed, share)):
        place = place_in_queue(seed, cell.tps, cell.form, cell.field, priorities)
        yield facts_of_sample(cell, place)


def _some(conflicts: Iterator[Conflict]) -> Iterator[list[Conflict]]:
    while some := list(islice(conflicts, CONFLICTS_AT_ONCE)):
        yield some
