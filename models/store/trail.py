"""Appends to the trail, and reads it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    String,
    bindparam,
    cast,
    insert,
    literal,
    or_,
    select,
    update,
)

from models.store.connections import Connections
from models.store.item_filter import in_limits
from models.store.room_tables import THE_ONE, ItemRow, TrailHeadRow, TrailRow
from models.trail import (
    BEFORE_THE_FIRST,
    Act,
    Anchor,
    Break,
    Facts,
    TrailRecord,
    canonical,
    first_break,
    hash_of,
    moment,
)

ROWS_AT_ONCE = 2000


_ADD = insert(TrailRow)
_MOVE_HEAD = update(TrailHeadRow).where(TrailHeadRow.id == THE_ONE)
_OF_SUBJECT = (
    select(TrailRow.__table__)
    .where(TrailRow.subject == bindparam("subject"))
    .order_by(TrailRow.sequence)
)
"""Every act needs these: put together once."""


def append(
    connection: Connection,
    *,
    who: str,
    act: Act,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
    why: str | None = None,
) -> TrailRecord:
    """Write one act at the end of the chain, inside a writing transaction of ``Turn.ROOM``."""
    head = _head(connection)
    sequence = 1 if head is None else head.sequence + 1
    previous = BEFORE_THE_FIRST if head is None else head.hash
    facts: dict[str, Any] = {
        "sequence": sequence,
        "at": datetime.now(UTC),
        "who": who,
        "act": act.value,
        "subject": subject,
        "before": before,
        "after": after,
        "why": why,
        "previous": previous,
    }
    record = TrailRecord(**facts, hash=hash_of(**facts))
    as_text = {
        "at": moment(record.at),
        "before": None if before is None else canonical(before),
        "after": None if after is None else canonical(after),
    }
    connection.execute(_ADD, facts | as_text | {"hash": record.hash})
    newest = {"sequence": sequence, "hash": record.hash}
    if head is None:
        connection.execute(insert(TrailHeadRow).values(id=THE_ONE, **newest))
    else:
        connection.execute(_MOVE_HEAD, newest)
    return record


def records_of(connection: Connection, subject: str) -> tuple[TrailRecord, ...]:
    """All acts on one subject, the oldest first."""
    return tuple(as_record(row) for row in connection.execute(_OF_SUBJECT, {"subject": subject}))


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which acts. What is empty does not limit."""

    who: str = ""
    act: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Not this moment itself."""
    limits: tuple[str, ...] = ()
    """Regions: acts on items outside of them are left out. Other acts have no region."""


class Trail:
    """The trail as it is read."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def head(self) -> Anchor | None:
        """The newest record, as kept beside the chain; ``None`` for an empty trail."""
        with self._connections.reading() as connection:
            return _head(connection)

    def of(self, subject: str) -> tuple[TrailRecord, ...]:
        """All acts on one subject (``item/17``), the oldest first."""
        with self._connections.reading() as connection:
            return records_of(connection, subject)

    def of_each(self, subjects: Collection[str]) -> dict[str, tuple[TrailRecord, ...]]:
        """All acts on each of some subjects, the oldest first; those without any are absent."""
        query = (
            select(TrailRow.__table__)
            .where(TrailRow.subject.in_(subjects))
            .order_by(TrailRow.sequence)
        )
        found: dict[str, list[TrailRecord]] = {}
        with self._connections.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.subject, []).append(as_record(row))
        return {subject: tuple(records) for subject, records in found.items()}

    def newest(
        self, *, who: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[TrailRecord, ...]:
        """The newest acts first: of one user, and before a sequence number, if given."""
        query = select(TrailRow.__table__).order_by(TrailRow.sequence.desc()).limit(limit)
        if who is not None:
            query = query.where(TrailRow.who == who)
        if before is not None:
            query = query.where(TrailRow.sequence < before)
        with self._connections.reading() as connection:
            return tuple(as_record(row) for row in connection.execute(query))

    def search(
        self, wanted: TrailFilter, *, before: int | None = None, limit: int = 50
    ) -> tuple[TrailRecord, ...]:
        """The newest acts that a filter finds, before a sequence number if given."""
        query = select(TrailRow.__table__).order_by(TrailRow.sequence.desc()).limit(limit)
        if before is not None:
            query = query.where(TrailRow.sequence < before)
        if wanted.who:
            query = query.where(TrailRow.who == wanted.who)
        if wanted.act:
            query = query.where(TrailRow.act == wanted.act)
        if wanted.subject:
            query = query.where(TrailRow.subject == wanted.subject)
        if wanted.since:
            query = query.where(TrailRow.at >= moment(wanted.since))
        if wanted.until:
            query = query.where(TrailRow.at < moment(wanted.until))
        if wanted.limits:
            named = literal("item/").concat(cast(ItemRow.id, String))
            inside = select(named).where(in_limits(ItemRow.tps, wanted.limits))
            query = query.where(
                or_(TrailRow.subject.not_like("item/%"), TrailRow.subject.in_(inside))
            )
        with self._connections.reading() as connection:
            return tuple(as_record(row) for row in connection.execute(query))

    def walk(self) -> Iterator[TrailRecord]:
        """All records in the order of their numbers, some thousand in memory at a time.

        Raises:
            BrokenRecord: a record's ``before`` or ``after`` is no canonical JSON any more.

        """
        last: int | None = None
        while True:
            query = select(TrailRow.__table__).order_by(TrailRow.sequence).limit(ROWS_AT_ONCE)
            if last is not None:
                query = query.where(TrailRow.sequence > last)
            with self._connections.reading() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            for row in rows:
                yield as_record(row)
            last = rows[-1].sequence

    def verify(self, *anchors: Anchor) -> Break | None:
        """The first broken link, or ``None``; see ``models.trail.first_break``."""
        with self._connections.reading() as connection:
            head = _head(connection)
        # Records that others add while this walks lie behind the head that was read before.
        upto = 0 if head is None else head.sequence
        try:
            found = first_break(self._walk_upto(upto), head=head, anchors=anchors)
        except BrokenRecord as broken:
            return Break(sequence=broken.sequence, kind="altered", message=str(broken))
        return found or self._behind_the_head(upto)

    def _walk_upto(self, upto: int) -> Iterator[TrailRecord]:
        for record in self.walk():
            if record.sequence > upto:
                return
            yield record

    def _behind_the_head(self, upto: int) -> Break | None:
        """Records past the present head went in without chasil."""
        with self._connections.reading() as connection:
            head = _head(connection)
            newest = connection.scalars(
                select(TrailRow.sequence).order_by(TrailRow.sequence.desc()).limit(1)
            ).one_or_none()
        if newest is None or newest <= (upto if head is None else head.sequence):
            return None
        return Break(
            sequence=newest,
            kind="not_linked",
            message=f"Record {newest} was added at the end without going through chasil.",
        )


class BrokenRecord(ValueError):
    """A stored record that chasil can't have written."""

    def __init__(self, sequence: int, message: str) -> None:
        super().__init__(f"Record {sequence} was altered: {message}")
        self.sequence = sequence


def _head(connection: Connection) -> Anchor | None:
    row = connection.execute(select(TrailHeadRow.sequence, TrailHeadRow.hash)).one_or_none()
    return None if row is None else Anchor(sequence=row.sequence, hash=row.hash)


def as_record(row: Row[Any]) -> TrailRecord:
    """A row of ``trail`` as a record; raises ``BrokenRecord``."""
    values = dict(row._mapping)
    try:
        values["at"] = datetime.fromisoformat(row.at)
        if moment(values["at"]) != row.at:
            raise BrokenRecord(row.sequence, "its time is not as chasil writes it")
        for name in ("before", "after"):
            stored = values[name]
            values[name] = None if stored is None else json.loads(stored)
            if stored is not None and canonical(values[name]) != stored:
                raise BrokenRecord(row.sequence, f"{name} is not as chasil writes it")
        return TrailRecord(**values)
    except BrokenRecord:
        raise
    except ValueError as error:
        raise BrokenRecord(row.sequence, f"it can't be read ({error})") from error
