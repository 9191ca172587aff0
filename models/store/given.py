"""What operators gave to runs and is too long for a run's own row: lists of TPS, tables of regions.

Kept once, named by the SHA-256 of its text, as photos are; so a run names what it was compared with
in 64 digits, and a thousand runs with one list keep it once. Reached as ``store.given``.
"""

from __future__ import annotations

import hashlib
import zlib
from datetime import UTC, datetime

from sqlalchemy import Connection, LargeBinary, String, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, mapped_column

from models.store.connections import Connections, Turn
from models.store.errors import StoreError
from models.store.tables import Base


class GivenTextRow(Base):
    """One text, compressed: 8,417 TPS codes are 120 kB as text and 20 kB here."""

    __tablename__ = "given_texts"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the text in UTF-8."""
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """The text, by zlib."""
    kept_at: Mapped[datetime]


class GivenTextLost(StoreError):
    """A list that a run was compared with is not in the store, or is not what it was."""

    code = "given_lost"
    remedy = (
        "If it is the list of TPS, give it again: `chasil process PHOTOS --expect none,CODE`. If "
        "it is the table of regions, drop it by `--regions none`, then give it again. If the "
        "database was altered by hand, put a backup back."
    )


class GivenTexts:
    """Keeps texts, and gives them back."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def keep(self, text: str) -> str:
        """Keep a text, once, and return its SHA-256."""
        content = text.encode()
        row = {
            "digest": hashlib.sha256(content).hexdigest(),
            "content": zlib.compress(content),
            "kept_at": datetime.now(UTC),
        }

        def add(connection: Connection) -> None:
            sqlite = connection.dialect.name == "sqlite"
            into = insert_sqlite(GivenTextRow) if sqlite else insert_postgresql(GivenTextRow)
            connection.execute(into.on_conflict_do_nothing(), row)

        self._connections.write(add, Turn.NONE)
        return str(row["digest"])

    def text(self, digest: str) -> str:
        """A kept text.

        Raises:
            GivenTextLost: it is not there, or its bytes are others.

        """
        query = select(GivenTextRow.content).where(GivenTextRow.digest == digest)
        rows = self._connections.rows(query)
        if not rows:
            raise GivenTextLost(f"the store has no text {digest}", digest=digest)
        try:
            content = zlib.decompress(rows[0].content)
        except zlib.error as error:
            raise GivenTextLost(f"the text {digest} is broken: {error}", digest=digest) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise GivenTextLost(f"the text {digest} is not what was kept", digest=digest)
        return content.decode()
