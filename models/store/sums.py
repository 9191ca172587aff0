"""Keeps one decided cell, its desa's sum and its TPS's counts right after a decision."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Executable,
    ScalarSelect,
    Select,
    Update,
    bindparam,
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
    about = {"of_tps": tps, "of_form": form, "of_field": field}
    newest = connection.execute(_newest_decision(), about).one_or_none()
    decided = {"is": newest is not None, "number": None if newest is None else newest.number}
    connection.execute(_settle(), about | decided)
    desa = tps[: Level.DESA]
    first, last = (desa.ljust(Level.TPS, digit) for digit in "09")
    sums = connection.execute(_sums_of_field(), about | {"first": first, "last": last}).one()
    connection.execute(_keep_sums(), about | {"of_desa": desa} | sums._asdict())


# Queries of every decision, put together once: that takes longer than SQLite takes to answer.


@cache
def _newest_decision() -> Select[Any]:
    return (
        select(ItemRow.number)
        .where(
            ItemRow.tps == bindparam("of_tps"),
            ItemRow.form == bindparam("of_form"),
            ItemRow.field == bindparam("of_field"),
            ItemRow.status == ItemStatus.DONE.value,
            or_(
                ItemRow.outcome.in_([outcome.value for outcome in SETTLES_NUMBER]),
                ItemRow.number.is_not(None),
            ),
        )
        .order_by(ItemRow.decided_at.desc(), ItemRow.id.desc())
        .limit(1)
    )


@cache
def _settle() -> Update:
    return (
        update(CellRow)
        .where(
            CellRow.tps == bindparam("of_tps"),
            CellRow.form == bindparam("of_form"),
            CellRow.field == bindparam("of_field"),
        )
        .values(is_decided=bindparam("is"), decided=bindparam("number"))
    )


@cache
def _sums_of_field() -> Select[Any]:
    audited = case((CellRow.is_decided, CellRow.decided), else_=CellRow.entry)
    decided_minus_entry = case((CellRow.is_decided, CellRow.decided - CellRow.entry))
    return select(
        func.coalesce(func.sum(audited), 0).label("audited"),
        func.count(audited).label("audited_known"),
        func.coalesce(func.sum(case((CellRow.is_decided, 1), else_=0)), 0).label("decided_known"),
        func.count(decided_minus_entry).label("decided_compared"),
        func.coalesce(func.sum(decided_minus_entry), 0).label("decided_minus_entry"),
    ).where(
        CellRow.tps.between(bindparam("first"), bindparam("last")),
        CellRow.form == bindparam("of_form"),
        CellRow.field == bindparam("of_field"),
    )


@cache
def _keep_sums() -> Update:
    """Sets the columns that ``_sums_of_field`` names."""
    return (
        update(TotalRow)
        .where(
            TotalRow.desa == bindparam("of_desa"),
            TotalRow.form == bindparam("of_form"),
            TotalRow.field == bindparam("of_field"),
        )
        .values(
            audited=bindparam("audited"),
            audited_known=bindparam("audited_known"),
            decided_known=bindparam("decided_known"),
            decided_compared=bindparam("decided_compared"),
            decided_minus_entry=bindparam("decided_minus_entry"),
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
    connection.execute(_recount_tps(), {"of_tps": tps})


@cache
def _recount_tps() -> Update:
    counts = {
        "items_waiting": items_of_tps(ItemRow.status.in_([status.value for status in WAITING])),
        "items_done": items_of_tps(ItemRow.status == ItemStatus.DONE.value),
    }
    return update(TpsProgressRow).where(TpsProgressRow.tps == bindparam("of_tps")).values(counts)


def recount_items(connection: Connection, desa: str | None = None) -> None:
    """How many items are in each status: of one desa (empty: of items without TPS), or of all.

    By kind and cause too, with votes. Items themselves are read once: a desa has hundreds.
    """
    which = "all" if desa is None else "desa" if desa else "without"
    for statement in _recount(which):
        connection.execute(statement, {"of_desa": desa or ""})


@cache
def _recount(which: str) -> tuple[Executable, ...]:
    """Old sums go, new ones come; then the counts, from the sums."""
    key = (
        func.coalesce(ItemRow.desa, ""),
        ItemRow.kind,
        func.coalesce(ItemRow.cause, ""),
        ItemRow.status,
    )
    summed = select(*key, func.count(), func.coalesce(func.sum(ItemRow.votes), 0)).group_by(*key)
    row = ItemSumRow
    counted = select(row.desa, row.status, func.sum(row.items)).group_by(row.desa, row.status)
    old_sums, old_counts = delete(ItemSumRow), delete(ItemCountRow)
    if which != "all":
        of_desa: BindParameter[str] = bindparam("of_desa")
        summed = summed.where(
            ItemRow.desa == of_desa if which == "desa" else ItemRow.desa.is_(None)
        )
        counted = counted.where(row.desa == of_desa)
        old_sums = old_sums.where(row.desa == of_desa)
        old_counts = old_counts.where(ItemCountRow.desa == of_desa)
    sums = ["desa", "kind", "cause", "status", "items", "votes"]
    return (
        old_sums,
        insert(ItemSumRow).from_select(sums, summed),
        old_counts,
        insert(ItemCountRow).from_select(["desa", "status", "items"], counted),
    )
