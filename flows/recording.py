"""Finds the conflicts of a run and records them, with what each field was seen to be."""

from __future__ import annotations

from collections.abc import Collection

from flows.changes import Comparison, changed_since, context_of, standing
from flows.comparing import reported_fields
from flows.comparing_at_once import find_all
from models.records import ConflictKind, TpsCode
from models.regions import RegionTable
from models.store.store import Store


def compare_and_record(
    store: Store,
    batch: int,
    recipe: str,
    expected: Collection[TpsCode] = (),
    regions: RegionTable | None = None,
    *,
    everything: bool = False,
    processes: int = 1,
) -> Comparison:
    """Compare what the store holds and write it down under a run; see ``compare_store``.

    TPS of which nothing is other than in the last finished run keep their conflicts; the others
    are compared. Call it within ``store.one_comparison()``.

    Args:
        store: Photos, readings, entries.
        batch: The run.
        recipe: The recipe whose readings count where there are several.
        expected: TPS that must have photos.
        regions: Table of regions to hold headers against.
        everything: Compare also what is as it was.
        processes: How many compare, where there are many TPS.

    """
    now = standing(store, recipe, expected)
    context = context_of(regions, reported_fields(store, now))
    last = None if everything else store.latest_batch()
    changed = changed_since(store, now, last, context)
    store.history.save_compared(batch, changed.signatures)
    if changed.carried_from is not None:
        store.history.carry_conflicts(
            changed.carried_from,
            batch,
            besides=changed.tps,
            besides_kind=ConflictKind.DUPLICATE_PHOTO,
        )
    for findings in find_all(
        store, batch, now, changed.tps, regions, anew=everything, processes=processes
    ):
        store.save_findings(batch, findings)
    return Comparison(
        context=context,
        tps=len(now.signatures),
        compared=len(changed.tps),
        carried_from=changed.carried_from,
        builds_on=changed.builds_on,
    )
