"""Hands a run's conflicts to the auditors' room: cells for its sums, items for its queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from flows.comparing import Compared, compare_store
from models.queue import Cell, ItemFacts, TpsProgress
from models.records import Conflict, FieldReading, FieldStatus
from models.store.refresh import Refreshed
from models.store.store import Store
from review.facts import cell_key, facts_of_conflicts, facts_of_sample
from review.sampling import is_drawn, place_in_queue
from review.settings import current_settings

CONFLICTS_AT_ONCE = 500


def keep_cells(store: Store, compared: Compared) -> None:
    """Keep every field of some TPS, read or reported, for the room's sums and its sample."""
    readings = {(one.tps, one.form): one for one in compared.readings}
    entries = {(one.tps, one.form): one for one in compared.entries}
    cells: list[Cell] = []
    progress: list[TpsProgress] = []
    for key in sorted(readings.keys() | entries.keys()):
        tps, form = key
        reading, entry = readings.get(key), entries.get(key)
        fields = reading.fields if reading else {}
        reported = entry.fields if entry else {}
        for name in dict.fromkeys((*fields, *reported)):
            field = fields.get(name)
            page = reading.pages.get(name) if reading else None
            cells.append(
                Cell(
                    tps=tps,
                    form=form,
                    field=name,
                    entry=reported.get(name),
                    reading=field.value if field else None,
                    confidence=field.confidence if field else None,
                    status=_seen(field),
                    sha256=page.sha256 if page else None,
                    pdf_page=page.pdf_page if page else None,
                )
            )
        counts = Counter(field.status for field in fields.values())
        pages = {page.page for page in reading.pages.values()} if reading else set()
        progress.append(
            TpsProgress(
                tps=tps,
                form=form,
                pages_read=len(pages),
                fields_clear=counts[FieldStatus.CLEAR],
                fields_review=counts[FieldStatus.REVIEW],
                fields_blank=counts[FieldStatus.BLANK],
                fields_not_in_view=counts[FieldStatus.NOT_IN_VIEW],
                has_entry=entry is not None,
                items_waiting=0,
                items_done=0,
            )
        )
    if cells or progress:
        store.queue.save_cells(cells, progress)


def refresh_queue(store: Store) -> Refreshed | None:
    """Bring the queue up to the last finished run; ``None`` where there was none.

    What auditors decided stays, as long as reading and entry are still the same.
    """
    batch = store.latest_batch()
    if batch is None:
        return None
    return store.queue.refresh(batch.id, _facts(store))


def catch_up(store: Store) -> Refreshed | None:
    """Bring the queue up to the last run where that was not done yet.

    So after a run that was cut off at its very end, and for a store that was made before there was
    an auditors' room. ``None`` where nothing was to do.
    """
    with store.one_comparison():
        batch = store.latest_batch()
        if batch is None or store.queue.refreshed_batch() == batch.id:
            return None
        for compared in compare_store(store, batch.recipe):
            keep_cells(store, compared)
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
    for cell in store.queue.agreeing_cells():
        name = (cell.tps, cell.form, cell.field)
        if is_drawn(seed, share, *name):
            yield facts_of_sample(cell, place_in_queue(seed, *name, priorities))


def _seen(field: FieldReading | None) -> str | None:
    return field.status.value if field else None


def _some(conflicts: Iterator[Conflict]) -> Iterator[list[Conflict]]:
    while some := list(islice(conflicts, CONFLICTS_AT_ONCE)):
        yield some
