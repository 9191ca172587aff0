"""Two finished runs side by side: what the store kept of them, as a ``Diff``."""

from __future__ import annotations

from models.errors import ChasilError
from models.history import changed_parts
from models.store.items import Batch
from models.store.store import Store
from pipeline.diff import (
    Diff,
    ItemChange,
    diff_conflicts,
    diff_entries,
    diff_fields,
    diff_totals,
)


class NoSuchRun(ChasilError):
    """A run that was named is not there, or never reached its end."""

    code = "no_such_run"
    remedy = "Name two runs that reached their end; `chasil runs` lists them."


def finished_run(store: Store, number: int) -> Batch:
    """A run by its number.

    Raises:
        NoSuchRun: there is none, or it was cut off.

    """
    found = store.history.batch(number)
    if found is None:
        raise NoSuchRun(f"there is no run {number}", run=number)
    if found.finished_at is None:
        raise NoSuchRun(f"run {number} was cut off before its end", run=number)
    return found


def run_before(store: Store, number: int) -> Batch | None:
    """The run that ended last before another one ended; ``None`` for the first."""
    return next(iter(store.history.finished(before=number, limit=1)), None)


def diff_runs(store: Store, first: Batch, last: Batch) -> Diff:
    """What is other in a run than in an earlier one."""
    history = store.history
    tps = history.fields_changed(first.id, last.id)
    old, new = history.fields_at(first.id, tps), history.fields_at(last.id, tps)
    states = (*old.values(), *new.values())
    recipes = history.recipe_parts({state.recipe for state in states if state.recipe})
    both = history.recipe_parts({first.recipe, last.recipe})
    new_photos = history.photos_since(first.id)
    fields, only_confidence = diff_fields(
        old, new, came_since=new_photos.__contains__, recipes=recipes
    )
    conflicts, unchanged = diff_conflicts(store.conflicts_of(first.id), store.conflicts_of(last.id))
    return Diff(
        first=first.id,
        last=last.id,
        first_finished_at=first.finished_at,
        last_finished_at=last.finished_at,
        first_recipe=first.recipe,
        last_recipe=last.recipe,
        recipe_parts=changed_parts(both.get(first.recipe, {}), both.get(last.recipe, {})),
        fields=fields,
        only_confidence=only_confidence,
        entries=diff_entries(old, new),
        conflicts=conflicts,
        conflicts_unchanged=unchanged,
        items=_items(store, first, last),
        totals=diff_totals(history.totals_at(first.id), history.totals_at(last.id)),
    )


def _items(store: Store, first: Batch, last: Batch) -> tuple[ItemChange, ...]:
    changes = []
    for record, item in store.history.item_changes(first.id, last.id):
        before, after = record.before or {}, record.after or {}
        changes.append(
            ItemChange(
                item=item.id,
                fate="kept" if record.act == "item_kept" else "reopened",
                why=after.get("because", "facts_changed"),
                tps=item.tps,
                form=item.form,
                field=item.field,
                outcome=before.get("outcome"),
                number=before.get("number"),
                old_entry=before.get("entry"),
                new_entry=after.get("entry"),
                old_reading=before.get("reading"),
                new_reading=after.get("reading"),
            )
        )
    return tuple(changes)


def short_line(diff: Diff) -> str:
    """One line for the end of a run."""
    counts = {fate.value: 0 for fate in dict.fromkeys(one.fate for one in diff.conflicts)}
    for one in diff.conflicts:
        counts[one.fate.value] += 1
    conflicts = ", ".join(f"{number:,} {fate}" for fate, number in counts.items())
    said = [
        f"{len(diff.fields):,} fields read differently",
        f"{len(diff.entries):,} reported numbers changed",
        f"conflicts: {conflicts or 'none changed'}",
    ]
    if diff.items:
        corrected = sum(one.why == "corrected_as_decided" for one in diff.items)
        said.append(
            f"decisions: {len(diff.items_of('reopened')):,} reopened, {corrected:,} corrected as "
            "decided"
        )
    return f"Since run {diff.first}: {'; '.join(said)}."
