"""Two who do the same thing at the same moment: runs, imports, a refresh beside auditors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fault_bench import CORRECTED, TPS, Bench, NoPool, count_readings, decide, items

from fixtures.fake_reading import write_photo
from flows.arrivals import find_arrivals
from flows.importing import import_entries
from flows.progress import LineReporter
from flows.queueing import refresh_queue
from flows.run import Run
from models.queue import ItemStatus
from models.trail import Act
from review.errors import Refused


def test_the_same_run_started_twice(tmp_path: Path) -> None:
    start_twice(Bench(tmp_path))


def test_the_same_entries_imported_twice(tmp_path: Path) -> None:
    import_four_times(Bench(tmp_path))


def start_twice(bench: Bench) -> None:
    """Two processes with the same photos, the same entries, and one store."""
    both = [bench.start() for _ in range(2)]
    for run in both:
        out, errors = run.communicate(timeout=240)
        assert run.returncode == 0, errors
        summary = json.loads(out)
        assert (summary["photos"], summary["rejected"]) == (24, {})
    with bench.store() as store:
        assert count_readings(store) == 24
        assert bench.check_whole(store).pages_read_now == 0


def import_four_times(bench: Bench) -> None:
    """Four import the same entries at the same moment; one of them brings the news."""

    def import_once(_: int) -> tuple[int, int, int]:
        with bench.store() as store:
            counts = import_entries(store, bench.entries).counts
            return counts.new, counts.revised, counts.unchanged

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(import_once, range(4)))
    assert sorted(told) == [(0, 0, 8)] * 3 + [(0, 1, 7)]
    with bench.store() as store:
        assert len(store.entry_revisions(CORRECTED)) == 2
        bench.check_whole(store)


def test_of_two_runs_the_one_that_compared_last_has_the_last_word(tmp_path: Path) -> None:
    """The first to begin reads long; another begins and ends meanwhile and sees none of it."""
    bench = Bench(tmp_path)
    other = tmp_path / "other"
    write_photo(other / f"{TPS[7]}-x.jpg", 2, {"suara_paslon_1": None}, salt="other")
    with bench.store() as store:
        long_run, short_run = (Run(store, NoPool(), LineReporter(lambda _: None)) for _ in range(2))
        long_run.read_all(find_arrivals([bench.photos]), 100, long_run.read)
        for run in (short_run, long_run):
            if run is short_run:
                run.read_all(find_arrivals([other]), 100, run.read)
            with store.one_comparison():
                run.compare()
                run.finish()
            newest = store.latest_batch()
            assert newest is not None
            assert newest.id == run.batch
            assert store.queue.refreshed_batch() == run.batch


def test_comparisons_wait_for_each_other(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    waited, entered = threading.Event(), threading.Event()

    def second() -> None:
        with bench.store() as store, store.one_comparison(waited.set):
            entered.set()

    other = threading.Thread(target=second)
    with bench.store() as store:
        with store.one_comparison():
            other.start()
            assert waited.wait(30)
            assert not entered.is_set()
        assert entered.wait(30)
    other.join()


def test_the_queue_is_refreshed_while_auditors_decide(tmp_path: Path) -> None:
    refresh_beside_auditors(Bench(tmp_path))


def refresh_beside_auditors(bench: Bench) -> None:
    """Two auditors decide everything while the queue is brought up to a run again and again."""
    with bench.store() as store:
        bench.run_here(store)
        start = threading.Barrier(3)
        told: list[int] = []
        refused: list[Refused] = []

        def decide_all(who: str) -> None:
            user = next(one for one in bench.auditors(store) if one.name == who)
            start.wait()
            for item in [one for one in items(store) if one.field][:40]:
                now = store.queue.item(item.id)
                if now is None or not now.is_waiting or now.reading is None:
                    continue
                try:
                    decide(store, user, now)
                except Refused as error:
                    refused.append(error)
                else:
                    told.append(item.id)

        def refresh() -> None:
            start.wait()
            for _ in range(4):
                with store.one_comparison():
                    refresh_queue(store)

        run_all([lambda: decide_all("budi"), lambda: decide_all("sari"), refresh])
        assert told
        decided = [one for one in store.trail.walk() if one.act == Act.DECIDED]
        counted = [int(one.subject.removeprefix("item/")) for one in decided]
        for number in set(told):
            assert counted.count(number) >= told.count(number)
        by_number = {item.id: item for item in items(store)}
        settled = {ItemStatus.DONE, ItemStatus.SECOND, ItemStatus.SUPERVISOR}
        assert {by_number[number].status for number in told} <= settled
        bench.check_whole(store)


def run_all(jobs: list[Callable[[], None]]) -> None:
    """Run all at once; what one raises is raised."""
    with ThreadPoolExecutor(len(jobs)) as threads:
        for running in [threads.submit(job) for job in jobs]:
            running.result(timeout=120)
