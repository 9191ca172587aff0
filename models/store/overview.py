"""What dashboards, lists of a kecamatan and reports ask of the queue: many rows in one query."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Integer, func, select, type_coerce

from models.queue import SAMPLE, WAITING, ItemStatus, QueueItem
from models.regions import Level
from models.store.connections import Connections
from models.store.item_filter import ItemFilter, conditions, in_limits, only_regions
from models.store.room_queries import as_item, below, whole_sum
from models.store.room_tables import (
    CellRow,
    ItemRow,
    ItemSumRow,
    TotalRow,
    TpsProgressRow,
    TrailRow,
)
from models.store.tables import ReadingRow
from models.store.trail import as_record
from models.trail import Act, TrailRecord

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class ItemSum:
    """Conflicts of one kind, cause and status."""

    kind: str
    cause: str | None
    status: ItemStatus
    items: int
    votes: int
    """Votes affected; unknown ones add nothing."""


class CellMark(NamedTuple):
    """The few parts of a cell that a table of a whole kecamatan shows."""

    tps: str
    form: str
    field: str
    entry: int | None
    reading: int | None
    status: str | None
    is_decided: bool
    decided: int | None


class TpsMark(NamedTuple):
    """The few parts of a TPS's progress that such a table shows."""

    tps: str
    form: str
    pages_read: int
    items_waiting: int
    items_done: int


class Overview:
    """Sums and lists over many items and cells."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def item_sums(self, wanted: ItemFilter) -> tuple[ItemSum, ...]:
        """Conflicts (without the sample) by kind, cause and status."""
        if only_regions(wanted):
            row = ItemSumRow
            at_hand = (
                select(row.kind, row.cause, row.status, whole_sum(row.items), whole_sum(row.votes))
                .where(
                    in_limits(row.desa, wanted.limits, Level.DESA),
                    below(row.desa, wanted.region, Level.DESA),
                    row.kind != SAMPLE,
                )
                .group_by(row.kind, row.cause, row.status)
            )
            with self._connections.reading() as connection:
                return tuple(
                    ItemSum(kind, cause or None, ItemStatus(status), items, votes)
                    for kind, cause, status, items, votes in connection.execute(at_hand)
                )
        query = (
            select(
                ItemRow.kind,
                ItemRow.cause,
                ItemRow.status,
                func.count(),
                func.coalesce(whole_sum(ItemRow.votes), 0),
            )
            .where(*conditions(wanted), ItemRow.kind != SAMPLE)
            .group_by(ItemRow.kind, ItemRow.cause, ItemRow.status)
        )
        with self._connections.reading() as connection:
            return tuple(
                ItemSum(kind, cause, ItemStatus(status), items, int(votes or 0))
                for kind, cause, status, items, votes in connection.execute(query)
            )

    def forms(self, region: str = "") -> frozenset[str]:
        """Forms that anything is known of below a region."""
        query = select(TotalRow.form).distinct()
        if len(region) <= Level.DESA:
            query = query.where(below(TotalRow.desa, region, Level.DESA))
        else:
            row = TpsProgressRow
            query = select(row.form).distinct().where(below(row.tps, region))
        with self._connections.reading() as connection:
            return frozenset(connection.scalars(query))

    def marks(
        self,
        region: str,
        fields: Sequence[str],
        *,
        limits: Sequence[str] = (),
        form: str | None = None,
        tps: Collection[str] = (),
    ) -> list[CellMark]:
        """Some fields of the TPS below a region, in no order; light, for thousands of them.

        Give the form and the codes of its TPS where they are known: then each cell is looked up by
        its key, and the hundreds of fields of a party election beside it cost nothing.
        """
        row = CellRow
        columns = (row.tps, row.form, row.field, row.entry, row.reading, row.status)
        is_decided = type_coerce(row.is_decided, Integer)  # as it is: 0 and 1 will do
        query = select(*columns, is_decided, row.decided).where(
            row.field.in_(fields), below(row.tps, region), in_limits(row.tps, limits)
        )
        if form is not None:
            query = query.where(row.form == form)
        if tps:
            query = query.where(row.tps.in_(tps))
        with self._connections.reading() as connection:
            return list(map(CellMark._make, connection.execute(query).all()))

    def tps_marks(
        self, region: str, *, limits: Sequence[str] = (), form: str | None = None
    ) -> list[TpsMark]:
        """How far the TPS below a region have come, in no order; with one form if it is given."""
        row = TpsProgressRow
        query = select(row.tps, row.form, row.pages_read, row.items_waiting, row.items_done).where(
            below(row.tps, region), in_limits(row.tps, limits)
        )
        if form is not None:
            query = query.where(row.form == form)
        with self._connections.reading() as connection:
            return list(map(TpsMark._make, connection.execute(query).all()))

    def waiting_fields(
        self, region: str, *, limits: Sequence[str] = (), fields: Sequence[str] = ()
    ) -> frozenset[tuple[str, str, str]]:
        """TPS, form and field of every item that waits below a region, those of the sample too.

        All fields if none is named.
        """
        # A range over TPS would be answered by walking the whole queue; equality has an index.
        of_one = len(region) == Level.TPS
        wanted = ItemFilter(
            limits=tuple(limits),
            region="" if of_one else region,
            tps=region if of_one else None,
        )
        query = select(ItemRow.tps, ItemRow.form, ItemRow.field).where(
            *conditions(wanted),
            ItemRow.status.in_([status.value for status in WAITING]),
            ItemRow.field.in_(fields) if fields else ItemRow.field.is_not(None),
        )
        with self._connections.reading() as connection:
            return frozenset(
                (tps or "", form or "", field or "")
                for tps, form, field in connection.execute(query).all()
            )

    def items_by_place(self, wanted: ItemFilter) -> Iterator[QueueItem]:
        """All items, by TPS, form, field and number; some hundred in memory at a time."""
        last = 0
        # The rows are put in order once, as numbers; then they are fetched in pieces.
        query = (
            select(ItemRow.id)
            .where(*conditions(wanted))
            .order_by(ItemRow.tps, ItemRow.form, ItemRow.field, ItemRow.id)
        )
        with self._connections.reading() as connection:
            numbers = connection.scalars(query).all()
        while last < len(numbers):
            some = numbers[last : last + AT_ONCE]
            found = self.items(some)
            yield from (found[number] for number in some)
            last += AT_ONCE

    def count(self, wanted: ItemFilter) -> int:
        """How many items a filter finds, its statuses too."""
        query = select(func.count()).select_from(ItemRow).where(*conditions(wanted))
        with self._connections.reading() as connection:
            return connection.scalars(query).one()

    def items(self, numbers: Collection[int]) -> dict[int, QueueItem]:
        """Items by number."""
        query = select(ItemRow.__table__).where(ItemRow.id.in_(numbers))
        with self._connections.reading() as connection:
            return {row.id: as_item(row) for row in connection.execute(query)}

    def error_codes(self, photos: Collection[str]) -> dict[str, str]:
        """Why photos were turned away, by hash, as their newest reading says; others are absent."""
        query = (
            select(ReadingRow.sha256, ReadingRow.error_code)
            .where(ReadingRow.sha256.in_(photos))
            .order_by(ReadingRow.id)
        )
        with self._connections.reading() as connection:
            newest: dict[str, str | None] = dict(connection.execute(query).all())
        return {sha256: code for sha256, code in newest.items() if code}

    def last_decisions(self, numbers: Collection[int]) -> dict[int, TrailRecord]:
        """The newest decision of each of these items, whether it still counts or not."""
        query = (
            select(TrailRow.__table__)
            .where(
                TrailRow.subject.in_([f"item/{number}" for number in numbers]),
                TrailRow.act == Act.DECIDED.value,
            )
            .order_by(TrailRow.sequence)
        )
        with self._connections.reading() as connection:
            return {
                int(record.subject.removeprefix("item/")): record
                for record in map(as_record, connection.execute(query))
            }
