"""One run at a time compares the store with itself, writes its end, and brings the queue up to it.

The conflicts of the run that ended last are the current ones. Two runs that compared at once could
end in the other order: the one that saw less would have the last word, and what only the other one
saw would be missing from the list until somebody runs again. So each waits for the one before.

The operating system (SQLite) or the server (PostgreSQL) lets go of the lock when its holder dies.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

POSTGRESQL_LOCK = 0x636861730002
"""Key of the advisory lock. A session holds it, not a transaction: comparing takes many."""

LOCK_SUFFIX = "-comparing"
"""Of the empty file beside an SQLite database, as SQLite names its own ``-wal`` and ``-shm``."""


@contextmanager
def one_comparison(engine: Engine, waits: Callable[[], object]) -> Iterator[None]:
    """Hold the lock.

    Args:
        engine: The store's database.
        waits: Is called once if another run holds it.

    Raises:
        DBAPIError: the server does not answer.
        OSError: the file beside the database can't be written.

    """
    hold = _hold_row if engine.dialect.name == "postgresql" else _hold_file
    with hold(engine, waits):
        yield


@contextmanager
def _hold_file(engine: Engine, waits: Callable[[], object]) -> Iterator[None]:
    with open(f"{engine.url.database}{LOCK_SUFFIX}", "wb") as held:  # noqa: PTH123 - no path of ours
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def _hold_row(engine: Engine, waits: Callable[[], object]) -> Iterator[None]:
    key = {"key": POSTGRESQL_LOCK}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalars(text("SELECT pg_try_advisory_lock(:key)"), key).one():
            waits()
            connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
        try:
            yield
        finally:
            try:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
            except DBAPIError:
                connection.invalidate()  # the server went away, and the lock with its session
