"""Brings the queue up to a run's conflicts, and keeps what its sums are made of.

An item keeps its number for ever. What was decided stays decided as long as the facts it rests on
(reading and entry, told by a digest) stay the same; where they change after somebody answered or
decided, the trail says so and the item is open again, marked as changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from models.queue import WAITING, Cell, ItemFacts, ItemStatus, TpsProgress
from models.regions import Level
from models.store.room_tables import CellRow, ItemRow, QueueRefreshRow, TotalRow, TpsProgressRow
from models.store.sums import items_of_tps, recount_items, settle_cell
from models.store.trail import append
from models.trail import Act

ROWS_AT_ONCE = 500

PROGRAM = "chasil"
"""Who acts where no person does."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did."""

    items: int
    new: int
    changed: int
    """Items whose reading or entry is another now."""
    reopened: int
    """Those among them that somebody had answered or decided."""
    gone: int


def refresh_items(connection: Connection, batch: int, facts: Iterable[ItemFacts]) -> Refreshed:
    """See ``Queue.refresh``; inside the connection's writing transaction."""
    now = datetime.now(UTC)
    number = connection.scalars(select(func.coalesce(func.max(QueueRefreshRow.id), 0))).one() + 1
    counts = {"items": 0, "new": 0, "changed": 0, "reopened": 0}
    told = hashlib.sha256()
    for some in _chunks(facts):
        counts["items"] += len(some)
        for one in some:
            told.update(f"{one.key}{one.digest}".encode())
        _refresh_some(connection, number, some, counts)
    connection.execute(
        insert(QueueRefreshRow).values(id=number, batch_id=batch, at=now, items=counts["items"])
    )
    gone = connection.execute(
        update(ItemRow)
        .where(ItemRow.refresh_id != number, ItemRow.status.in_(WAITING))
        .values(
            status=ItemStatus.GONE.value,
            version=ItemRow.version + 1,
            claimed_by=None,
            claimed_until=None,
        )
    ).rowcount
    result = Refreshed(gone=gone, **counts)
    append(
        connection,
        who=PROGRAM,
        act=Act.QUEUE_REFRESHED,
        subject=f"batch/{batch}",
        after={
            "items": result.items,
            "new": result.new,
            "changed": result.changed,
            "reopened": result.reopened,
            "gone": gone,
            "keys_and_digests": told.hexdigest(),
        },
    )
    recount_all(connection)
    return result


def _refresh_some(
    connection: Connection, number: int, some: Sequence[ItemFacts], counts: dict[str, int]
) -> None:
    query = select(
        *(ItemRow.id, ItemRow.key, ItemRow.digest, ItemRow.version, ItemRow.status),
        *(ItemRow.has_acts, ItemRow.entry, ItemRow.reading, ItemRow.outcome, ItemRow.number),
    ).where(ItemRow.key.in_([one.key for one in some]))
    known = {row.key: row for row in connection.execute(query)}
    new: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    for one in some:
        row = known.get(one.key)
        columns = _columns(one) | {"refresh_id": number}
        if row is None:
            new.append(columns | _UNTOUCHED)
            continue
        back = row.status == ItemStatus.GONE
        if row.digest == one.digest and not back:
            same.append(columns | {"of": row.id, "digest": one.digest})
            continue
        counts["changed"] += 1
        values = columns | {"version": row.version + 1, "status": ItemStatus.OPEN.value}
        if row.has_acts:
            counts["reopened"] += 1
            append(
                connection,
                who=PROGRAM,
                act=Act.ITEM_CHANGED,
                subject=f"item/{row.id}",
                before={
                    "digest": row.digest,
                    "entry": row.entry,
                    "reading": row.reading,
                    "outcome": row.outcome,
                    "number": row.number,
                },
                after={"digest": one.digest, "entry": one.entry, "reading": one.reading},
            )
            values |= _UNDECIDED | {"changed": True}
        connection.execute(update(ItemRow).where(ItemRow.id == row.id).values(values))
        if row.has_acts and one.tps and one.form and one.field:
            settle_cell(connection, one.tps, one.form, one.field)
    counts["new"] += len(new)
    if new:
        connection.execute(insert(ItemRow), new)
    if same:
        connection.execute(
            update(ItemRow)
            .where(ItemRow.id == bindparam("of"))
            .values({name: bindparam(name) for name in same[0] if name != "of"}),
            same,
        )


_UNDECIDED: dict[str, Any] = {
    "first_by": None,
    "second_by": None,
    "outcome": None,
    "number": None,
    "decided_by": None,
    "decided_at": None,
    "claimed_by": None,
    "claimed_until": None,
}
_UNTOUCHED: dict[str, Any] = _UNDECIDED | {
    "version": 1,
    "status": ItemStatus.OPEN.value,
    "changed": False,
    "has_acts": False,
}


def _columns(facts: ItemFacts) -> dict[str, Any]:
    values = facts.model_dump(exclude={"priority"})
    tps = facts.tps
    return values | {
        "sort": -facts.priority,
        "kabupaten": tps[: Level.KABUPATEN] if tps else None,
        "kecamatan": tps[: Level.KECAMATAN] if tps else None,
        "desa": tps[: Level.DESA] if tps else None,
    }


def save_cells(
    connection: Connection,
    cells: Iterable[Cell],
    progress: Iterable[TpsProgress],
    tps: Collection[str] = (),
) -> None:
    """See ``Queue.save_cells``; inside the connection's writing transaction."""
    _forget(connection, tps, cells := list(cells), progress := list(progress))
    sqlite = connection.dialect.name == "sqlite"
    for some in _chunks(cells):
        rows = [{**dict(cell), "is_decided": False, "decided": None} for cell in some]
        into = insert_sqlite(CellRow) if sqlite else insert_postgresql(CellRow)
        connection.execute(
            into.on_conflict_do_update(
                index_elements=["tps", "form", "field"],
                set_={name: into.excluded[name] for name in _FACTS},
            ),
            rows,
        )
    for group in _chunks(progress):
        rows = [{**dict(one), "items_waiting": 0, "items_done": 0} for one in group]
        into = insert_sqlite(TpsProgressRow) if sqlite else insert_postgresql(TpsProgressRow)
        connection.execute(
            into.on_conflict_do_update(
                index_elements=["tps", "form"],
                set_={name: into.excluded[name] for name in _PROGRESS},
            ),
            rows,
        )


_FACTS = ("entry", "reading", "confidence", "status", "sha256", "pdf_page")
_PROGRESS = (
    *("pages_read", "fields_clear", "fields_review", "fields_blank", "fields_not_in_view"),
    "has_entry",
)


def _forget(
    connection: Connection,
    tps: Collection[str],
    cells: Sequence[Cell],
    progress: Sequence[TpsProgress],
) -> None:
    """What is neither read nor reported any more keeps its row (and its decision), empty."""
    if not tps:
        return
    there = {(cell.tps, cell.form, cell.field) for cell in cells}
    known = select(CellRow.tps, CellRow.form, CellRow.field).where(
        CellRow.tps.in_(tps), or_(CellRow.entry.is_not(None), CellRow.status.is_not(None))
    )
    empty = dict.fromkeys(_FACTS)
    for key in connection.execute(known).all():
        if tuple(key) not in there:
            connection.execute(
                update(CellRow)
                .where(CellRow.tps == key.tps, CellRow.form == key.form, CellRow.field == key.field)
                .values(empty)
            )
    forms = {(one.tps, one.form) for one in progress}
    counted = select(TpsProgressRow.tps, TpsProgressRow.form).where(TpsProgressRow.tps.in_(tps))
    none = dict.fromkeys(_PROGRESS, 0) | {"has_entry": False}
    for tps_code, form in connection.execute(counted).all():
        if (tps_code, form) not in forms:
            connection.execute(
                update(TpsProgressRow)
                .where(TpsProgressRow.tps == tps_code, TpsProgressRow.form == form)
                .values(none)
            )


def recount_all(connection: Connection) -> None:
    """Work out all sums and counts anew from cells and items."""
    for condition, column in (
        (ItemRow.status.in_([status.value for status in WAITING]), "items_waiting"),
        (ItemRow.status == ItemStatus.DONE.value, "items_done"),
    ):
        connection.execute(update(TpsProgressRow).values({column: items_of_tps(condition)}))
    recount_items(connection)
    connection.execute(TotalRow.__table__.delete())  # type: ignore[attr-defined]
    connection.execute(
        text(
            "INSERT INTO totals (desa, form, field, entry, entry_known, reading, reading_known, "
            "audited, audited_known, decided_known, reading_compared, reading_minus_entry, "
            "reading_differs, decided_compared, decided_minus_entry) "
            "SELECT substr(tps, 1, 10), form, field, "
            "coalesce(sum(entry), 0), count(entry), "
            "coalesce(sum(reading), 0), count(reading), "
            "coalesce(sum(CASE WHEN is_decided THEN decided ELSE entry END), 0), "
            "count(CASE WHEN is_decided THEN decided ELSE entry END), "
            "sum(CASE WHEN is_decided THEN 1 ELSE 0 END), "
            "count(reading - entry), coalesce(sum(reading - entry), 0), "
            "sum(CASE WHEN reading <> entry THEN 1 ELSE 0 END), "
            "count(CASE WHEN is_decided THEN decided - entry END), "
            "coalesce(sum(CASE WHEN is_decided THEN decided - entry END), 0) "
            "FROM cells GROUP BY substr(tps, 1, 10), form, field"
        )
    )


def _chunks(items: Iterable[T], size: int = ROWS_AT_ONCE) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
