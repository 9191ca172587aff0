"""A run's conflicts become the queue: stable keys, cells, a sample; old stores catch up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.databases import Databases
from fixtures.review_store import FORM, RECIPE, keep_photo
from flows.comparing import compare_store
from flows.queueing import catch_up, refresh_queue
from flows.recording import compare_and_record
from models.people import Role
from models.queue import SAMPLE, ItemStatus, QueueItem
from models.records import Conflict, ConflictKind, Entry
from models.store.item_filter import ItemFilter
from models.store.store import Store
from review.facts import facts_of_conflicts
from review.settings import change_setting

TPS = "3216032003001"


@pytest.fixture
def store(databases: Databases, tmp_path: Path) -> Iterator[Store]:
    with databases.open(tmp_path) as opened:
        keep_photo(opened, TPS, fields=("suara_paslon_1", "suara_paslon_2"))
        yield opened


def report(store: Store, *votes: int | None) -> None:
    store.add_entries(
        [
            Entry(
                tps=TPS,
                form=FORM,
                fields={f"suara_paslon_{n}": vote for n, vote in enumerate(votes, start=1)},
                source="test",
            )
        ]
    )


def run(store: Store) -> None:
    """What ``flows.run.Run`` does after reading."""
    batch = store.begin_batch(RECIPE)
    comparison = compare_and_record(store, batch, RECIPE)
    store.finish_batch(batch, {"comparison": comparison.model_dump(mode="json")})
    refresh_queue(store)


def items(store: Store, kind: str | None = None) -> tuple[QueueItem, ...]:
    return store.queue.items(ItemFilter(kind=kind)).items


def test_conflicts_become_items_that_keep_their_number(store: Store) -> None:
    report(store, 824, 24)
    run(store)
    (first,) = items(store, "value_mismatch")
    assert (first.tps, first.field, first.entry, first.reading) == (TPS, "suara_paslon_1", 824, 24)
    assert first.field_status == "clear"
    assert first.sha256 is not None
    run(store)
    (again,) = items(store, "value_mismatch")
    assert again == first
    assert store.queue.refreshed_batch() == store.latest_batch().id  # type: ignore[union-attr]


def test_a_corrected_entry_closes_what_nobody_decided(store: Store) -> None:
    report(store, 824, 24)
    run(store)
    report(store, 24, 24)
    run(store)
    (item,) = items(store, "value_mismatch")
    assert item.status is ItemStatus.GONE
    report(store, 34, 24)
    run(store)
    (back,) = items(store, "value_mismatch")
    assert (back.id, back.status, back.entry) == (item.id, ItemStatus.OPEN, 34)
    assert back.version > item.version


def test_cells_and_progress_are_kept(store: Store) -> None:
    report(store, 824, None)
    run(store)
    cells = {one.field: one for one in store.queue.cells(TPS)}
    assert cells["suara_paslon_1"].entry == 824
    assert cells["suara_paslon_1"].reading == 24
    assert cells["suara_paslon_2"].entry is None
    (progress,) = store.queue.tps_progress("3216")
    assert progress.has_entry
    assert progress.fields_clear == 2
    assert progress.items_waiting == len(items(store))


def test_agreeing_clear_fields_are_drawn_at_the_set_share(store: Store) -> None:
    citra = store.accounts.add("citra", Role.SUPERVISOR, by="test")
    report(store, 824, 24)
    change_setting(store, citra, "sample_share", 0)
    run(store)
    assert items(store, SAMPLE) == ()
    change_setting(store, citra, "sample_share", 1)
    run(store)
    (drawn,) = items(store, SAMPLE)
    assert (drawn.field, drawn.entry, drawn.reading) == ("suara_paslon_2", 24, 24)
    assert drawn.priority in {item.priority for item in items(store) if item.kind != SAMPLE}


def test_a_store_without_a_queue_catches_up_once(store: Store) -> None:
    report(store, 824, 24)
    batch = store.begin_batch(RECIPE)
    for compared in compare_store(store, RECIPE):
        store.save_conflicts(batch, compared.conflicts)
    store.finish_batch(batch, {})
    done = catch_up(store)
    assert done is not None
    assert done.new == done.items == len(items(store)) > 0
    assert store.queue.cells(TPS)
    assert catch_up(store) is None
    assert store.trail.verify() is None


def test_keys_tell_conflicts_apart_and_stay() -> None:
    def missing(page: int, more: str = "") -> Conflict:
        return Conflict(
            tps=TPS,
            form=FORM,
            field=None,
            kind=ConflictKind.PAGE_MISSING,
            priority=1,
            detail=f"No readable photo of page {page}.{more}",
        )

    def broken(rule: str) -> Conflict:
        return Conflict(
            tps=TPS,
            form=FORM,
            field="suara_sah",
            kind=ConflictKind.RULE_BROKEN_IN_ENTRY,
            priority=1,
            rule=rule,
            entry=5,
        )

    def keys(*conflicts: Conflict) -> list[str]:
        return [one.key for one in facts_of_conflicts(conflicts, {}, {})]

    different = [missing(1), missing(2), broken("a"), broken("b"), missing(1)]
    assert len(set(keys(*different))) == 5
    assert keys(missing(1)) == keys(missing(1, " It may be among those: a.jpg."))
    first, changed = (
        next(facts_of_conflicts([one], {}, {}))
        for one in (broken("a"), broken("a").model_copy(update={"entry": 6}))
    )
    assert first.key == changed.key
    assert first.digest != changed.digest
