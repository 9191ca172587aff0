"""The database is away for a while: a server that restarts, a file that another program holds."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_chasil import PAUSES
from fault_bench import Bench, NoPool, fill_database, said, stops_of, tell, undisturbed
from test_twice_at_once import import_four_times, refresh_beside_auditors, start_twice

from fixtures.servers import PostgreSqlServer, ServerMissing, postgresql_server
from flows.arrivals import find_arrivals
from flows.progress import LineReporter
from flows.run import Run
from models.store.errors import ComparedMeanwhile

GONE_SECONDS = float(os.environ.get("CHASIL_GONE_SECONDS", "2"))
"""How long the server is away; set it to 30 to see the whole of it."""

SHORTLY_GONE_SECONDS = min(GONE_SECONDS, 0.3) if GONE_SECONDS <= 2 else GONE_SECONDS
"""Where it goes away five times in one test."""

TEMPLATE = "filled"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSqlServer]:
    try:
        with postgresql_server() as running:
            running.run_sql(f"CREATE DATABASE {TEMPLATE}")
            fill_database(running.url(TEMPLATE))
            yield running
            running.stop(at_once=True)  # nobody needs what it holds
    except ServerMissing as missing:
        pytest.skip(f"{missing}: apt-get install -y postgresql")


@pytest.fixture
def bench(server: PostgreSqlServer, tmp_path: Path) -> Bench:
    """A bench with a database of its own."""
    name = f"t{abs(hash(str(tmp_path))):x}"
    server.run_sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    return Bench(tmp_path / "bench", database=server.url(name))


@pytest.mark.parametrize("at_once", [False, True], ids=["restarted", "crashed"])
def test_a_server_that_comes_back_costs_its_absence(
    server: PostgreSqlServer, bench: Bench, at_once: bool
) -> None:
    run = bench.start(FAKE_LONGER_SECONDS="0.3")
    with bench.store() as store:
        bench.wait_until_read(store, 6)
    server.stop(at_once=at_once)
    time.sleep(GONE_SECONDS)
    assert run.poll() is None
    server.start()
    out, errors = run.communicate(timeout=120 + 2 * GONE_SECONDS)
    assert run.returncode == 0, errors
    summary = json.loads(out)
    assert (summary["rejected"], summary["pages_read_now"]) == ({}, 18)
    how = "server crashed" if at_once else "server restarted"
    tell(how, seconds_away=GONE_SECONDS, seconds_of_the_run=summary["seconds"])
    assert bench.check_whole().pages_read_now == 0


def test_a_server_that_crashes_while_the_run_compares_is_waited_for(
    server: PostgreSqlServer, bench: Bench
) -> None:
    """Five times: with conflicts, pages and history in hand, at its end, and in the queue."""
    stops = bench.folder / "stops"
    stops.mkdir()
    run = bench.start(FAKE_PAUSES=str(stops))
    stopped: list[str] = []
    for stop in stops_of(run, stops):
        stopped.append(stop.name)
        server.stop(at_once=True)
        stop.unlink()
        time.sleep(SHORTLY_GONE_SECONDS)
        server.start()
    out, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert sorted(stopped) == sorted(PAUSES)
    assert json.loads(out)["pages_read_now"] == 18
    with bench.store() as store:
        found = sorted(one.model_dump_json() for one in store.latest_conflicts())
        assert found == undisturbed()
    assert bench.check_whole().pages_read_now == 0


def test_a_run_that_ended_while_the_lock_was_lost_is_noticed(
    server: PostgreSqlServer, bench: Bench
) -> None:
    with bench.store() as store, bench.store() as other:
        run, beside = (Run(one, NoPool(), LineReporter(lambda _: None)) for one in (store, other))
        with store.one_comparison():
            run.compare()
            server.stop(at_once=True)  # takes the lock with it
            server.start()
            beside.read_all(find_arrivals([bench.photos]), 100, beside.read)
            with other.one_comparison():
                beside.compare()
                beside.finish()
            with pytest.raises(ComparedMeanwhile) as caught:
                run.finish()
        assert "Start the same command again" in caught.value.remedy
        last = other.latest_batch()
        assert last is not None
        assert last.id == beside.batch  # it has seen more
    bench.check_whole()


def test_a_server_that_stays_away_ends_the_run(server: PostgreSqlServer, bench: Bench) -> None:
    run = bench.start(FAKE_PATIENCE_SECONDS="1", FAKE_LONGER_SECONDS="0.3")
    with bench.store() as store:
        bench.wait_until_read(store, 6)
    server.stop(at_once=True)
    try:
        _, errors = run.communicate(timeout=120)
    finally:
        server.start()
    assert run.returncode == 1
    assert "Check that the PostgreSQL server named in CHASIL_DATABASE runs" in said(errors)
    again = bench.check_whole().pages_read_now
    assert 0 < again <= 12
    tell("server stays away", pages_read_again=again)


def test_the_same_run_started_twice_on_a_server(bench: Bench) -> None:
    start_twice(bench)


def test_the_same_entries_imported_twice_on_a_server(bench: Bench) -> None:
    import_four_times(bench)


def test_the_queue_is_refreshed_while_auditors_decide_on_a_server(bench: Bench) -> None:
    refresh_beside_auditors(bench)


def test_another_program_holds_the_file_for_too_long(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = bench.start(FAKE_BUSY_MILLISECONDS="300", FAKE_LONGER_SECONDS="0.3")
    with bench.store() as store:
        bench.wait_until_read(store, 6)
    other = sqlite3.connect(bench.home / "chasil.sqlite", timeout=30, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        _, errors = run.communicate(timeout=120)
    finally:
        other.rollback()
        other.close()
    assert run.returncode == 1
    assert "database is locked" in said(errors)
    assert bench.check_whole().pages_read_now > 0


def test_another_program_holds_the_file_for_a_moment(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = bench.start(FAKE_LONGER_SECONDS="0.3")
    with bench.store() as store:
        bench.wait_until_read(store, 6)
    other = sqlite3.connect(bench.home / "chasil.sqlite", timeout=30, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    time.sleep(GONE_SECONDS)
    other.rollback()
    other.close()
    out, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert json.loads(out)["pages_read_now"] == 18
    assert bench.check_whole().pages_read_now == 0
