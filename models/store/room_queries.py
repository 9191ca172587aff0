"""Pieces of queries that several parts of the auditors' room share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, cast, func, select, true

from models.queue import ItemStatus, Outcome, QueueItem
from models.regions import Level
from models.store.room_tables import ItemRow

_NOT_SHOWN = ("sort", "kabupaten", "kecamatan", "desa", "has_acts", "refresh_id")


def below(column: Any, region: str, digits: int = Level.TPS) -> ColumnElement[bool]:  # noqa: ANN401
    """Whether a code begins with a region's digits, as a range that an index can serve."""
    if not region:
        return true()
    return column.between(region.ljust(digits, "0"), region.ljust(digits, "9"))  # type: ignore[no-any-return]


def whole_sum(column: Any) -> ColumnElement[int]:  # noqa: ANN401 - any column of whole numbers
    """The sum as a whole number; PostgreSQL gives a decimal one for columns of 64 bits."""
    return cast(func.sum(column), BigInteger)


def as_item(row: Row[Any]) -> QueueItem:
    """A row of ``queue_items`` as a record; the store is trusted, so it is not checked again."""
    values = dict(row._mapping)
    values["priority"] = -values["sort"]
    values["status"] = ItemStatus(values["status"])
    values["outcome"] = Outcome(values["outcome"]) if values["outcome"] else None
    for name in _NOT_SHOWN:
        del values[name]
    return QueueItem.model_construct(**values)


def item_of(connection: Connection, condition: ColumnElement[bool]) -> QueueItem | None:
    """The one item that meets a condition, or ``None``."""
    row = connection.execute(select(ItemRow.__table__).where(condition)).one_or_none()
    return None if row is None else as_item(row)
