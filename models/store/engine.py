"""Opens the store's database: connection settings, write transactions."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from models.store.database_url import parse_database_url, shown
from models.store.errors import DriverMissing
from models.store.trouble import as_store_error

WRITES = {"chasil_writes": True}
"""Execution options of a connection that will write."""

WRITES_SOON = WRITES | {"chasil_soon": True}
"""The same where nobody is told that it is kept: it need not be on the disk at once."""

BUSY_MILLISECONDS = 60_000
"""How long a writer waits for another one. A batch of 200 readings is written in under 1 s."""

NEWEST_STEP = "0008"
"""The last of ``migrations/versions``."""

STEP_TABLE = "alembic_version"
"""Alembic's own table; its one row names the step that the tables are at."""

CACHE_KIB = 16 * 1024
"""Pages each SQLite connection keeps; its default of 2 MB is less than one walk down the queue."""

MAPPED_BYTES = 256 * 1024 * 1024
"""SQLite reads this much of its file without copying it; all connections share it."""

CONNECTIONS = 20
"""Kept open at most; ten more are opened when all are in use. The web app's threads each need
one."""

CONNECT_SECONDS = 10
"""How long a PostgreSQL server may take to answer a new connection."""

POSTGRESQL_SETTINGS = (
    # A machine that is cut off must not hold its locks for the two hours that TCP would wait.
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)
"""By statement and not when connecting, so that it works through a pooler as well."""


def open_engine(url: str | URL) -> Engine:
    """Connect to a database and upgrade it to the newest tables.

    Any number of processes may do this at once: one upgrades, the others wait for it.

    Args:
        url: ``sqlite:///…`` or ``postgresql://…``.

    Raises:
        BadDatabaseUrl: the URL can't be understood.
        DriverMissing: psycopg is not installed.
        DatabaseUnreachable, DatabaseRefused: the server does not answer, or does not let us in.
        StoreError: it cannot be opened.
        StoreTooNew: a newer chasil has upgraded it.

    """
    engine = connect_engine(parse_database_url(url))
    try:
        if not is_newest(engine):
            # Here, because Alembic takes its time to be imported, and is seldom needed.
            from models.store.upgrading import upgrade  # noqa: PLC0415

            with engine.connect().execution_options(**WRITES) as connection, connection.begin():
                upgrade(connection)
    except DBAPIError as error:
        engine.dispose()
        raise as_store_error(error, engine.url) from error
    return engine


def connect_engine(url: URL) -> Engine:
    """The engine with its settings; nothing is opened yet."""
    sqlite = url.get_backend_name() == "sqlite"
    own: dict[str, Any] = (
        {}
        if sqlite
        else {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}
    )
    try:
        engine = create_engine(url, json_serializer=_compact, pool_size=CONNECTIONS, **own)
    except ModuleNotFoundError as error:
        raise DriverMissing(f"{shown(url)} needs the package {error.name}") from error
    if sqlite:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _set_up_postgresql)
    return engine


def is_newest(engine: Engine) -> bool:
    """Whether the tables are at ``NEWEST_STEP``. Only looks: another may be writing meanwhile."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(STEP_TABLE):
            return False
        step: str | None = connection.scalar(text(f"SELECT version_num FROM {STEP_TABLE}"))  # noqa: S608
        return step == NEWEST_STEP


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401
    """Every SQLite connection: many readers beside one writer, foreign keys, real locks."""
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
    cursor.execute("PRAGMA recursive_triggers=ON")  # else REPLACE deletes behind the triggers
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where it will be needed, so that waiting for it can succeed."""
    options = connection.get_execution_options()
    writes = options.get("chasil_writes", False)
    if writes:
        soon = options.get("chasil_soon", False)
        connection.exec_driver_sql(f"PRAGMA synchronous={'NORMAL' if soon else 'FULL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401
    """Every PostgreSQL connection, outside of a transaction, so that a rollback keeps it."""
    autocommit = connection.autocommit
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in (*POSTGRESQL_SETTINGS, f"SET lock_timeout = {BUSY_MILLISECONDS}"):
            cursor.execute(statement)
    connection.autocommit = autocommit
