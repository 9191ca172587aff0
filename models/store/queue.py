"""The queue as it is read: items, counts, progress, sums. ``acting`` changes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
)

from models.queue import (
    SAMPLE,
    WAITING,
    Cell,
    DecidedCell,
    ItemFacts,
    ItemStatus,
    QueueItem,
    RegionProgress,
    Total,
    TpsProgress,
)
from models.records import ConflictKind, PageReading
from models.regions import Level
from models.store.acting import Acting
from models.store.connections import Connections
from models.store.item_filter import ItemFilter, conditions, in_limits, only_regions
from models.store.refresh import Refreshed, refresh_items, save_cells
from models.store.room_queries import as_item, below, item_of, whole_sum
from models.store.room_tables import (
    CellRow,
    ItemCountRow,
    ItemRow,
    QueueRefreshRow,
    TotalRow,
    TpsProgressRow,
)
from models.store.tables import ReadingRow, UploadRow


@dataclass(frozen=True, slots=True)
class Counts:
    """N of M: ``done`` of ``total`` items that count (those that are gone don't)."""

    by_status: dict[ItemStatus, int]

    @property
    def done(self) -> int:
        """Finished items."""
        return self.by_status.get(ItemStatus.DONE, 0)

    @property
    def waiting(self) -> int:
        """Items somebody must still decide."""
        return sum(self.by_status.get(status, 0) for status in WAITING)

    @property
    def total(self) -> int:
        """Items that count."""
        return self.done + self.waiting


@dataclass(frozen=True, slots=True)
class CellPlace:
    """How sure a field is, and which photo shows it."""

    status: str | None
    sha256: str | None
    pdf_page: int | None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """A page of a list of items, and where the next one begins."""

    items: tuple[QueueItem, ...]
    after: str | None
    """Hand this in as ``after`` for the next page; ``None`` on the last one."""


class Queue:
    """The auditors' queue in the store."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    # Items

    def item(self, number: int) -> QueueItem | None:
        """One item, or ``None``."""
        with self._connections.reading() as connection:
            return item_of(connection, ItemRow.id == number)

    def items(self, wanted: ItemFilter, *, after: str | None = None, limit: int = 50) -> QueuePage:
        """Items, the most urgent first.

        Raises:
            ValueError: ``after`` is not from an earlier page.

        """
        query = select(ItemRow.__table__).where(*conditions(wanted, with_status=False))
        if after is not None:
            sort, _, number = after.partition("_")
            place = (float(sort), int(number))
            query = query.where(
                or_(
                    ItemRow.sort > place[0],
                    and_(ItemRow.sort == place[0], ItemRow.id > place[1]),
                )
            )
        query = query.order_by(ItemRow.sort, ItemRow.id).limit(limit + 1)
        rows: list[Row[Any]] = []
        with self._connections.reading() as connection:
            # An index gives the order within one status only: so one by one, and then merged.
            for status in wanted.statuses or tuple(ItemStatus):
                rows += connection.execute(query.where(ItemRow.status == status.value))
        rows.sort(key=lambda row: (row.sort, row.id))
        more = len(rows) > limit
        last = rows[limit - 1] if more else None
        return QueuePage(
            tuple(as_item(row) for row in rows[:limit]),
            f"{last.sort!r}_{last.id}" if last else None,
        )

    def counts(self, wanted: ItemFilter) -> Counts:
        """How many items there are in each status; the filter's own ``statuses`` don't count."""
        if only_regions(wanted):
            row = ItemCountRow
            query = select(row.status, whole_sum(row.items)).where(
                in_limits(row.desa, wanted.limits, Level.DESA),
                below(row.desa, wanted.region, Level.DESA),
            )
            query = query.group_by(row.status)
        else:
            query = (
                select(ItemRow.status, func.count())
                .where(*conditions(wanted, with_status=False))
                .group_by(ItemRow.status)
            )
        with self._connections.reading() as connection:
            return Counts({ItemStatus(status): n for status, n in connection.execute(query)})

    def counts_by(self, column: str, wanted: ItemFilter) -> dict[tuple[str, ItemStatus], int]:
        """Items by ``kind``, ``cause``, ``field``, ``form`` or ``outcome``, and by status."""
        by = {
            "kind": ItemRow.kind,
            "cause": ItemRow.cause,
            "field": ItemRow.field,
            "form": ItemRow.form,
            "outcome": ItemRow.outcome,
        }[column]
        query = (
            select(by, ItemRow.status, func.count())
            .where(*conditions(wanted), by.is_not(None))
            .group_by(by, ItemRow.status)
        )
        with self._connections.reading() as connection:
            return {(str(name), ItemStatus(st)): n for name, st, n in connection.execute(query)}

    def votes_waiting(self, wanted: ItemFilter) -> int:
        """Sum of the votes affected by the items that wait; unknown votes add nothing."""
        query = select(func.coalesce(whole_sum(ItemRow.votes), 0)).where(
            *conditions(wanted), ItemRow.status.in_(WAITING)
        )
        with self._connections.reading() as connection:
            return connection.scalars(query).one() or 0

    def decided_by(self, who: str, *, limit: int = 20) -> tuple[QueueItem, ...]:
        """Items a user decided last and that ended with it, the newest first."""
        query = (
            select(ItemRow.__table__)
            .where(ItemRow.status == ItemStatus.DONE, ItemRow.decided_by == who)
            .order_by(ItemRow.decided_at.desc())
            .limit(limit)
        )
        with self._connections.reading() as connection:
            return tuple(as_item(row) for row in connection.execute(query))

    def every_item_with_acts(self, at_once: int = 1000) -> Iterator[QueueItem]:
        """Items somebody answered or decided, by number; for ``chasil audit verify``."""
        last = 0
        while True:
            query = (
                select(ItemRow.__table__)
                .where(ItemRow.has_acts, ItemRow.id > last)
                .order_by(ItemRow.id)
                .limit(at_once)
            )
            with self._connections.reading() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            for row in rows:
                yield as_item(row)
            last = rows[-1].id

    # What an item rests on

    def page_reading(self, sha256: str, pdf_page: int | None, recipe: str) -> PageReading | None:
        """What was read in a photo: by this recipe, or by the one that came last."""
        query = (
            select(ReadingRow.payload)
            .where(ReadingRow.sha256 == sha256)
            .order_by(case((ReadingRow.recipe == recipe, 0), else_=1), ReadingRow.id.desc())
            .limit(1)
        )
        if pdf_page is not None:
            query = query.where(ReadingRow.pdf_page == pdf_page)
        with self._connections.reading() as connection:
            payload = connection.scalars(query).one_or_none()
        return None if payload is None else PageReading.model_validate(payload)

    def tps_of_photo(self, sha256: str) -> frozenset[str | None]:
        """TPS a photo came in for, ``None`` for an upload that said nothing; empty: no upload."""
        query = select(UploadRow.tps).where(UploadRow.sha256 == sha256).distinct()
        with self._connections.reading() as connection:
            return frozenset(connection.scalars(query))

    def photos_of_tps(self, tps: str) -> tuple[tuple[str, str], ...]:
        """Pairs of hash and file name that came in for a TPS, in the order they came."""
        query = (
            select(UploadRow.sha256, func.max(UploadRow.name), func.min(UploadRow.id))
            .where(UploadRow.tps == tps, UploadRow.sha256.is_not(None))
            .group_by(UploadRow.sha256)
            .order_by(func.min(UploadRow.id))
        )
        with self._connections.reading() as connection:
            return tuple((str(sha), name) for sha, name, _ in connection.execute(query))

    def cells(
        self,
        region: str,
        *,
        limits: Sequence[str] = (),
        fields: Sequence[str] = (),
        form: str | None = None,
    ) -> tuple[DecidedCell, ...]:
        """Fields of the TPS below a region, by TPS, form and field; all fields if none is named.

        Of one form where it is given. Ask for a desa, or for the few fields of a kecamatan that a
        page shows: a kecamatan has ten thousand cells in all, and they take 0.2 s.
        """
        query = (
            select(CellRow.__table__)
            .where(below(CellRow.tps, region), in_limits(CellRow.tps, limits))
            .order_by(CellRow.tps, CellRow.form, CellRow.field)
        )
        if fields:
            query = query.where(CellRow.field.in_(fields))
        if form is not None:
            query = query.where(CellRow.form == form)
        with self._connections.reading() as connection:
            return tuple(
                DecidedCell.model_construct(**row._mapping) for row in connection.execute(query)
            )

    # Progress and sums

    def progress(
        self, region: str, level: Level, *, limits: Sequence[str] = (), form: str | None = None
    ) -> tuple[RegionProgress, ...]:
        """How far each region of a level below ``region`` has come, by code.

        With one form only, where it is given. Without, a TPS counts once, and what is counted of
        it as often as it has forms.
        """
        row = TpsProgressRow
        code = func.substr(row.tps, 1, int(level)).label("code")
        all_clear = and_(
            row.pages_read > 0,
            row.fields_review == 0,
            row.fields_not_in_view == 0,
            row.items_waiting == 0,
            row.items_done == 0,
        )
        query = (
            select(
                code,
                func.count() if form else func.count(row.tps.distinct()),
                _times(row.pages_read > 0),
                _times(row.pages_read > 0),
                _times(all_clear),
                _times(row.items_waiting > 0),
                _times(and_(row.items_waiting == 0, row.items_done > 0)),
                whole_sum(row.items_waiting),
                whole_sum(row.items_done),
            )
            .where(below(row.tps, region), in_limits(row.tps, limits))
            .group_by(code)
            .order_by(code)
        )
        if form is not None:
            query = query.where(row.form == form)
        upload_code = func.substr(UploadRow.tps, 1, int(level)).label("code")
        photos = (
            select(upload_code, func.count(UploadRow.tps.distinct()))
            .where(
                below(UploadRow.tps, region),
                in_limits(UploadRow.tps, limits),
                UploadRow.sha256.is_not(None),
            )
            .group_by(upload_code)
        )
        with self._connections.reading() as connection:
            with_photos: dict[str, int] = dict(connection.execute(photos).all())
            rows = connection.execute(query).all()
        return tuple(
            RegionProgress(
                code=found,
                tps=tps,
                with_photos=max(with_photos.get(found, 0), some),
                read=read,
                clear=clear,
                in_conflict=conflict,
                decided=decided,
                items_waiting=waiting,
                items_done=done,
            )
            for found, tps, some, read, clear, conflict, decided, waiting, done in rows
        )

    def tps_progress(
        self, region: str, *, limits: Sequence[str] = (), form: str | None = None
    ) -> tuple[TpsProgress, ...]:
        """How far each TPS below a region has come; with one form only, where it is given."""
        query = (
            select(TpsProgressRow.__table__)
            .where(below(TpsProgressRow.tps, region), in_limits(TpsProgressRow.tps, limits))
            .order_by(TpsProgressRow.tps, TpsProgressRow.form)
        )
        if form is not None:
            query = query.where(TpsProgressRow.form == form)
        with self._connections.reading() as connection:
            return tuple(
                TpsProgress.model_construct(**row._mapping) for row in connection.execute(query)
            )

    def totals(
        self, region: str, *, limits: Sequence[str] = (), form: str | None = None
    ) -> tuple[Total, ...]:
        """Sums of every field over the TPS below a region (a desa or larger), by form and field.

        Of one form where it is given: a party election has some hundred fields.
        """
        row = TotalRow
        whole = region if len(region) <= Level.DESA else region[: Level.DESA]
        query = (
            select(
                row.form,
                row.field,
                *(
                    whole_sum(column)
                    for column in (
                        row.entry,
                        row.entry_known,
                        row.reading,
                        row.reading_known,
                        row.audited,
                        row.audited_known,
                        row.decided_known,
                        row.reading_compared,
                        row.reading_minus_entry,
                        row.reading_differs,
                        row.decided_compared,
                        row.decided_minus_entry,
                    )
                ),
            )
            .where(
                below(row.desa, whole, Level.DESA),
                in_limits(row.desa, [limit[: Level.DESA] for limit in limits], Level.DESA),
            )
            .group_by(row.form, row.field)
            .order_by(row.form, row.field)
        )
        if form is not None:
            query = query.where(row.form == form)
        with self._connections.reading() as connection:
            names = tuple(Total.model_fields)
            return tuple(
                Total.model_construct(**dict(zip(names, found, strict=True)))
                for found in connection.execute(query)
            )

    def sample_counts(self, limits: Sequence[str] = ()) -> dict[tuple[str | None, bool], int]:
        """Finished items of the sample: by outcome, and by whether the machine read otherwise.

        An item counts as misread where an auditor settled another number than the machine's.
        """
        misread = case(
            (
                and_(ItemRow.number.is_not(None), ItemRow.number == ItemRow.reading),
                false(),
            ),
            else_=true(),
        )
        query = (
            select(ItemRow.outcome, misread, func.count())
            .where(
                ItemRow.kind == SAMPLE,
                ItemRow.status == ItemStatus.DONE,
                in_limits(ItemRow.tps, limits),
            )
            .group_by(ItemRow.outcome, misread)
        )
        with self._connections.reading() as connection:
            return {(name, bool(other)): n for name, other, n in connection.execute(query)}

    # Changes

    @contextmanager
    def acting(self, *, at_once: bool = True) -> Iterator[Acting]:
        """One transaction in which acts are written and items change; writers wait in line.

        ``at_once``: see ``Connections.writing``.
        """
        with self._connections.writing(at_once=at_once) as connection:
            yield Acting(connection)

    def save_cells(
        self,
        cells: Iterable[Cell],
        progress: Iterable[TpsProgress],
        *,
        tps: Collection[str] = (),
    ) -> None:
        """Keep what system and machine say now about some TPS; decisions stay as they are.

        Args:
            cells: Their fields.
            progress: How far their forms have come.
            tps: TPS that ``cells`` and ``progress`` say everything about: what else is known of
                them is neither read nor reported any more.

        """
        some, counts = tuple(cells), tuple(progress)
        self._connections.write(lambda connection: save_cells(connection, some, counts, tps))

    def refresh(self, batch: int, facts: Callable[[], Iterable[ItemFacts]]) -> Refreshed:
        """Bring the queue up to a run's conflicts (and its sample); no decision is lost.

        ``facts`` is called again where the server went away and all is done once more.
        """
        return self._connections.write(lambda connection: refresh_items(connection, batch, facts()))

    def refreshed_batch(self) -> int | None:
        """The run the queue was last brought up to."""
        query = select(QueueRefreshRow.batch_id).order_by(QueueRefreshRow.id.desc()).limit(1)
        return self._connections.read(lambda connection: connection.scalars(query).one_or_none())

    def agreeing_cells(
        self, drawn: Callable[[str, str, str], bool], at_once: int = 5000
    ) -> Iterator[DecidedCell]:
        """Clear fields whose number equals the entry, by TPS, form and field.

        Args:
            drawn: Told TPS, form and field: whether it is wanted; most are not.
            at_once: Rows in memory at a time.

        """
        last = ("", "", "")
        while True:
            query = (
                select(CellRow.__table__)
                .where(
                    tuple_(CellRow.tps, CellRow.form, CellRow.field) > last,
                    CellRow.status == "clear",
                    CellRow.reading == CellRow.entry,
                )
                .order_by(CellRow.tps, CellRow.form, CellRow.field)
                .limit(at_once)
            )
            rows = self._connections.rows(query)
            if not rows:
                return
            for row in rows:
                if drawn(row.tps, row.form, row.field):
                    yield DecidedCell.model_construct(**row._mapping)
            last = (rows[-1].tps, rows[-1].form, rows[-1].field)

    def cells_of(self, tps: Collection[str]) -> tuple[DecidedCell, ...]:
        """All fields of some TPS, by TPS, form and field."""
        query = (
            select(CellRow.__table__)
            .where(CellRow.tps.in_(tps))
            .order_by(CellRow.tps, CellRow.form, CellRow.field)
        )
        with self._connections.reading() as connection:
            return tuple(
                DecidedCell.model_construct(**row._mapping) for row in connection.execute(query)
            )

    def walk_cells(
        self, region: str, beginning: str, besides: Collection[str] = (), at_once: int = 20_000
    ) -> Iterator[DecidedCell]:
        """Cells of a region whose field begins so, or is one of some, by TPS, form and field."""
        last = ("", "", "")
        while True:
            query = (
                select(CellRow.__table__)
                .where(
                    tuple_(CellRow.tps, CellRow.form, CellRow.field) > last,
                    below(CellRow.tps, region),
                    or_(
                        CellRow.field.startswith(beginning, autoescape=True),
                        CellRow.field.in_(besides),
                    ),
                )
                .order_by(CellRow.tps, CellRow.form, CellRow.field)
                .limit(at_once)
            )
            with self._connections.reading() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                yield DecidedCell.model_construct(**row._mapping)
            if len(rows) < at_once:
                return
            last = (rows[-1].tps, rows[-1].form, rows[-1].field)

    def tps_with_cells(self, region: str) -> tuple[str, ...]:
        """TPS of a region of which any field was ever read or reported."""
        query = select(CellRow.tps).where(below(CellRow.tps, region)).distinct()
        with self._connections.reading() as connection:
            return tuple(connection.scalars(query))

    def open_places(self, region: str) -> tuple[frozenset[tuple[str, str, str]], frozenset[str]]:
        """Fields with an item that waits, and TPS with one about a photo that may not be theirs.

        An item of the sample is no conflict.
        """
        query = select(ItemRow.tps, ItemRow.form, ItemRow.field, ItemRow.kind).where(
            ItemRow.status.in_([status.value for status in WAITING]),
            ItemRow.kind != SAMPLE,
            ItemRow.tps.is_not(None),
            below(ItemRow.tps, region),
        )
        with self._connections.reading() as connection:
            rows = connection.execute(query).all()
        return (
            frozenset((row.tps, row.form, row.field) for row in rows if row.field),
            frozenset(row.tps for row in rows if row.kind == ConflictKind.WRONG_TPS),
        )

    def cell_places(
        self, keys: Iterable[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], CellPlace]:
        """Status, hash and PDF page of cells, by TPS, form and field."""
        wanted = list(keys)
        query = select(
            *(CellRow.tps, CellRow.form, CellRow.field),
            *(CellRow.status, CellRow.sha256, CellRow.pdf_page),
        ).where(
            CellRow.tps.in_({tps for tps, _, _ in wanted}),
            CellRow.field.in_({field for _, _, field in wanted}),
        )
        rows = self._connections.rows(query)
        return {
            (row.tps, row.form, row.field): CellPlace(row.status, row.sha256, row.pdf_page)
            for row in rows
        }


def _times(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return whole_sum(case((condition, 1), else_=0))
