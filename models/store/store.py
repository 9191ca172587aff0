"""The store: the one ledger of what came in, what was read, what was reported, what conflicts.

Every query has a name here. Rows are only ever added (triggers forbid the rest), so that a run
that is cut off loses nothing and the next one does only what is missing. The bytes of photos
lie beside the database, in the folder ``photos``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Select,
    Table,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from models.errors import ErrorRecord
from models.records import Conflict, ConflictKind, Entry, PageReading, PageStatus
from models.store.engine import WRITES, open_engine
from models.store.errors import StoreError
from models.store.home import DATABASE_NAME, PHOTOS_NAME, chasil_home
from models.store.shelf import KeptPhoto, PhotoShelf
from models.store.tables import (
    NO_PDF_PAGE,
    Base,
    BatchRow,
    ConflictRow,
    EntryRow,
    PhotoRow,
    ReadingRow,
    UploadRow,
)

ROWS_AT_ONCE = 500
"""Rows fetched or looked up in one statement; SQLite allows 32,766 values in one."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that came in: which photo it is, under which name, for which TPS."""

    name: str
    photo: KeptPhoto | ErrorRecord
    """The kept bytes, or why they could not be had."""
    tps: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRevision:
    """One state of a TPS's reported numbers, as it was imported."""

    revision: int
    imported_at: datetime
    entry: Entry


@dataclass(frozen=True, slots=True)
class ImportCount:
    """What an import of entries did."""

    new: int = 0
    """Entries of a TPS and form that had none."""
    revised: int = 0
    """Entries that differ from what was known."""
    unchanged: int = 0
    """Entries that say what was known already."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same bytes under more than one name."""

    sha256: str
    names: tuple[str, ...]
    tps: tuple[str, ...]
    """The TPS they are claimed for; more than one is a finding."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One run."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    recipe: str
    summary: dict[str, Any] | None


class Store:
    """An open store. Close it, or use it in a ``with`` block."""

    def __init__(self, engine: Engine, shelf: PhotoShelf) -> None:
        self._engine = engine
        self.shelf = shelf

    @classmethod
    def open(cls, home: Path | None = None, *, url: str | URL | None = None) -> Self:
        """Open the store and upgrade its tables to the newest.

        Args:
            home: Folder of the photos and of the embedded database; ``chasil_home()`` if not given.
            url: Another database (PostgreSQL); the photos stay under ``home``.

        Raises:
            StoreError: it can't be opened, or a newer chasil has upgraded it.

        """
        home = chasil_home() if home is None else home
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{home}: {error.strerror}", store=str(home)) from error
        if url is None:
            url = URL.create("sqlite", database=str(home / DATABASE_NAME))
        return cls(open_engine(url), PhotoShelf(home / PHOTOS_NAME))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Batches

    def begin_batch(self, recipe: str) -> int:
        """Open a run in the ledger and return its number."""
        with self._write() as connection:
            row = connection.execute(
                insert(BatchRow).values(started_at=_now(), recipe=recipe).returning(BatchRow.id)
            )
            return row.scalar_one()

    def finish_batch(self, batch: int, summary: dict[str, Any]) -> None:
        """Write a run's end; its conflicts are the current ones from now on."""
        with self._write() as connection:
            connection.execute(
                update(BatchRow)
                .where(BatchRow.id == batch)
                .values(finished_at=_now(), summary=summary)
            )

    def latest_batch(self) -> Batch | None:
        """The last run that reached its end."""
        query = (
            select(
                BatchRow.id,
                BatchRow.started_at,
                BatchRow.finished_at,
                BatchRow.recipe,
                BatchRow.summary,
            )
            .where(BatchRow.finished_at.is_not(None))
            .order_by(BatchRow.id.desc())
            .limit(1)
        )
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Batch(*row)

    # Uploads

    def add_uploads(self, batch: int, uploads: Iterable[Upload]) -> None:
        """Record files that came in with a run, and the photos that are new among them."""
        now = _now()
        uploads = tuple(uploads)
        photos = [
            {
                "sha256": upload.photo.sha256,
                "size_bytes": upload.photo.size_bytes,
                "first_seen_at": now,
            }
            for upload in uploads
            if isinstance(upload.photo, KeptPhoto)
        ]
        rows = [
            {
                "batch_id": batch,
                "name": upload.name,
                "tps": upload.tps,
                "uploaded_at": now,
                "sha256": upload.photo.sha256 if isinstance(upload.photo, KeptPhoto) else None,
                "error": upload.photo.model_dump(mode="json")
                if isinstance(upload.photo, ErrorRecord)
                else None,
            }
            for upload in uploads
        ]
        with self._write() as connection:
            self._insert_new(connection, PhotoRow, photos)
            if rows:
                connection.execute(insert(UploadRow), rows)

    def duplicates(self) -> tuple[Duplicate, ...]:
        """Photos that stand under more than one name; empty files are not photos."""
        current = _current_uploads().subquery()
        query = (
            select(UploadRow.sha256, UploadRow.name, UploadRow.tps)
            .join(current, current.c.id == UploadRow.id)
            .join(PhotoRow, PhotoRow.sha256 == UploadRow.sha256)
            .where(PhotoRow.size_bytes > 0)
            .order_by(UploadRow.sha256, UploadRow.id)
        )
        by_photo: dict[str, list[tuple[str, str | None]]] = {}
        with self._read() as connection:
            for sha256, name, tps in connection.execute(query):
                by_photo.setdefault(sha256, []).append((name, tps))
        return tuple(
            Duplicate(
                sha256,
                tuple(name for name, _ in uploads),
                tuple(sorted({tps for _, tps in uploads if tps})),
            )
            for sha256, uploads in by_photo.items()
            if len(uploads) > 1
        )

    # Readings

    def readings_missing(self, photos: Iterable[str], recipe: str) -> tuple[str, ...]:
        """Those of the photos (by SHA-256, in their order, each once) this recipe has not read."""
        wanted = tuple(dict.fromkeys(photos))
        done: set[str] = set()
        with self._read() as connection:
            for some in _chunks(wanted, ROWS_AT_ONCE):
                done.update(
                    connection.scalars(
                        select(ReadingRow.sha256).where(
                            ReadingRow.sha256.in_(some), ReadingRow.recipe == recipe
                        )
                    )
                )
        return tuple(sha256 for sha256 in wanted if sha256 not in done)

    def add_readings(self, recipe: str, photos: Iterable[Sequence[PageReading]]) -> int:
        """Record what was read, all in one transaction.

        Args:
            recipe: The reading recipe's digest.
            photos: For each photo all of its pages; each page carries its photo's SHA-256.

        Returns:
            How many pages are new: what is known already stays as it is.

        """
        now = _now()
        rows = [
            {
                "sha256": page.sha256,
                "pdf_page": page.pdf_page or NO_PDF_PAGE,
                "recipe": recipe,
                "read_at": now,
                "status": page.status.value,
                "error_code": page.error.code if page.error else None,
                "form": page.form,
                "page": page.page,
                "payload": page.model_dump(mode="json"),
            }
            for pages in photos
            for page in pages
        ]
        with self._write() as connection:
            return self._insert_new(connection, ReadingRow, rows)

    def current_readings(self, recipe: str, *, batch: int | None = None) -> Iterator[PageReading]:
        """What is known about every upload now, ordered by TPS (those without one first).

        A photo under two names comes twice, each time with that upload's name and TPS. A photo
        that ``recipe`` has not read is given as the recipe read it that came last. Files whose
        bytes could not be had come as rejected pages without a hash.

        Args:
            recipe: The recipe to prefer.
            batch: Only what came in with this run.

        """
        uploads = _current_uploads(batch).subquery()
        readings = _current_readings(recipe).subquery()
        query = (
            select(UploadRow.id, readings.c.id)
            .join(uploads, uploads.c.id == UploadRow.id)
            .outerjoin(readings, readings.c.sha256 == UploadRow.sha256)
            .where(or_(readings.c.id.is_not(None), UploadRow.error.is_not(None)))
            .order_by(
                UploadRow.tps.is_not(None), UploadRow.tps, UploadRow.name, readings.c.pdf_page
            )
        )
        with self._read() as connection:
            keys = connection.execute(query).tuples().all()
        for some in _chunks(keys, ROWS_AT_ONCE):
            yield from self._pages(some)

    def _pages(self, keys: Sequence[tuple[int, int | None]]) -> Iterator[PageReading]:
        with self._read() as connection:
            uploads = {
                row.id: row
                for row in connection.execute(
                    select(UploadRow.id, UploadRow.name, UploadRow.tps, UploadRow.error).where(
                        UploadRow.id.in_([upload for upload, _ in keys])
                    )
                )
            }
            payloads = dict(
                connection.execute(
                    select(ReadingRow.id, ReadingRow.payload).where(
                        ReadingRow.id.in_([reading for _, reading in keys if reading is not None])
                    )
                )
                .tuples()
                .all()
            )
        for upload_id, reading_id in keys:
            upload = uploads[upload_id]
            if reading_id is None:
                yield PageReading(
                    photo=upload.name,
                    sha256=None,
                    tps=upload.tps,
                    status=PageStatus.REJECTED,
                    error=ErrorRecord.model_validate(upload.error),
                )
            else:
                payload = payloads[reading_id] | {"photo": upload.name, "tps": upload.tps}
                yield PageReading.model_validate(payload)

    # Entries

    def add_entries(self, entries: Iterable[Entry]) -> ImportCount:
        """Import reported numbers: each that says something new becomes a revision.

        Revisions stand in the order of the time they speak of (``reported_at``; the time of
        import where there is none). One that says the same as the one before it in that order is
        not recorded again; so a re-import changes nothing, and a number that was changed and
        changed back shows as three revisions. All or nothing: one transaction.
        """
        counts = {"new": 0, "revised": 0, "unchanged": 0}
        with self._write() as connection:
            for some in _chunks(entries, ROWS_AT_ONCE):
                known = self._histories(connection, {entry.tps for entry in some})
                rows = []
                for entry in some:
                    history = known.setdefault((entry.tps, entry.form), [])
                    row = _entry_row(entry, revision=len(history) + 1)
                    state = _State(row["reported_at"] or row["imported_at"], row["content"])
                    counts[_novelty(history, state)] += 1
                    if _novelty(history, state) != "unchanged":
                        history.append(state)
                        rows.append(row)
                if rows:
                    connection.execute(insert(EntryRow), rows)
        return ImportCount(**counts)

    def _histories(
        self, connection: Connection, tps: Iterable[str]
    ) -> dict[tuple[str, str], list[_State]]:
        query = (
            select(
                EntryRow.tps,
                EntryRow.form,
                EntryRow.reported_at,
                EntryRow.imported_at,
                EntryRow.content,
            )
            .where(EntryRow.tps.in_(tuple(tps)))
            .order_by(EntryRow.revision)
        )
        known: dict[tuple[str, str], list[_State]] = {}
        for row in connection.execute(query):
            state = _State(row.reported_at or row.imported_at, row.content)
            known.setdefault((row.tps, row.form), []).append(state)
        return known

    def latest_entries(self, tps: Iterable[str] | None = None) -> Iterator[Entry]:
        """The newest reported numbers of every TPS (or of those given), ordered by TPS and form."""
        newest = (
            func.row_number()
            .over(
                partition_by=(EntryRow.tps, EntryRow.form),
                order_by=(
                    func.coalesce(EntryRow.reported_at, EntryRow.imported_at).desc(),
                    EntryRow.revision.desc(),
                ),
            )
            .label("newest")
        )
        query = select(EntryRow.id, EntryRow.tps, EntryRow.form, newest)
        groups: Iterable[Sequence[str] | None] = (
            [None] if tps is None else _chunks(sorted(set(tps)), ROWS_AT_ONCE)
        )
        for group in groups:
            part = query if group is None else query.where(EntryRow.tps.in_(group))
            ranked = part.subquery()
            with self._read() as connection:
                keys = connection.scalars(
                    select(ranked.c.id)
                    .where(ranked.c.newest == 1)
                    .order_by(ranked.c.tps, ranked.c.form)
                ).all()
            for some in _chunks(keys, ROWS_AT_ONCE):
                yield from self._entries(some)

    def _entries(self, keys: Sequence[int]) -> Iterator[Entry]:
        with self._read() as connection:
            payloads = connection.scalars(
                select(EntryRow.payload)
                .where(EntryRow.id.in_(keys))
                .order_by(EntryRow.tps, EntryRow.form)
            ).all()
        for payload in payloads:
            yield Entry.model_validate(payload)

    def entry_revisions(self, tps: str) -> tuple[EntryRevision, ...]:
        """All that was ever imported for a TPS, in the order of import."""
        query = (
            select(EntryRow.revision, EntryRow.imported_at, EntryRow.payload)
            .where(EntryRow.tps == tps)
            .order_by(EntryRow.form, EntryRow.revision)
        )
        with self._read() as connection:
            return tuple(
                EntryRevision(revision, imported_at, Entry.model_validate(payload))
                for revision, imported_at, payload in connection.execute(query)
            )

    # Conflicts

    def save_conflicts(self, batch: int, conflicts: Iterable[Conflict]) -> None:
        """Record what a run found; call it before ``finish_batch``, as often as there is more."""
        for some in _chunks(conflicts, ROWS_AT_ONCE):
            rows = [
                {
                    "batch_id": batch,
                    **{
                        name: getattr(conflict, name)
                        for name in ("tps", "form", "field", "votes", "priority")
                    },
                    "kind": conflict.kind.value,
                    "cause": conflict.cause.value if conflict.cause else None,
                    "payload": conflict.model_dump(mode="json"),
                }
                for conflict in some
            ]
            with self._write() as connection:
                connection.execute(insert(ConflictRow), rows)

    def conflicts(
        self,
        *,
        batch: int | None = None,
        kinds: Iterable[ConflictKind] = (),
        region: str = "",
        field: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Conflict]:
        """A run's conflicts, the most urgent first.

        Args:
            batch: The run; the last that reached its end if not given.
            kinds: Only these kinds; all if empty.
            region: Only TPS whose code starts with these digits.
            field: Only this field.
            limit: At most so many.

        """
        if batch is None:
            latest = self.latest_batch()
            if latest is None:
                return
            batch = latest.id
        query = (
            _filtered(select(ConflictRow.id), batch, tuple(kinds), region, field)
            .order_by(ConflictRow.priority.desc(), ConflictRow.id)
            .limit(limit)
        )
        with self._read() as connection:
            keys = connection.scalars(query).all()
        for some in _chunks(keys, ROWS_AT_ONCE):
            with self._read() as connection:
                payloads = dict(
                    connection.execute(
                        select(ConflictRow.id, ConflictRow.payload).where(ConflictRow.id.in_(some))
                    )
                    .tuples()
                    .all()
                )
            for key in some:
                yield Conflict.model_validate(payloads[key])

    def conflict_counts(self, batch: int) -> dict[str, int]:
        """How many conflicts of each kind a run found."""
        query = (
            select(ConflictRow.kind, func.count())
            .where(ConflictRow.batch_id == batch)
            .group_by(ConflictRow.kind)
            .order_by(ConflictRow.kind)
        )
        with self._read() as connection:
            return dict(connection.execute(query).tuples().all())

    # Connections

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(**WRITES) as connection, connection.begin():
            yield connection

    def _insert_new(
        self, connection: Connection, table: type[Base], rows: Sequence[dict[str, Any]]
    ) -> int:
        """Insert those rows whose key isn't there yet, and return how many that were."""
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        count = 0
        for row in rows:
            statement = dialect.insert(table).values(row).on_conflict_do_nothing()
            count += connection.execute(statement).rowcount
        return count
