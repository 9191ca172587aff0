"""One run at a time compares the store with itself, writes its end, and brings the queue up to it.

The conflicts of the run that ended last are the current ones. Two runs that compared at once could
end in the other order: the one that saw less would have the last word, and what only the other one
saw would be missing from the list until somebody runs again. So each waits for the one before.

The operating system (SQLite) or the server (PostgreSQL) lets go of the lock when its holder dies.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from models.store.connections import Connections
from models.store.trouble import as_store_error, is_transient, of_file

POSTGRESQL_LOCK = 0x636861730002
"""Key of the advisory lock. A session holds it, not a transaction: comparing takes many."""

LOCK_SUFFIX = "-comparing"
"""Of the empty file beside an SQLite database, as SQLite names its own ``-wal`` and ``-shm``."""

LOOK_AGAIN_SECONDS = 0.5


@contextmanager
def one_comparison(connections: Connections, waits: Callable[[], object]) -> Iterator[None]:
    """Hold the lock.

    Args:
        connections: To the store's database.
        waits: Is called once if another run holds it.

    Raises:
        StoreError: the server does not answer, or the file can't be written.

    """
    sqlite = connections.engine.dialect.name == "sqlite"
    with (_file_held if sqlite else _session_held)(connections, waits):
        yield


@contextmanager
def _file_held(connections: Connections, waits: Callable[[], object]) -> Iterator[None]:
    path = Path(f"{connections.engine.url.database}{LOCK_SUFFIX}")
    try:
        held = path.open("wb")
    except OSError as error:
        raise of_file(error, str(path)) from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def _session_held(connections: Connections, waits: Callable[[], object]) -> Iterator[None]:
    with _locked(connections, waits) as connection:
        try:
            yield
        finally:
            try:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), _KEY)
            except DBAPIError:
                connection.invalidate()  # the server went away, and the lock with its session


def _locked(connections: Connections, waits: Callable[[], object]) -> Connection:
    """A connection whose session holds the lock; asks again and again, for as long as it takes."""
    until = time.monotonic() + connections.patience
    told = False
    while True:
        connection: Connection | None = None
        try:
            connection = connections.engine.connect()
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            if connection.scalars(text("SELECT pg_try_advisory_lock(:key)"), _KEY).one():
                return connection
            until = time.monotonic() + connections.patience  # the server is there
            if not told:
                waits()
                told = True
        except DBAPIError as error:
            if not is_transient(error) or time.monotonic() > until:
                raise as_store_error(error, connections.engine.url) from error
        if connection is not None:
            connection.close()
        time.sleep(LOOK_AGAIN_SECONDS)


_KEY = {"key": POSTGRESQL_LOCK}
