"""Keeps one decided cell, its desa's sum and its TPS's counts right after a decision."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from models.queue import SAMPLE, SETTLES_NUMBER, WAITING, ItemStatus
from models.regions import Level
from models.store.room_queries import below
from models.store.room_tables import (
    CellRow,
    ItemCountRow,
    ItemRow,
    ItemSumRow,
    TotalRow,
    TpsProgressRow,
)


def settle_cell(connection: Connection, tps: str, form: str, field: str) -> None:
    """The newest finished item about a field gives its decided number; without one it has none."""
    newest = connection.execute(
        select(ItemRow.number)
        .where(
            ItemRow.tps == tps,
            ItemRow.form == form,
            ItemRow.field == field,
            ItemRow.status == ItemStatus.DONE.value,
            or_(
                ItemRow.outcome.in_([outcome.value for outcome in SETTLES_NUMBER]),
                ItemRow.number.is_not(None),
            ),
        )
        .order_by(ItemRow.decided_at.desc(), ItemRow.id.desc())
        .limit(1)
    ).one_or_none()
    connection.execute(
        update(CellRow)
        .where(CellRow.tps == tps, CellRow.form == form, CellRow.field == field)
        .values(is_decided=newest is not None, decided=None if newest is None else newest.number)
    )
    desa = tps[: Level.DESA]
    audited = case((CellRow.is_decided, CellRow.decided), else_=CellRow.entry)
    decided_minus_entry = case((CellRow.is_decided, CellRow.decided - CellRow.entry))
    sums = connection.execute(
        select(
            func.coalesce(func.sum(audited), 0),
            func.count(audited),
            func.coalesce(func.sum(case((CellRow.is_decided, 1), else_=0)), 0),
            func.count(decided_minus_entry),
            func.coalesce(func.sum(decided_minus_entry), 0),
        ).where(below(CellRow.tps, desa), CellRow.form == form, CellRow.field == field)
    ).one()
    connection.execute(
        update(TotalRow)
        .where(TotalRow.desa == desa, TotalRow.form == form, TotalRow.field == field)
        .values(
            audited=sums[0],
            audited_known=sums[1],
            decided_known=sums[2],
            decided_compared=sums[3],
            decided_minus_entry=sums[4],
        )
    )


def items_of_tps(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many items of a TPS's form there are; those of the sample are no conflicts."""
    return (
        select(func.count())
        .select_from(ItemRow)
        .where(
            ItemRow.tps == TpsProgressRow.tps,
            func.coalesce(ItemRow.form, TpsProgressRow.form) == TpsProgressRow.form,
            ItemRow.kind != SAMPLE,
            condition,
        )
        .correlate(TpsProgressRow)
        .scalar_subquery()
    )


def recount_tps(connection: Connection, tps: str) -> None:
    """How many items of a TPS wait and are done."""
    counts = {
        "items_waiting": items_of_tps(ItemRow.status.in_([status.value for status in WAITING])),
        "items_done": items_of_tps(ItemRow.status == ItemStatus.DONE.value),
    }
    connection.execute(update(TpsProgressRow).where(TpsProgressRow.tps == tps).values(counts))


def recount_items(connection: Connection, desa: str | None = None) -> None:
    """How many items are in each status: of one desa (empty: of items without TPS), or of all."""
    _sum_items(connection, desa)
    row = ItemSumRow
    counted = select(row.desa, row.status, func.sum(row.items)).group_by(row.desa, row.status)
    old = delete(ItemCountRow)
    if desa is not None:  # items themselves are read once: a desa has hundreds
        counted = counted.where(row.desa == desa)
        old = old.where(ItemCountRow.desa == desa)
    connection.execute(old)
    connection.execute(insert(ItemCountRow).from_select(["desa", "status", "items"], counted))


def _sum_items(connection: Connection, desa: str | None) -> None:
    """The same by kind and cause, with votes; see ``recount_items``."""
    key = (
        func.coalesce(ItemRow.desa, ""),
        ItemRow.kind,
        func.coalesce(ItemRow.cause, ""),
        ItemRow.status,
    )
    summed = select(*key, func.count(), func.coalesce(func.sum(ItemRow.votes), 0)).group_by(*key)
    old = delete(ItemSumRow)
    if desa is not None:
        summed = summed.where(ItemRow.desa == desa if desa else ItemRow.desa.is_(None))
        old = old.where(ItemSumRow.desa == desa)
    connection.execute(old)
    columns = ["desa", "kind", "cause", "status", "items", "votes"]
    connection.execute(insert(ItemSumRow).from_select(columns, summed))
