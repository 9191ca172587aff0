"""Finds the conflicts of a run and records them, with what each field was seen to be."""

from __future__ import annotations

from collections.abc import Callable

from flows.changes import Comparison, changed_since, context_of, kept_by, standing
from flows.comparing import compare_store, reported_fields
from flows.kept import NOTHING_GIVEN, Given, settle
from flows.queueing import keep_cells
from models.records import ConflictKind
from models.store.items import Batch
from models.store.store import Store


def compare_and_record(
    store: Store,
    batch: int,
    recipe: str,
    given: Given = NOTHING_GIVEN,
    *,
    everything: bool = False,
    processes: int = 1,
    tell: Callable[[str], object] = lambda _: None,
) -> Comparison:
    """Compare what the store holds and write it down under a run; see ``compare_store``.

    TPS of which nothing is other than in the last finished run keep their conflicts; the others
    are compared. What was given to earlier runs counts on (``flows.kept``). Call it within
    ``store.one_comparison()``.

    Args:
        store: Photos, readings, entries.
        batch: The run.
        recipe: The recipe whose readings count where there are several.
        given: Expected TPS, table of regions and owed form, as far as they were given anew.
        everything: Compare also what is as it was.
        processes: How many compare, where there are many TPS.
        tell: Is told, in lines for the operator, what counts from earlier runs.

    """
    last = store.latest_batch()
    before = kept_by(last)
    settled = settle(store, before, given)
    for line in (*_of_an_older_chasil(last, before is not None), *settled.said):
        tell(line)
    for text in settled.texts:
        store.given.keep(text)
    now = standing(store, recipe, settled.expected)
    context = context_of(settled.table, reported_fields(store, now), settled.owed)
    changed = changed_since(store, now, None if everything else last, context)
    store.history.save_compared(batch, changed.signatures)
    if changed.carried_from is not None:
        store.history.carry_conflicts(
            changed.carried_from,
            batch,
            besides=changed.tps,
            besides_kind=ConflictKind.DUPLICATE_PHOTO,
        )
    for compared in compare_store(
        store,
        recipe,
        regions=settled.table,
        now=now,
        tps=changed.tps,
        processes=processes,
        owed=settled.owed,
    ):
        store.save_conflicts(batch, compared.conflicts)
        keep_cells(store, compared)
        store.history.save_fields(batch, compared.tps, compared.states)
    return Comparison(
        context=context,
        tps=len(now.signatures),
        compared=len(changed.tps),
        carried_from=changed.carried_from,
        builds_on=changed.builds_on,
        last_reading=max(
            (key.reading or 0 for keys in now.pages.values() for key in keys), default=0
        ),
        kept=settled.kept,
    )


def _of_an_older_chasil(last: Batch | None, is_kept: bool) -> tuple[str, ...]:
    """A line where the last run did not write down what it was given."""
    if last is None or is_kept:
        return ()
    return (
        f"Run {last.id} was made by an older chasil, which forgot `--expect`, `--regions` and "
        "`--form`. If they were used, give them once more: from now on they are kept.",
    )
