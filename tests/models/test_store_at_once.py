"""Several processes and threads on one store at one moment, on both databases."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from fixtures.databases import Databases
from fixtures.review_store import FORM, RECIPE, fill, item_facts
from fixtures.servers import PostgreSqlServer
from models.people import Role
from models.queue import QueueItem
from models.records import Entry, PageReading, PageStatus
from models.store.accounts import UserExists
from models.store.item_filter import ItemFilter
from models.store.items import ImportCount, Upload
from models.store.shelf import KeptPhoto
from models.store.store import Store
from review.desk import Desk
from review.errors import HeldByOther

TPS = "3216032003001"
TIMES = 8
T = TypeVar("T")
HASHES = [f"{number:064x}" for number in range(60)]


@pytest.fixture
def both(databases: Databases, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """The same store opened twice, as two processes have it: they share no lock but its own."""
    with databases.open(tmp_path) as one, databases.open(tmp_path) as other:
        yield one, other


def at_once(both: tuple[Store, Store], *work: Callable[[Store], T]) -> list[T]:
    """Start each piece of work at the same moment, each on a store of its own; what they gave."""
    ready = Barrier(len(work))

    def started(number: int) -> T:
        ready.wait()
        return work[number](both[number % 2])

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(started, range(len(work))))


def report(votes: int) -> Entry:
    return Entry(tps=TPS, form=FORM, fields={"suara_paslon_1": votes}, source="test")


def test_two_imports_of_one_tps_become_revisions_of_one_history(
    both: tuple[Store, Store],
) -> None:
    for time in range(TIMES):
        counts = at_once(
            both,
            *(partial(Store.add_entries, entries=[report(2 * time + n)]) for n in range(2)),
        )
        assert [one.unchanged for one in counts] == [0, 0]
    revisions = both[0].entry_revisions(TPS)
    assert [one.revision for one in revisions] == list(range(1, 2 * TIMES + 1))


def test_the_same_import_twice_is_news_once(both: tuple[Store, Store]) -> None:
    counts = at_once(both, *[lambda store: store.add_entries([report(24)])] * 2)
    assert sorted(str(one) for one in counts) == sorted(
        str(one) for one in (ImportCount(new=1), ImportCount(unchanged=1))
    )
    assert len(both[0].entry_revisions(TPS)) == 1


def test_the_same_photos_read_by_two_are_kept_once(both: tuple[Store, Store]) -> None:
    """In two orders, which would let two writers wait for each other for ever."""

    def read(store: Store, hashes: list[str]) -> int:
        batch = store.begin_batch(RECIPE)
        store.add_uploads(
            batch, [Upload(sha256, KeptPhoto(sha256, 1, None), TPS) for sha256 in hashes]
        )
        page = PageReading(photo="a", sha256="0" * 64, status=PageStatus.READ, recipe=RECIPE)
        return store.add_readings(
            RECIPE, [[page.model_copy(update={"sha256": sha256})] for sha256 in hashes]
        )

    new = at_once(both, lambda store: read(store, HASHES), lambda store: read(store, HASHES[::-1]))
    assert sum(new) == len(HASHES)
    assert both[0].readings_missing(HASHES, RECIPE) == ()


def test_one_item_is_claimed_by_one(both: tuple[Store, Store]) -> None:
    for name in ("budi", "sari"):
        both[0].accounts.add(name, Role.AUDITOR, by="test")
    fill(both[0], [item_facts(TPS, f"suara_paslon_{n}") for n in range(1, TIMES + 1)])

    def claim(store: Store, name: str, number: int) -> str:
        user = store.accounts.find(name)
        assert user is not None
        try:
            return str(Desk(store).claim(user, number).claimed_by)
        except HeldByOther:
            return "refused"

    for item in both[0].queue.items(ItemFilter()).items:
        said = at_once(
            both,
            partial(claim, name="budi", number=item.id),
            partial(claim, name="sari", number=item.id),
        )
        assert sorted(said) in (["budi", "refused"], ["refused", "sari"])
    assert both[0].trail.verify() is None


def test_two_who_ask_for_the_next_item_get_two(both: tuple[Store, Store]) -> None:
    for name in ("budi", "sari"):
        both[0].accounts.add(name, Role.AUDITOR, by="test")
    fill(both[0], [item_facts(TPS, f"suara_paslon_{n}") for n in range(1, 4)])

    def take(store: Store, name: str) -> QueueItem | None:
        user = store.accounts.find(name)
        assert user is not None
        return Desk(store).next_item(user, ItemFilter())

    got = at_once(both, lambda store: take(store, "budi"), lambda store: take(store, "sari"))
    assert len({one.id for one in got if one}) == 2


def test_the_queue_brought_up_twice_at_once_has_each_item_once(
    both: tuple[Store, Store],
) -> None:
    batch = both[0].begin_batch(RECIPE)
    both[0].finish_batch(batch, {})
    facts = [item_facts(f"{3216032003001 + n}", "suara_paslon_1") for n in range(50)]
    at_once(both, *[lambda store: store.queue.refresh(batch, lambda: facts)] * 4)
    found = both[0].queue.items(ItemFilter(), limit=500).items
    assert Counter(item.tps for item in found) == {one.tps: 1 for one in facts}
    assert both[0].queue.counts(ItemFilter()).waiting == 50
    assert both[0].trail.verify() is None


def test_one_name_is_given_once(both: tuple[Store, Store]) -> None:
    def add(store: Store) -> str:
        try:
            return store.accounts.add("budi", Role.AUDITOR, by="test").name
        except UserExists:
            return "taken"

    assert sorted(at_once(both, add, add)) == ["budi", "taken"]


# Opening, on a server


def _open(home: Path, url: str) -> None:
    with Store.open(home, url=url) as store:
        store.begin_batch(RECIPE)


def test_many_processes_make_the_tables_of_an_empty_database_once(
    postgresql: PostgreSqlServer, tmp_path: Path
) -> None:
    postgresql.run_sql("CREATE DATABASE empty_one")
    context = multiprocessing.get_context("spawn")
    url = postgresql.url("empty_one")
    processes = [context.Process(target=_open, args=(tmp_path, url)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Store.open(tmp_path, url=url) as store:
        assert store.begin_batch(RECIPE) == 4
