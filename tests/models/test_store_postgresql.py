"""PostgreSQL by URL: what can be wrong with it, said with a remedy; and a server that goes away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from fixtures.databases import Databases, environment
from fixtures.servers import PASSWORD, PostgreSqlServer, free_port, postgresql_server
from flows.cli import app
from models.records import Entry
from models.store import connections
from models.store.connections import Connections, Turn
from models.store.database_url import parse_database_url, shown
from models.store.engine import connect_engine
from models.store.errors import (
    BadDatabaseUrl,
    DatabaseRefused,
    DatabaseUnreachable,
    DriverMissing,
    StoreError,
)
from models.store.store import Store

RECIPE = "a" * 64


# The URL


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_url_is_shown_without_its_secrets(scheme: str) -> None:
    url = parse_database_url(f"{scheme}://budi:s%40cret@host:5433/chasil?password=s%40cret")
    assert (url.drivername, url.password, url.port) == ("postgresql+psycopg", "s@cret", 5433)
    assert "cret" not in shown(url)
    assert "budi" in shown(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql//budi:secret@host/chasil",
        "postgresql://budi:secret@host",
        "postgresql://budi:secret@host:port/chasil",
        "mysql://budi:secret@host/chasil",
        "budi:secret",
    ],
)
def test_a_wrong_url_is_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadDatabaseUrl) as caught:
        Store.open(tmp_path, url=url)
    assert "secret" not in f"{caught.value.record()}"
    assert "postgresql://USER" in caught.value.remedy


def test_a_missing_driver_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DriverMissing, match="psycopg") as caught:
        Store.open(tmp_path, url="postgresql://budi:secret@127.0.0.1/chasil")
    assert "chasil[postgresql]" in caught.value.remedy
    assert "secret" not in caught.value.message


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseUnreachable) as caught:
        Store.open(tmp_path, url=f"postgresql://budi:secret@127.0.0.1:{free_port()}/chasil")
    assert time.monotonic() - began < 20.0
    assert "secret" not in f"{caught.value.record()}"


@pytest.mark.parametrize(
    ("user", "password", "database"),
    [
        ("chasil", "wrong", "postgres"),
        ("nobody", PASSWORD, "postgres"),
        ("chasil", PASSWORD, "no_such_database"),
    ],
)
def test_a_server_that_lets_nobody_in(
    postgresql: PostgreSqlServer, tmp_path: Path, user: str, password: str, database: str
) -> None:
    url = f"{user}:{quote(password, safe='')}@127.0.0.1:{postgresql.port}/{database}"
    with pytest.raises(DatabaseRefused) as caught:
        Store.open(tmp_path, url=f"postgresql://{url}")
    assert password not in f"{caught.value.record()}"
    assert quote(password, safe="") not in f"{caught.value.record()}"


def test_one_setting_holds_for_every_command(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(databases, tmp_path).items():
        monkeypatch.setenv(name, value)
    reported = tmp_path / "entries.csv"
    reported.write_text("tps,suara_paslon_1\n3216032003001,24\n", encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(app, ["entries", "import", str(reported)]).exit_code == 0
    assert "24" in runner.invoke(app, ["entries", "show", "3216032003001"]).output
    both = "empat kata acak panjang\n" * 2
    assert runner.invoke(app, ["users", "add", "budi"], input=both).exit_code == 0
    assert "1 record" in runner.invoke(app, ["audit", "verify"]).output
    assert (tmp_path / "chasil.sqlite").exists() == (databases.kind == "sqlite")


# A server that goes away


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgreSqlServer]:
    from fixtures.servers import ServerMissing

    try:
        with postgresql_server() as server:
            yield server
    except ServerMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def store(own_server: PostgreSqlServer, tmp_path: Path) -> Iterator[Store]:
    own_server.run_sql("DROP DATABASE IF EXISTS restarted", "CREATE DATABASE restarted")
    with Store.open(tmp_path, url=own_server.url("restarted")) as opened:
        yield opened


def report(number: int) -> Entry:
    return Entry(tps=f"{number:013}", form="form", fields={"a": 1}, source="test")


def test_a_restart_between_two_transactions_is_not_noticed(
    own_server: PostgreSqlServer, store: Store
) -> None:
    store.add_entries([report(1)])
    for at_once in (False, True):
        own_server.stop(at_once=at_once)
        own_server.start()
        assert len(list(store.latest_entries())) == 1
        store.begin_batch(RECIPE)


def test_a_server_that_is_gone_for_a_while_is_waited_for(
    own_server: PostgreSqlServer, store: Store
) -> None:
    own_server.stop(at_once=True)
    later = threading.Timer(3.0, own_server.start)
    later.start()
    assert store.begin_batch(RECIPE) == 1
    later.join()


def test_a_server_that_stays_away_is_an_error(
    own_server: PostgreSqlServer, store: Store, tmp_path: Path
) -> None:
    with Store.open(tmp_path, url=own_server.url("restarted"), patience=0.5) as hasty:
        own_server.stop(at_once=True)
        try:
            with pytest.raises(DatabaseUnreachable) as caught:
                hasty.begin_batch(RECIPE)
            assert "start the same command again" in caught.value.remedy
            with pytest.raises(DatabaseUnreachable):
                hasty.latest_batch()
        finally:
            own_server.start()
        assert hasty.begin_batch(RECIPE) == 1
    assert store.latest_batch() is None


def test_work_that_is_cut_off_is_done_again_and_kept_once(
    own_server: PostgreSqlServer, store: Store
) -> None:
    calls: list[int] = []

    def work(connection: Connection) -> int:
        row = "INSERT INTO batches (started_at, recipe) VALUES (now(), 'x') RETURNING id"
        connection.execute(text(row))
        calls.append(len(calls))
        if len(calls) == 1:
            own_server.stop(at_once=True)
            own_server.start()
        return int(connection.scalars(text("SELECT count(*) FROM batches")).one())

    assert store.connections.write(work, Turn.NONE) == 1
    assert calls == [0, 1]


def test_a_commit_without_an_answer_is_looked_up(
    own_server: PostgreSqlServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the server has committed: doing it again would double it."""
    commit = Connection.commit
    broken: list[bool] = []

    def commit_and_break(connection: Connection) -> None:
        commit(connection)
        if not broken:
            broken.append(True)
            connection.begin()
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(Connection, "commit", commit_and_break)
    number = store.begin_batch(RECIPE)
    monkeypatch.undo()
    assert broken == [True]
    with store.connections.reading() as connection:
        numbers = connection.scalars(text("SELECT id FROM batches")).all()
    assert numbers == [number]
    assert own_server.port


def test_other_errors_are_not_tried_again(store: Store) -> None:
    calls: list[int] = []

    def work(connection: Connection) -> None:
        calls.append(1)
        connection.execute(text("SELECT 1 FROM no_such_table"))

    with pytest.raises(Exception, match="no_such_table"):
        store.connections.write(work)
    assert calls == [1]


def test_a_reader_can_change_nothing(store: Store) -> None:
    with pytest.raises(Exception, match="read-only"), store.connections.reading() as connection:
        connection.execute(text("DELETE FROM settings"))


def test_a_second_trail_writer_waits_its_turn(
    own_server: PostgreSqlServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 1.0)
    other = Connections(connect_engine(parse_database_url(own_server.url("restarted"))))
    order = []

    def second() -> None:
        with other.writing():
            order.append("second")

    waiting = threading.Thread(target=second)
    with store.connections.writing():
        waiting.start()
        with other.writing(Turn.ENTRIES):  # another turn does not wait
            order.append("entries")
        time.sleep(0.3)
        order.append("first")
    waiting.join()
    other.engine.dispose()
    assert order == ["entries", "first", "second"]


def test_a_store_error_is_what_commands_show() -> None:
    for kind in (DatabaseRefused, DatabaseUnreachable, BadDatabaseUrl, DriverMissing):
        assert issubclass(kind, StoreError)
        assert kind.remedy
