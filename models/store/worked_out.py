"""Keeps what was worked out from readings alone, so that it need not be worked out again.

It is no part of the ledger: every row can be made again from what the ledger holds, and all of
them may be deleted at any time. A row is believed only where its key is the one that is asked for
and its content is what was written under it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, LargeBinary, String, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Mapped, mapped_column

from models.store.connections import Connections
from models.store.tables import Base

ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """One part of what is known of one TPS."""

    tps: str
    part: str
    key: str
    """Digest of all that it was made of: another key, another result."""
    content: bytes


class WorkedOutRow(Base):
    """See ``WorkedOut``. The only table besides the queue's in which rows are replaced."""

    __tablename__ = "worked_out"

    tps: Mapped[str] = mapped_column(String(13), primary_key=True)
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of key and content."""
    content: Mapped[bytes] = mapped_column(LargeBinary)


def find_worked_out(
    connections: Connections, part: str, keys: Mapping[str, str]
) -> dict[str, bytes]:
    """TPS to what was kept of them under just these keys, unharmed.

    Args:
        connections: The store's.
        part: Which part of what is known of a TPS.
        keys: TPS to the key that its row must have.

    """
    wanted = list(keys)
    query = select(WorkedOutRow.tps, WorkedOutRow.key, WorkedOutRow.digest, WorkedOutRow.content)

    def look(connection: Connection) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for begin in range(0, len(wanted), ROWS_AT_ONCE):
            some = wanted[begin : begin + ROWS_AT_ONCE]
            of_some = query.where(WorkedOutRow.part == part, WorkedOutRow.tps.in_(some))
            for tps, key, digest, content in connection.execute(of_some):
                if key == keys[tps] and digest == _digest(key, bytes(content)):
                    found[tps] = bytes(content)
        return found

    return connections.read(look)


def keep_worked_out(connection: Connection, rows: Iterable[WorkedOut]) -> None:
    """Keep rows in the place of those of the same TPS and part."""
    values: Sequence[dict[str, Any]] = [
        {
            "tps": row.tps,
            "part": row.part,
            "key": row.key,
            "digest": _digest(row.key, row.content),
            "content": row.content,
        }
        for row in rows
    ]
    if not values:
        return
    sqlite = connection.dialect.name == "sqlite"
    into = insert_sqlite(WorkedOutRow) if sqlite else insert_postgresql(WorkedOutRow)
    replaced = {name: into.excluded[name] for name in ("key", "digest", "content")}
    connection.execute(
        into.on_conflict_do_update(index_elements=["tps", "part"], set_=replaced), values
    )


def _digest(key: str, content: bytes) -> str:
    return hashlib.sha256(key.encode() + content).hexdigest()
