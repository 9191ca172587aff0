"""Recipes, and what each run saw: written with the run, asked for by ``chasil diff``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, func, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from models.history import FieldState
from models.queue import QueueItem
from models.store.connections import Connections, Turn
from models.store.history_tables import ComparedTpsRow, FieldHistoryRow, RecipeRow
from models.store.items import Batch
from models.store.room_queries import as_item
from models.store.room_tables import ItemRow, TrailRow
from models.store.tables import BatchRow, ConflictRow, ReadingRow
from models.store.trail import as_record
from models.trail import Act, TrailRecord

ROWS_AT_ONCE = 5000

LAST_READING = "last_reading"
"""In a run's summary, under ``comparison``: the number of the last reading that it saw."""

T = TypeVar("T")

_NAMES = tuple(FieldState.model_fields)
_STATE = tuple(getattr(FieldHistoryRow, name) for name in _NAMES)
_facts_of = attrgetter(*_NAMES)


class History:
    """What was: reached as ``store.history``."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    # Recipes

    def keep_recipe(self, digest: str, parts: Mapping[str, str]) -> None:
        """Write down what a recipe is made of, once."""
        if not parts:
            return
        row = {"digest": digest, "parts": dict(parts), "first_used_at": datetime.now(UTC)}

        def add(connection: Connection) -> None:
            sqlite = connection.dialect.name == "sqlite"
            into = insert_sqlite(RecipeRow) if sqlite else insert_postgresql(RecipeRow)
            connection.execute(into.on_conflict_do_nothing(), row)

        self._connections.write(add, Turn.NONE)

    def recipe_parts(self, digests: Iterable[str] | None = None) -> dict[str, dict[str, str]]:
        """Digest to parts, of those that were written down."""
        query = select(RecipeRow.digest, RecipeRow.parts)
        if digests is not None:
            query = query.where(RecipeRow.digest.in_(set(digests)))
        with self._connections.reading() as connection:
            return {digest: dict(parts) for digest, parts in connection.execute(query)}

    # Runs

    def batch(self, number: int) -> Batch | None:
        """One run, finished or not."""
        query = _batches().where(BatchRow.id == number)
        row = self._connections.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Batch(*row)

    def finished(self, *, before: int | None = None, limit: int | None = None) -> tuple[Batch, ...]:
        """Runs that reached their end, the one that ended last first.

        Args:
            before: A run; only those that ended before it.
            limit: At most so many.

        """
        query = (
            _batches()
            .where(BatchRow.finished_at.is_not(None))
            .order_by(BatchRow.finished_at.desc(), BatchRow.id.desc())
        )
        if before is not None:
            query = query.where(BatchRow.finished_at < _end_of(before))
        with self._connections.reading() as connection:
            return tuple(Batch(*row) for row in connection.execute(query.limit(limit)))

    # Fields

    def fields_changed(self, first: int, last: int) -> tuple[str, ...]:
        """TPS of which a run that ended after ``first``, up to ``last``, saw a field anew."""
        query = (
            select(FieldHistoryRow.tps)
            .join(BatchRow, BatchRow.id == FieldHistoryRow.batch_id)
            .where(
                BatchRow.finished_at > _end_of(first),
                BatchRow.finished_at <= _end_of(last),
            )
            .distinct()
            .order_by(FieldHistoryRow.tps)
        )
        with self._connections.reading() as connection:
            return tuple(connection.scalars(query))

    def fields_at(self, batch: int, tps: Sequence[str]) -> dict[tuple[str, str, str], FieldState]:
        """How a finished run saw the fields of some TPS."""
        found: dict[tuple[str, str, str], FieldState] = {}
        with self._connections.reading() as connection:
            for some in _chunks(tps, 500):
                found |= _newest(connection, some, upto=batch)
        return found

    def totals_at(self, batch: int) -> dict[tuple[str, str], tuple[int, int, int, int]]:
        """Form and field to: sum of entries, how many are known, sum of readings, how many."""
        ranked = (
            select(
                FieldHistoryRow.form,
                FieldHistoryRow.field,
                FieldHistoryRow.entry,
                FieldHistoryRow.reading,
                func.row_number()
                .over(
                    partition_by=(
                        FieldHistoryRow.tps,
                        FieldHistoryRow.form,
                        FieldHistoryRow.field,
                    ),
                    order_by=FieldHistoryRow.id.desc(),
                )
                .label("place"),
            )
            .join(BatchRow, BatchRow.id == FieldHistoryRow.batch_id)
            .where(BatchRow.finished_at <= _end_of(batch))
            .subquery()
        )
        query = (
            select(
                ranked.c.form,
                ranked.c.field,
                func.coalesce(func.sum(ranked.c.entry), 0),
                func.count(ranked.c.entry),
                func.coalesce(func.sum(ranked.c.reading), 0),
                func.count(ranked.c.reading),
            )
            .where(ranked.c.place == 1)
            .group_by(ranked.c.form, ranked.c.field)
            .order_by(ranked.c.form, ranked.c.field)
        )
        with self._connections.reading() as connection:
            return {
                (form, field): (int(entry), entries, int(reading), readings)
                for form, field, entry, entries, reading, readings in connection.execute(query)
            }

    def photos_since(self, batch: int) -> frozenset[str]:
        """SHA-256 of photos that were read, and that a finished run had not seen.

        Not by the runs' numbers: a run sees all that is read until it compares, also what a run of
        a higher number read; and of two runs at once, the one that began first may end last.
        Of a run that did not write down what it saw, the time of its end decides.
        """
        found = self.batch(batch)
        seen = ((found.summary or {}).get("comparison") or {}).get(LAST_READING) if found else None
        came_later = (
            func.min(ReadingRow.read_at) > _end_of(batch)
            if seen is None
            else func.min(ReadingRow.id) > seen
        )
        query = select(ReadingRow.sha256).group_by(ReadingRow.sha256).having(came_later)
        with self._connections.reading() as connection:
            return frozenset(connection.scalars(query))

    # Items

    def recipes_of(self, items: Sequence[QueueItem]) -> dict[int, str]:
        """Item to the recipe that read what it is about, as far as that was kept.

        Of a field, the one that the last finished run took; of a photo, the one that read it last.
        """
        found: dict[int, str] = {}
        with self._connections.reading() as connection:
            fields = {item.tps for item in items if item.tps and item.field}
            states = _newest(connection, sorted(fields)) if fields else {}
            photos = {item.sha256 for item in items if item.sha256 and not item.field}
            query = select(ReadingRow.sha256, ReadingRow.recipe).where(
                ReadingRow.sha256.in_(photos)
            )
            last = dict(connection.execute(query.order_by(ReadingRow.id)).all()) if photos else {}
        for item in items:
            if item.field:
                state = states.get((item.tps or "", item.form or "", item.field))
                recipe = state.recipe if state else None
            else:
                recipe = last.get(item.sha256 or "")
            if recipe:
                found[item.id] = recipe
        return found

    def item_changes(self, first: int, last: int) -> tuple[tuple[TrailRecord, QueueItem], ...]:
        """Acts of the program on items between the refreshes of two runs, each with its item."""
        acts = [Act.ITEM_CHANGED.value, Act.ITEM_KEPT.value]
        with self._connections.reading() as connection:
            after, upto = (_refreshed(connection, batch) for batch in (first, last))
            query = (
                select(TrailRow.__table__)
                .where(TrailRow.act.in_(acts), TrailRow.sequence > after, TrailRow.sequence <= upto)
                .order_by(TrailRow.sequence)
            )
            records = [as_record(row) for row in connection.execute(query)]
            items: dict[str, QueueItem] = {}
            for some in _chunks({int(record.subject.partition("/")[2]) for record in records}, 500):
                rows = connection.execute(select(ItemRow.__table__).where(ItemRow.id.in_(some)))
                items |= {f"item/{row.id}": as_item(row) for row in rows}
        return tuple((record, items[record.subject]) for record in records)

    # What was compared

    def compared(self) -> dict[str, tuple[int, str]]:
        """Each TPS to the run that compared it last, finished or not, and its signature then."""
        newest = select(func.max(ComparedTpsRow.id)).group_by(ComparedTpsRow.tps)
        query = select(ComparedTpsRow.tps, ComparedTpsRow.batch_id, ComparedTpsRow.signature).where(
            ComparedTpsRow.id.in_(newest)
        )
        rows = self._connections.rows(query)
        return {tps: (batch, signature) for tps, batch, signature in rows}

    def save_compared(self, batch: int, signatures: Mapping[str, str]) -> None:
        """Write which TPS a run compares, before it writes anything else about them."""
        if not signatures:
            return
        rows = [
            {"batch_id": batch, "tps": tps, "signature": signature}
            for tps, signature in signatures.items()
        ]
        self._connections.write(
            lambda connection: connection.execute(insert(ComparedTpsRow), rows), Turn.NONE
        )

    def carry_conflicts(
        self, source: int, target: int, *, besides: Collection[str], besides_kind: str
    ) -> int:
        """Copy a run's conflicts to a later run, word for word; returns how many.

        Args:
            source: The run they are of.
            target: The run that gets them.
            besides: TPS that are compared anew (empty: photos that claim none).
            besides_kind: A kind that is found anew.

        """
        known = select(ConflictRow.id, ConflictRow.tps).where(
            ConflictRow.batch_id == source, ConflictRow.kind != besides_kind
        )
        columns = [
            column
            for column in ConflictRow.__table__.columns
            if column.name not in ("id", "batch_id")
        ]

        def copy(connection: Connection) -> int:
            rows = connection.execute(known.order_by(ConflictRow.id)).all()
            wanted = [key for key, tps in rows if (tps or "") not in besides]
            for some in _chunks(wanted, ROWS_AT_ONCE):
                copied: Any = select(literal(target), *columns).where(ConflictRow.id.in_(some))
                connection.execute(
                    insert(ConflictRow).from_select(
                        ["batch_id", *(column.name for column in columns)],
                        copied.order_by(ConflictRow.id),
                    )
                )
            return len(wanted)

        return self._connections.write(copy, Turn.NONE)


def changed_fields(
    connection: Connection, batch: int, tps: Iterable[str], now: Iterable[FieldState]
) -> list[dict[str, Any]]:
    """Rows of the fields that a run sees otherwise than the run before; only reads.

    Args:
        connection: Reads.
        batch: The run.
        tps: The TPS it compared; a field of theirs that is not in ``now`` is gone.
        now: All fields that a photo shows or an entry reports.

    """
    rows = _newest_rows(connection, sorted(set(tps)), own=batch)
    known = {tuple(row[:3]): tuple(row) for row in rows}
    changed: list[dict[str, Any]] = []
    there: set[tuple[Any, ...]] = set()
    for state in now:
        there.add(state.key)
        if known.get(state.key) != _facts_of(state):
            changed.append(state.model_dump())
    for key, row in known.items():
        if key not in there:
            was = dict(zip(_NAMES, row, strict=True))
            is_gone = was["status"] is None and was["entry"] is None
            if not (is_gone and was["sha256"] is None):
                tps_code, form, field = key
                changed.append(FieldState(tps=tps_code, form=form, field=field).model_dump())
    return changed


def keep_fields(connection: Connection, batch: int, changed: Sequence[dict[str, Any]]) -> None:
    """Add rows of ``changed_fields`` under a run."""
    if changed:
        rows = [row | {"batch_id": batch} for row in changed]
        connection.execute(insert(FieldHistoryRow), rows)


def _refreshed(connection: Connection, batch: int) -> int:
    """Number of the act that brought the queue up to a run; 0 where none did."""
    query = select(func.coalesce(func.max(TrailRow.sequence), 0)).where(
        TrailRow.subject == f"batch/{batch}", TrailRow.act == Act.QUEUE_REFRESHED.value
    )
    return connection.scalars(query).one()


def _batches() -> Any:  # noqa: ANN401
    return select(
        BatchRow.id,
        BatchRow.started_at,
        BatchRow.finished_at,
        BatchRow.recipe,
        BatchRow.summary,
    )


def _end_of(batch: int) -> Any:  # noqa: ANN401
    """When a run ended: runs go by their ends, as comparisons do. Who began first may end last."""
    return select(BatchRow.finished_at).where(BatchRow.id == batch).scalar_subquery()


def _newest(
    connection: Connection, tps: Sequence[str], *, upto: int | None = None
) -> dict[tuple[str, str, str], FieldState]:
    """The newest states of some TPS's fields; see ``_newest_rows``."""
    rows = _newest_rows(connection, tps, upto=upto)
    # The store wrote these rows itself, from records that were checked.
    return {
        (row.tps, row.form, row.field): FieldState.model_construct(**row._mapping) for row in rows
    }


def _newest_rows(
    connection: Connection, tps: Sequence[str], *, upto: int | None = None, own: int | None = None
) -> Collection[Row[Any]]:
    """The newest rows of some TPS, of runs that reached their end, with ``FieldState``'s columns.

    One run at a time compares, so a row's number tells which run ended later.

    Args:
        connection: Reads.
        tps: Their codes.
        upto: Only runs that ended with this one or before.
        own: Also this run, which has not ended.

    """
    ended: ColumnElement[bool] = BatchRow.finished_at.is_not(None)
    if upto is not None:
        ended = BatchRow.finished_at <= _end_of(upto)
    if own is not None:
        ended = or_(ended, BatchRow.id == own)
    query = (
        select(*_STATE)
        .join(BatchRow, BatchRow.id == FieldHistoryRow.batch_id)
        .where(FieldHistoryRow.tps.in_(tps), ended)
        .order_by(FieldHistoryRow.id)
    )
    # Of one field the last row stands.
    newest = {row[:3]: row for row in connection.execute(query)}  # TPS, form and field
    return newest.values()


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
