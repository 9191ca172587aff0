"""Decisions about an entry's own sums are held against what the source reports next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.queueing import refresh_queue
from flows.recording import compare_and_record
from models.people import Role, User
from models.queue import ItemStatus, Outcome, QueueItem
from models.records import Entry
from models.store.item_filter import ItemFilter
from models.store.store import Store
from review.answers import PaperSays, Says
from review.desk import Desk
from review.outcomes import Finding

TPS, FORM, RECIPE = "3216032003001", "c-hasil-ppwp-2024", "r" * 64


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def decided(store: Store) -> QueueItem:
    """Votes of 171 in all are reported with a total of 180; an auditor saw 171."""
    report(store, 24, 180)
    person = store.accounts.add("ani", Role.SUPERVISOR, by="test")
    settle(store, person, broken(store), 171)
    assert broken(store).status is ItemStatus.DONE
    return broken(store)


def report(store: Store, first: int, total: int) -> None:
    votes = {"suara_paslon_1": first, "suara_paslon_2": 73, "suara_paslon_3": 74}
    fields = votes | {"suara_sah": total}
    store.add_entries([Entry(tps=TPS, form=FORM, fields=fields, source="test")])
    with store.one_comparison():
        batch = store.begin_batch(RECIPE)
        comparison = compare_and_record(store, batch, RECIPE)
        store.finish_batch(batch, {"comparison": comparison.model_dump(mode="json")})
        refresh_queue(store)


def settle(store: Store, user: User, item: QueueItem, number: int) -> None:
    desk = Desk(store)
    held = desk.claim(user, item.id)
    held = desk.answer(user, held.id, held.version, PaperSays(says=Says.NUMBER, number=number))
    finding = Finding(outcome=Outcome.ENTRY_WRONG, number=number)
    desk.decide(user, held.id, held.version, finding, attempt="once")


def broken(store: Store) -> QueueItem:
    (item,) = store.queue.items(ItemFilter(kind="rule_broken_in_entry")).items
    return item


def reasons(store: Store, item: QueueItem) -> list[str]:
    records = store.trail.of(f"item/{item.id}")
    return [one.after["because"] for one in records if one.after and "because" in one.after]


@pytest.mark.parametrize(
    ("first", "total", "status", "reason"),
    [
        (34, 181, ItemStatus.OPEN, "entry_not_as_decided"),  # the sum fits, by two wrong numbers
        (24, 171, ItemStatus.DONE, "corrected_as_decided"),
        (240, 180, ItemStatus.OPEN, "facts_changed"),  # the total as before, another number not
    ],
)
def test_a_decided_total_is_held_against_the_next_entry(
    store: Store,
    decided: QueueItem,
    first: int,
    total: int,
    status: ItemStatus,
    reason: str,
) -> None:
    report(store, first, total)
    assert (broken(store).id, broken(store).status) == (decided.id, status)
    assert reasons(store, decided) == [reason]
    report(store, first, total)
    assert reasons(store, decided) == [reason]  # told once
    assert store.trail.verify() is None
