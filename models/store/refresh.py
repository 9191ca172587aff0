"""Brings the queue up to a run's conflicts, and keeps what its sums are made of.

An item keeps its number for ever. Where reading, entry or photo change after somebody answered or
decided, ``models.reopening`` says whether that touches the decision. If it does, the item is open
again, marked as changed; if not, the decision stands. The trail says which, and why.

An item that is no conflict any more is gone if nobody has finished it. A finished one is held
against what system and machine say now: an entry that was put right as decided is noted, and one
that is another wrong number opens the item again although the machine agrees with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from models.conflict_identity import field_digest
from models.history import FieldState
from models.queue import (
    SAMPLE,
    SETTLES_NUMBER,
    WAITING,
    Cell,
    ItemFacts,
    ItemStatus,
    Outcome,
    TpsProgress,
)
from models.records import ConflictKind
from models.regions import Level
from models.reopening import Facts, Found, Reason, Verdict, judge, still_waits
from models.store.room_tables import CellRow, ItemRow, QueueRefreshRow, TotalRow, TpsProgressRow
from models.store.sums import items_of_tps, recount_items, settle_cell
from models.store.trail import append, records_of
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
    """Items whose reading, entry or photo is another now."""
    reopened: int
    """Those among them whose answers and decisions no longer count."""
    kept: int
    """Those among them whose decision stands all the same."""
    corrected: int
    """Those among the kept whose entry was put right as decided."""
    settled: int
    """Conflicts that made no item: the entry is what was decided about that field and photo."""
    gone: int


def refresh_items(connection: Connection, batch: int, facts: Iterable[ItemFacts]) -> Refreshed:
    """See ``Queue.refresh``; inside the connection's writing transaction."""
    number = connection.scalars(select(func.coalesce(func.max(QueueRefreshRow.id), 0))).one() + 1
    counts = dict.fromkeys(
        ("items", "new", "changed", "reopened", "kept", "corrected", "settled", "gone"), 0
    )
    told = hashlib.sha256()
    there: set[int] = set()
    for some in _chunks(facts):
        counts["items"] += len(some)
        for one in some:
            told.update(f"{one.key}{one.digest}".encode())
        there |= _refresh_some(connection, number, some, counts)
    connection.execute(
        insert(QueueRefreshRow).values(
            id=number, batch_id=batch, at=datetime.now(UTC), items=counts["items"]
        )
    )
    _refresh_absent(connection, number, there, counts)
    result = Refreshed(**counts)
    append(
        connection,
        who=PROGRAM,
        act=Act.QUEUE_REFRESHED,
        subject=f"batch/{batch}",
        after={**counts, "keys_and_digests": told.hexdigest()},
    )
    recount_all(connection)
    return result


_KNOWN: tuple[Any, ...] = (
    *(ItemRow.id, ItemRow.key, ItemRow.digest, ItemRow.version, ItemRow.status, ItemRow.has_acts),
    *(ItemRow.outcome, ItemRow.number, ItemRow.refresh_id, ItemRow.tps, ItemRow.form),
    *(ItemRow.field, ItemRow.kind, ItemRow.rule, ItemRow.cause, ItemRow.entry, ItemRow.reading),
    *(ItemRow.confidence, ItemRow.field_status, ItemRow.votes, ItemRow.photo, ItemRow.sha256),
    *(ItemRow.pdf_page, ItemRow.detail, ItemRow.sort),
)


def _refresh_some(
    connection: Connection, number: int, some: Sequence[ItemFacts], counts: dict[str, int]
) -> set[int]:
    """Bring items up to their facts; returns the ids of those that were known."""
    query = select(*_KNOWN).where(ItemRow.key.in_([one.key for one in some]))
    known = {row.key: row for row in connection.execute(query)}
    settled = _settled_fields(connection, [one for one in some if one.key not in known])
    new: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    for one in some:
        row = known.get(one.key)
        columns = _columns(one) | {"refresh_id": number}
        if row is None:
            about = (one.tps, one.form, one.field, one.sha256)
            if one.kind in OF_ONE_FIELD and settled.get(about, _NOT_SETTLED) == one.entry:
                counts["settled"] += 1
            else:
                new.append(columns | _UNTOUCHED)
        elif (
            row.digest == one.digest
            and row.status != ItemStatus.GONE
            and not _other_inputs(row, one)
        ):
            if any(getattr(row, name) != value for name, value in columns.items() if name in _TOLD):
                same.append(columns | {"of": row.id})
        else:
            _change(connection, row, one, columns, counts)
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
    return {row.id for row in known.values()}


def _change(
    connection: Connection,
    row: Row[Any],
    one: ItemFacts,
    columns: dict[str, Any],
    counts: dict[str, int],
) -> None:
    """An item whose facts are others, or that was gone and is back."""
    counts["changed"] += 1
    values = columns | {"version": row.version + 1}
    if not row.has_acts:
        values["status"] = ItemStatus.OPEN.value
    else:
        verdict = _verdict(connection, row, one)
        _tell(connection, row, one, verdict, counts)
        if verdict.reopens:
            values |= _UNDECIDED | {"status": ItemStatus.OPEN.value, "changed": True}
    connection.execute(update(ItemRow).where(ItemRow.id == row.id).values(values))
    if row.has_acts and one.tps and one.form and one.field:
        settle_cell(connection, one.tps, one.form, one.field)


def _other_inputs(row: Row[Any], one: ItemFacts) -> bool:
    """Whether a rule that somebody worked on is broken by another number of votes.

    Its digest holds one field. Where that is as it was, another number of the rule is other.
    """
    return bool(row.rule and row.has_acts and row.votes != one.votes)


def _verdict(connection: Connection, row: Row[Any], one: ItemFacts) -> Verdict:
    if row.status == ItemStatus.GONE:
        return Verdict(True, Reason.CAME_BACK)
    if one.field is None or row.digest == one.digest:
        return Verdict(True, Reason.FACTS_CHANGED)
    before = Facts(row.entry, row.reading, row.sha256, row.field_status)
    after = Facts(one.entry, one.reading, one.sha256, one.field_status)
    return judge(_found(connection, row), before, after)


def _found(connection: Connection, row: Row[Any], *, also_before: bool = False) -> Found | None:
    """The decision that counts; also one of a round before the last change, if asked for.

    Two that disagree are none: a supervisor is to settle them.
    """
    if row.status == ItemStatus.DONE:
        return Found(Outcome(row.outcome), row.number)
    if row.status == ItemStatus.SUPERVISOR:
        return None
    earlier: Found | None = None
    decisions: dict[int, Found] = {}
    for record in records_of(connection, f"item/{row.id}"):
        before, after = record.before or {}, record.after or {}
        if record.act == Act.DECIDED:
            finding = after["finding"]
            decisions[record.sequence] = Found(Outcome(finding["outcome"]), finding.get("number"))
        elif record.act == Act.UNDONE:
            decisions.pop(after["undoes"], None)
        elif record.act == Act.ITEM_CHANGED:
            newest = next(reversed(decisions.values()), None)
            if newest is None and before.get("outcome"):
                newest = Found(Outcome(before["outcome"]), before.get("number"))
            earlier, decisions = newest or earlier, {}
    return next(reversed(decisions.values()), earlier if also_before else None)


def _tell(
    connection: Connection,
    row: Row[Any],
    one: ItemFacts,
    verdict: Verdict,
    counts: dict[str, int],
) -> None:
    """Write into the trail that the facts are others, and what follows from it."""
    counts["reopened" if verdict.reopens else "kept"] += 1
    counts["corrected"] += verdict.reason is Reason.CORRECTED
    append(
        connection,
        who=PROGRAM,
        act=Act.ITEM_CHANGED if verdict.reopens else Act.ITEM_KEPT,
        subject=f"item/{row.id}",
        before={
            "digest": row.digest,
            "entry": row.entry,
            "reading": row.reading,
            "outcome": row.outcome,
            "number": row.number,
        },
        after={
            "digest": one.digest,
            "entry": one.entry,
            "reading": one.reading,
            "because": verdict.reason.value,
        },
    )


OF_ONE_FIELD = frozenset(
    {
        ConflictKind.VALUE_MISMATCH.value,
        ConflictKind.ENTRY_MISSING.value,
        ConflictKind.UNREADABLE.value,
    }
)
"""Kinds that hold one field's entry against its reading; another entry turns one into another."""

HELD = OF_ONE_FIELD | {ConflictKind.RULE_BROKEN_IN_ENTRY.value}
"""Kinds of which a finished item is held against the field's entry when the conflict is gone."""

_NOT_SETTLED = object()
_TOLD = frozenset(
    {
        "cause",
        "confidence",
        "field_status",
        "votes",
        "photo",
        "sha256",
        "pdf_page",
        "detail",
        "sort",
    }
)
"""What an item repeats of its conflict beside its facts."""


def _settled_fields(
    connection: Connection, facts: Sequence[ItemFacts]
) -> dict[tuple[str | None, ...], object]:
    """TPS, form, field and photo to the number that was decided last, for some new conflicts."""
    tps = {one.tps for one in facts if one.kind in OF_ONE_FIELD and one.field and one.tps}
    if not tps:
        return {}
    query = (
        select(ItemRow.tps, ItemRow.form, ItemRow.field, ItemRow.sha256, ItemRow.number)
        .where(
            ItemRow.tps.in_(tps),
            ItemRow.status == ItemStatus.DONE.value,
            ItemRow.kind.in_(OF_ONE_FIELD),
            or_(
                ItemRow.outcome.in_([outcome.value for outcome in SETTLES_NUMBER]),
                ItemRow.number.is_not(None),
            ),
        )
        .order_by(ItemRow.decided_at, ItemRow.id)
    )
    return {
        (row.tps, row.form, row.field, row.sha256): row.number for row in connection.execute(query)
    }


def _refresh_absent(
    connection: Connection, number: int, there: set[int], counts: dict[str, int]
) -> None:
    """Items that are no conflict any more: gone, or held against what the field says now."""
    watched = (*(status.value for status in WAITING), ItemStatus.DONE.value)
    query = select(*_KNOWN).where(
        ItemRow.status.in_(watched), ItemRow.kind != SAMPLE, ItemRow.refresh_id != number
    )
    gone: list[int] = []
    rows = [row for row in connection.execute(query) if row.id not in there]
    worked_on = {row.id for row in rows if row.has_acts and row.field and row.kind in HELD}
    cells = _cells(connection, {row.tps for row in rows if row.id in worked_on})
    for row in rows:
        cell = cells.get((row.tps, row.form, row.field)) if row.id in worked_on else None
        if row.status == ItemStatus.DONE:
            if cell is not None:
                _hold_against(connection, row, cell, counts)
            continue
        if row.kind not in OF_ONE_FIELD:
            cell = None
        if cell is not None and row.status == ItemStatus.SUPERVISOR:
            continue
        if cell is not None and still_waits(_found(connection, row, also_before=True), cell.entry):
            continue
        gone.append(row.id)
    samples = select(ItemRow.id).where(
        ItemRow.kind == SAMPLE,
        ItemRow.status.in_([status.value for status in WAITING]),
        ItemRow.refresh_id != number,
    )
    gone += [key for key in connection.scalars(samples) if key not in there]
    for some in _chunks(gone):
        connection.execute(
            update(ItemRow)
            .where(ItemRow.id.in_(some))
            .values(
                status=ItemStatus.GONE.value,
                version=ItemRow.version + 1,
                claimed_by=None,
                claimed_until=None,
            )
        )
    counts["gone"] = len(gone)


def _cells(connection: Connection, tps: Collection[str]) -> dict[tuple[str, str, str], Row[Any]]:
    found: dict[tuple[str, str, str], Row[Any]] = {}
    for some in _chunks(sorted(tps)):
        for cell in connection.execute(select(CellRow.__table__).where(CellRow.tps.in_(some))):
            found[cell.tps, cell.form, cell.field] = cell
    return found


def _hold_against(
    connection: Connection, row: Row[Any], cell: Row[Any], counts: dict[str, int]
) -> None:
    """Hold a finished item that is no conflict any more against what is known now."""
    # A photo that is gone says nothing against what somebody saw on it, and an entry's own rule
    # never rested on one.
    seen = cell if cell.status and row.kind in OF_ONE_FIELD else row
    sha256, reading = seen.sha256, seen.reading
    digest = field_digest(cell.entry, reading, sha256)
    if digest == row.digest:
        return
    before = Facts(row.entry, row.reading, row.sha256, row.field_status)
    status = row.field_status if seen is row else cell.status
    after = Facts(cell.entry, reading, sha256, status)
    verdict = judge(Found(Outcome(row.outcome), row.number), before, after)
    changed = {
        "entry": cell.entry,
        "reading": reading,
        "sha256": sha256,
        "digest": digest,
        "pdf_page": seen.pdf_page,
        "confidence": seen.confidence,
        "field_status": status,
    }
    known: dict[str, Any] = {name: getattr(row, name, None) for name in ItemFacts.model_fields}
    facts = ItemFacts.model_construct(**known | changed)
    _change_held(connection, row, facts, changed, verdict, counts)


def _change_held(
    connection: Connection,
    row: Row[Any],
    facts: ItemFacts,
    changed: dict[str, Any],
    verdict: Verdict,
    counts: dict[str, int],
) -> None:
    counts["changed"] += 1
    _tell(connection, row, facts, verdict, counts)
    values = changed | {"version": row.version + 1}
    if verdict.reopens:
        values |= _UNDECIDED | {"status": ItemStatus.OPEN.value, "changed": True}
    connection.execute(update(ItemRow).where(ItemRow.id == row.id).values(values))
    settle_cell(connection, row.tps, row.form, row.field)


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
    write_cells(connection, changed_cells(connection, list(cells), list(progress), tps))


@dataclass(frozen=True, slots=True)
class CellChanges:
    """Which rows are to be written so that cells and progress say what is known now."""

    cells: tuple[dict[str, Any], ...]
    progress: tuple[dict[str, Any], ...]


def changed_cells(
    connection: Connection,
    cells: Sequence[Cell | FieldState],
    progress: Sequence[TpsProgress],
    tps: Collection[str] = (),
) -> CellChanges:
    """What is other than the store has it; only reads. See ``Queue.save_cells``.

    What is neither read nor reported any more keeps its row (and its decision), empty.
    """
    codes = sorted({*tps, *(one.tps for one in cells), *(one.tps for one in progress)})
    known: dict[tuple[str, ...], tuple[Any, ...]] = {}
    counted: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for some in _chunks(codes):
        for row in connection.execute(select(*_CELL).where(CellRow.tps.in_(some))):
            known[tuple(row[:3])] = tuple(row[3:])
        for row in connection.execute(select(*_COUNTED).where(TpsProgressRow.tps.in_(some))):
            counted[tuple(row[:2])] = tuple(row[2:])
    new_cells: list[dict[str, Any]] = []
    for cell in cells:
        key = (cell.tps, cell.form, cell.field)
        facts = tuple(getattr(cell, name) for name in _FACTS)
        if known.pop(key, None) != facts:
            new_cells.append(dict(zip((*_CELL_KEY, *_FACTS), (*key, *facts), strict=True)))
    new_progress: list[dict[str, Any]] = []
    for one in progress:
        of_form = (one.tps, one.form)
        counts = tuple(getattr(one, name) for name in _PROGRESS)
        if counted.pop(of_form, None) != counts:
            told = (*of_form, *counts)
            new_progress.append(dict(zip((*_PROGRESS_KEY, *_PROGRESS), told, strict=True)))
    said = frozenset(tps)
    empty, none = dict.fromkeys(_FACTS), dict.fromkeys(_PROGRESS, 0) | {"has_entry": False}
    new_cells += [
        dict(zip(_CELL_KEY, key, strict=True)) | empty
        for key, facts in known.items()
        if key[0] in said and any(fact is not None for fact in facts)
    ]
    new_progress += [
        dict(zip(_PROGRESS_KEY, of_form, strict=True)) | none
        for of_form, counts in counted.items()
        if of_form[0] in said and any(counts)
    ]
    return CellChanges(tuple(new_cells), tuple(new_progress))


def write_cells(connection: Connection, changes: CellChanges) -> None:
    """Write what ``changed_cells`` found; decisions and counts of items stay as they are."""
    sqlite = connection.dialect.name == "sqlite"
    untouched: dict[str, Any] = {"is_decided": False, "decided": None}
    for some in _chunks(changes.cells):
        into = insert_sqlite(CellRow) if sqlite else insert_postgresql(CellRow)
        connection.execute(
            into.on_conflict_do_update(
                index_elements=list(_CELL_KEY),
                set_={name: into.excluded[name] for name in _FACTS},
            ),
            [row | untouched for row in some],
        )
    for some in _chunks(changes.progress):
        into = insert_sqlite(TpsProgressRow) if sqlite else insert_postgresql(TpsProgressRow)
        connection.execute(
            into.on_conflict_do_update(
                index_elements=list(_PROGRESS_KEY),
                set_={name: into.excluded[name] for name in _PROGRESS},
            ),
            [row | {"items_waiting": 0, "items_done": 0} for row in some],
        )


_FACTS = ("entry", "reading", "confidence", "status", "sha256", "pdf_page")
_PROGRESS = (
    *("pages_read", "fields_clear", "fields_review", "fields_blank", "fields_not_in_view"),
    "has_entry",
)
_CELL_KEY = ("tps", "form", "field")
_PROGRESS_KEY = ("tps", "form")
_CELL = tuple(getattr(CellRow, name) for name in (*_CELL_KEY, *_FACTS))
_COUNTED = tuple(getattr(TpsProgressRow, name) for name in (*_PROGRESS_KEY, *_PROGRESS))


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
