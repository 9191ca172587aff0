"""Opens the store's database: connection settings, write transactions, upgrades."""

from __future__ import annotations

import json
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from models.store.errors import StoreError, StoreTooNew

WRITES = {"chasil_writes": True}
"""Execution options of a connection that will write."""

WRITES_SOON = WRITES | {"chasil_soon": True}
"""The same where nobody is told that it is kept: it need not be on the disk at once."""

BUSY_MILLISECONDS = 60_000
"""How long a writer waits for another one. A batch of 200 readings is written in under 1 s."""

CACHE_KIB = 16 * 1024
"""Pages each SQLite connection keeps; its default of 2 MB is less than one walk down the queue."""

MAPPED_BYTES = 256 * 1024 * 1024
"""SQLite reads this much of its file without copying it; all connections share it."""

CONNECTIONS = 20
"""Kept open; ten more are opened when all are in use. The web app's threads each need one."""


def open_engine(url: str | URL) -> Engine:
    """Connect to a database and upgrade it to the newest tables.

    Args:
        url: An SQLAlchemy URL, ``sqlite:///…`` or ``postgresql…://…``.

    Raises:
        StoreError: it cannot be opened.
        StoreTooNew: a newer chasil has upgraded it.

    """
    engine = create_engine(url, json_serializer=_compact, pool_size=CONNECTIONS)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            upgrade(connection)
    except DBAPIError as error:
        engine.dispose()
        raise StoreError(f"{engine.url!r}: {error.orig}", store=str(engine.url)) from error
    return engine


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest step, inside the connection's transaction.

    Raises:
        StoreTooNew: the tables are at a step this chasil doesn't know.

    """
    config = migration_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        newest = ScriptDirectory.from_config(config).get_current_head()
        raise StoreTooNew(
            f"{connection.engine.url!r} was upgraded by a newer chasil ({error})",
            store=str(connection.engine.url),
            known=newest,
        ) from error


def migration_config() -> Config:
    """Alembic's configuration: the migrations lie beside this module, also when installed."""
    config = Config()
    config.set_main_option("script_location", "models.store:migrations")
    return config


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
