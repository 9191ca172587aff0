"""Reading and writing transactions on the store's database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from models.store.engine import WRITES, WRITES_SOON
from models.store.errors import StoreError


class Connections:
    """Hands out connections; every part of the store speaks through one of these."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that reads one state of the store."""
        with self._telling_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, at_once: bool = True) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing. Writers wait for each other.

        Args:
            at_once: Whether it is on the disk when this returns. Else it is there with the next
                transaction that is; a machine that loses power before loses both, never one out of
                the middle.

        SQLite lets other processes wait by looking again after 1 to 100 ms; within this process
        threads take turns, so that the next one begins at once.
        """
        options = WRITES if at_once else WRITES_SOON
        with (
            self._turn,
            self._telling_errors(),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _telling_errors(self) -> Iterator[None]:
        """A full disk, a lost server, another writer that never ends: a person must see to it."""
        try:
            yield
        except OperationalError as error:
            raise StoreError(
                f"{self.engine.url!r}: {error.orig}", store=str(self.engine.url)
            ) from error
