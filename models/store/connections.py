"""Reading and writing transactions on the store's database.

SQLite has one writer at a time. On PostgreSQL many may write at once, so each transaction says
with whom it must take turns (``Turn``). Whoever reads first and then writes what follows from it
takes a turn; whoever only adds rows with keys of their own needs none.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from enum import IntEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from models.store.database_url import shown
from models.store.engine import WRITES, WRITES_SOON
from models.store.errors import OutcomeUnknown
from models.store.trouble import as_store_error, is_transient

PATIENCE_SECONDS = 120.0
"""How long a run waits for a server that went away: longer than a restart takes."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 5.0

T = TypeVar("T")


class Turn(IntEnum):
    """Writers of the same turn wait for each other; the value is PostgreSQL's advisory lock."""

    ROOM = 0x63686173696C
    """The auditors' room: the trail, the queue, accounts and sums ("chasil" in ASCII)."""
    ENTRIES = 0x636861730001
    """Imports of entries: a revision's number follows from those that are there."""
    NONE = 0
    """Adds rows only, or changes one row in one statement."""


class Connections:
    """Hands out connections; every part of the store speaks through one of these."""

    def __init__(self, engine: Engine, *, patience: float = PATIENCE_SECONDS) -> None:
        """Speak through an engine.

        Args:
            engine: From ``open_engine``.
            patience: Seconds to wait for a server that went away, before it is an error.

        """
        self.engine = engine
        self.patience = patience
        self._shared = engine.dialect.name == "postgresql"
        self._turn = nullcontext() if self._shared else threading.Lock()
        self._reads = (
            {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            if self._shared
            else {}
        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that reads one state of the store, and can't change it on PostgreSQL.

        Raises:
            StoreError: the database does not answer; see ``trouble``.

        """
        with self._telling_errors(), self._begun(Turn.NONE, self._reads) as connection:
            yield connection

    @contextmanager
    def writing(self, turn: Turn = Turn.ROOM, *, at_once: bool = True) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing. Writers of a turn wait for each other.

        Args:
            turn: With whom to take turns.
            at_once: Whether it is on the disk when this returns. Else it is there with the next
                transaction that is; a machine that loses power before loses both, never one out of
                the middle.

        SQLite lets other processes wait by looking again after 1 to 100 ms; within this process
        threads take turns, so that the next one begins at once.

        Raises:
            StoreError: the database went away (nothing is kept), is full, or busy for too long.

        """
        options = WRITES if at_once else WRITES_SOON
        with self._turn, self._telling_errors(), self._begun(turn, options) as connection:
            if self._shared and not at_once:
                connection.execute(text("SET LOCAL synchronous_commit = off"))
            yield connection
            connection.commit()

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` on one state of the store, again from its beginning if the server goes away.

        Args:
            work: What to read; may be called several times, and must take all it reads with it.

        Raises:
            StoreError: as ``reading``, after ``patience`` seconds.

        """
        until: float | None = None
        for pause in _pauses():
            try:
                with self._begun(Turn.NONE, self._reads) as connection:
                    return work(connection)
            except (OperationalError, InterfaceError) as error:
                until = self._patience_from_now() if until is None else until
                if not is_transient(error) or time.monotonic() + pause > until:
                    raise as_store_error(error, self.engine.url) from error
                time.sleep(pause)
        raise AssertionError("pauses never end")

    def rows(self, query: Executable) -> Sequence[Any]:
        """All rows of a query, as ``read``."""
        return self.read(lambda connection: connection.execute(query).all())

    def write(self, work: Callable[[Connection], T], turn: Turn = Turn.ROOM) -> T:
        """Do ``work`` in one writing transaction, again from its beginning if the server goes away.

        It is kept exactly once: where the connection breaks during the commit, PostgreSQL is asked
        what became of that transaction.

        Args:
            work: What to do; may be called several times, so it must not use up an iterator.
            turn: As for ``writing``.

        Raises:
            StoreError: as ``writing``, after ``patience`` seconds.
            OutcomeUnknown: the server can't say whether it was kept.

        """
        until: float | None = None
        for pause in _pauses():
            transaction: str | None = None
            try:
                with self._turn, self._begun(turn, WRITES) as connection:
                    result = work(connection)
                    transaction = self._transaction_of(connection)
                    connection.commit()
                    return result
            except (OperationalError, InterfaceError) as error:
                if transaction is not None and self._was_kept(transaction, error):
                    return result
                until = self._patience_from_now() if until is None else until
                if not is_transient(error) or time.monotonic() + pause > until:
                    raise as_store_error(error, self.engine.url) from error
                time.sleep(pause)
        raise AssertionError("pauses never end")

    def _patience_from_now(self) -> float:
        """Until when to wait. Not from the beginning of the work: that may take minutes itself."""
        return time.monotonic() + self.patience

    @contextmanager
    def _begun(self, turn: Turn, options: Mapping[str, object]) -> Iterator[Connection]:
        """A connection with a transaction that has its turn; undone at the end if not committed."""
        with self._found(options) as connection:
            connection.begin()
            if self._shared and turn is not Turn.NONE:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(turn)})
            yield connection

    def _found(self, options: Mapping[str, object]) -> Connection:
        """A connection, as soon as the server is found. Nothing is done yet that could be lost."""
        until = time.monotonic() + self.patience
        for pause in _pauses():
            try:
                return self.engine.connect().execution_options(**options)
            except (OperationalError, InterfaceError) as error:
                if not is_transient(error) or time.monotonic() + pause > until:
                    raise
                time.sleep(pause)
        raise AssertionError("pauses never end")

    def _transaction_of(self, connection: Connection) -> str | None:
        if not self._shared:
            return None
        number = connection.scalars(text("SELECT pg_current_xact_id_if_assigned()::text")).one()
        return None if number is None else str(number)

    def _was_kept(self, transaction: str, broken: DBAPIError) -> bool:
        """What became of a transaction whose commit got no answer."""
        status = text("SELECT pg_xact_status(CAST(:number AS xid8))")
        until = time.monotonic() + self.patience
        for pause in _pauses():
            found: str | None = "not asked"
            with suppress(OperationalError, InterfaceError), self._found({}) as connection:
                found = connection.scalars(status, {"number": transaction}).one()
            if found in ("committed", "aborted"):
                return found == "committed"
            if found is None or time.monotonic() + pause > until:
                break
            time.sleep(pause)  # still in progress: the server has not noticed yet
        where = shown(self.engine.url)
        raise OutcomeUnknown(f"{where}: {broken.orig}", store=where) from broken

    @contextmanager
    def _telling_errors(self) -> Iterator[None]:
        """A full disk, a lost server, another writer that never ends: a person must see to it."""
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise as_store_error(error, self.engine.url) from error


def _pauses() -> Iterator[float]:
    """Growing pauses with some chance in them, so that not all come back at the same moment."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
