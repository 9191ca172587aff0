"""The store: the one ledger of what came in, what was read, what was reported, what conflicts.

Every query has a name here. Rows are only ever added (triggers forbid the rest), so that a run
that is cut off loses nothing and the next one does only what is missing. The bytes of photos
lie beside the database, in the folder ``photos``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Text,
    cast,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import InstrumentedAttribute

from models.errors import ErrorRecord
from models.records import (
    Conflict,
    ConflictKind,
    Entry,
    FieldStatus,
    PageReading,
    PageStatus,
)
from models.store import queries
from models.store.accounts import Accounts
from models.store.connections import PATIENCE_SECONDS, Connections, Turn
from models.store.engine import open_engine
from models.store.errors import ComparedMeanwhile, StoreError
from models.store.given import GivenTexts
from models.store.history import History
from models.store.home import (
    DATABASE_NAME,
    PHOTOS_NAME,
    chasil_home,
    chosen_database,
    chosen_photos,
)
from models.store.items import (
    Batch,
    Duplicate,
    EntryRevision,
    ImportCount,
    PageCounts,
    PageKey,
    RawPage,
    Upload,
)
from models.store.one_comparison import one_comparison
from models.store.overview import Overview
from models.store.queue import Queue
from models.store.revisions import (
    KnownRevision,
    content_of,
    is_overtaken,
    merged,
    novelty,
    with_zone,
)
from models.store.selection import Selection
from models.store.shelf import KeptPhoto, PhotoShelf
from models.store.shelves import open_shelf
from models.store.tables import (
    NO_PDF_PAGE,
    Base,
    BatchRow,
    CandidateNameRow,
    ConflictRow,
    EntryRow,
    FailureRow,
    PhotoRow,
    ReadingRow,
    UploadRow,
)
from models.store.trail import Trail

ROWS_AT_ONCE = 500
"""Rows fetched or looked up in one statement; SQLite allows 32,766 values in one."""

_LAST_END = select(func.max(BatchRow.finished_at))

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _LastEnd:
    """When the last run ended before this one began to compare; ``None`` if it is the first."""

    end: datetime | None


class Store:
    """An open store. Close it, or use it in a ``with`` block."""

    def __init__(
        self, engine: Engine, shelf: PhotoShelf, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._engine = engine
        self._connections = Connections(engine, patience=patience)
        self.shelf = shelf
        self.history = History(self._connections)
        self.given = GivenTexts(self._connections)
        self.selection = Selection(self._connections)
        self.trail = Trail(self._connections)
        self.queue = Queue(self._connections)
        self.overview = Overview(self._connections)
        self.accounts = Accounts(self._connections)
        self._compares_after: _LastEnd | None = None

    @classmethod
    def open(
        cls,
        home: Path | None = None,
        *,
        url: str | URL | None = None,
        photos: str | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Self:
        """Open the store and upgrade its tables to the newest.

        Without arguments it is the store that the environment names (see ``home``): every command
        opens that one.

        Args:
            home: Folder of the photos and of the embedded database. If given, ``CHASIL_DATABASE``
                and ``CHASIL_PHOTOS`` do not count: all is in this folder but for what follows.
            url: Another database (PostgreSQL).
            photos: Another place for photos (``s3://…``).
            patience: Seconds to wait for a database server that goes away meanwhile.

        Raises:
            StoreError: it can't be opened, or a newer chasil has upgraded it.

        """
        if home is None:
            home = chasil_home()
            url = url or chosen_database()
            photos = photos or chosen_photos()
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{home}: {error.strerror}", store=str(home)) from error
        if url is None:
            url = URL.create("sqlite", database=str(home / DATABASE_NAME))
        shelf = open_shelf(photos, home / PHOTOS_NAME)
        return cls(open_engine(url), shelf, patience=patience)

    @property
    def name(self) -> str:
        """Which database this is, without its password."""
        return self._engine.url.render_as_string(hide_password=True)

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
        row = insert(BatchRow).values(started_at=_now(), recipe=recipe).returning(BatchRow.id)
        return self._add(lambda connection: connection.scalars(row).one())

    def finish_batch(self, batch: int, summary: dict[str, Any]) -> None:
        """Write a run's end; its conflicts are the current ones from now on."""
        end = update(BatchRow).where(BatchRow.id == batch)

        def write(connection: Connection) -> None:
            last = connection.scalars(_LAST_END).one()
            if self._compares_after is not None and last != self._compares_after.end:
                raise ComparedMeanwhile(
                    f"another run compared and ended while run {batch} compared", run=batch
                )
            connection.execute(end.values(finished_at=_after(last), summary=summary))

        self._connections.write(write, Turn.ROOM)  # of two ends, one must see the other

    @contextmanager
    def one_comparison(self, waits: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Enter it to compare and to write the end; others wait. See ``one_comparison``.

        A server that goes away takes the lock with it. So ``finish_batch`` looks whether the last
        run that ended is still the one that it was.
        """
        with one_comparison(self._connections, waits):
            self._compares_after = _LastEnd(self._connections.rows(_LAST_END)[0][0])
            try:
                yield
            finally:
                self._compares_after = None

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
            # Not by number: of two runs at once, the one that began first may end last.
            .order_by(BatchRow.finished_at.desc(), BatchRow.id.desc())
            .limit(1)
        )
        row = self._connections.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Batch(*row)

    # Uploads

    def add_uploads(self, batch: int, uploads: Iterable[Upload]) -> None:
        """Record files that came in with a run, and the photos that are new among them."""
        now = _now()
        photos: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for upload in uploads:
            row: dict[str, Any] = {
                "batch_id": batch,
                "folder": upload.folder,
                "name": upload.name,
                "tps": upload.tps,
                "uploaded_at": now,
                "sha256": None,
                "error": None,
            }
            if isinstance(upload.photo, KeptPhoto):
                row["sha256"] = upload.photo.sha256
                photos.append(
                    {
                        "sha256": upload.photo.sha256,
                        "size_bytes": upload.photo.size_bytes,
                        "first_seen_at": now,
                    }
                )
            else:
                row["error"] = upload.photo.model_dump(mode="json")
            rows.append(row)

        def add(connection: Connection) -> None:
            self._insert_unknown(connection, PhotoRow, photos)
            if rows:
                connection.execute(insert(UploadRow), rows)

        self._add(add)

    def duplicates(self) -> tuple[Duplicate, ...]:
        """Photos that stand under more than one name; empty files are not photos."""
        query = (
            select(PhotoRow.sha256, UploadRow.name, UploadRow.tps)
            .join(UploadRow, PhotoRow.sha256 == UploadRow.sha256)
            .where(queries.is_current_upload(), PhotoRow.size_bytes > 0)
            .order_by(PhotoRow.sha256, UploadRow.id)
        )
        by_photo: dict[str, list[tuple[str, str | None]]] = {}
        for sha256, name, tps in self._connections.rows(query):
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

    def uploads_of(self, folder: str) -> dict[str, tuple[str | None, bool, str | None]]:
        """What came in last under each name of a folder, in any run.

        Returns:
            Name to the photo's SHA-256 (``None`` where its bytes could not be had), whether it was
            read, or tried to be read, by any recipe, and the TPS it was filed under.

        """
        last = (
            select(func.max(UploadRow.id))
            .where(UploadRow.folder == folder)
            .group_by(UploadRow.name)
            .scalar_subquery()
        )
        read = select(ReadingRow.id).where(ReadingRow.sha256 == UploadRow.sha256).exists()
        tried = select(FailureRow.id).where(FailureRow.sha256 == UploadRow.sha256).exists()
        query = select(UploadRow.name, UploadRow.sha256, or_(read, tried), UploadRow.tps).where(
            UploadRow.id.in_(last)
        )
        return {
            name: (sha256, bool(done), tps)
            for name, sha256, done, tps in self._connections.rows(query)
        }

    def tps_with_photo(self, region: str = "") -> set[str]:
        """TPS below a region of which a photo came in, in any run."""
        query = select(UploadRow.tps).distinct().where(UploadRow.sha256.is_not(None))
        if region:
            query = query.where(UploadRow.tps.startswith(region, autoescape=True))
        return {tps for (tps,) in self._connections.rows(query) if tps is not None}

    # Readings

    def readings_missing(self, photos: Iterable[str], recipe: str) -> tuple[str, ...]:
        """Those of the photos (by SHA-256, in their order, each once) this recipe has not read."""
        wanted = tuple(dict.fromkeys(photos))
        done: set[str] = set()

        def look(connection: Connection) -> None:
            for some in _chunks(wanted):
                known = select(ReadingRow.sha256).where(
                    ReadingRow.sha256.in_(some), ReadingRow.recipe == recipe
                )
                done.update(connection.scalars(known))

        self._connections.read(look)
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
                **_count_fields(page),
                "payload": page.model_dump(mode="json"),
            }
            for pages in photos
            for page in pages
        ]
        return self._add(lambda connection: self._insert_unknown(connection, ReadingRow, rows))

    def current_readings(self, recipe: str, *, batch: int | None = None) -> Iterator[PageReading]:
        """What is known about every upload now, ordered by TPS (those without one first).

        A photo under two names comes twice, each time with that upload's name and TPS. A photo
        that ``recipe`` has not read is given as the recipe read it that came last. Where every
        attempt broke off, and where the bytes could not be had, it comes as a rejected page.

        Args:
            recipe: The recipe to prefer.
            batch: Only what came in with this run.

        """
        with self._read() as connection:
            keys = connection.execute(queries.current_pages(recipe, batch)).all()
        for some in _chunks(keys):
            yield from self._pages(some)

    def page_keys(self, recipe: str) -> tuple[PageKey, ...]:
        """What ``current_readings`` would give, as keys alone, in the same order."""
        query = queries.current_page_keys(recipe)
        return self._connections.read(
            lambda connection: tuple(PageKey(*row) for row in connection.execute(query))
        )

    def raw_pages(self, keys: Sequence[PageKey]) -> Iterator[RawPage]:
        """The pages of some keys, in their order."""
        for some in _chunks(keys):
            yield from self._raw_pages([(key.upload, key.reading, key.failure) for key in some])

    def entry_keys(self) -> dict[str, tuple[int, ...]]:
        """TPS to the ids of all its revisions: other ids, other numbers."""
        known: dict[str, list[int]] = {}
        query = select(EntryRow.tps, EntryRow.id).order_by(EntryRow.tps, EntryRow.id)
        for tps, key in self._connections.rows(query):
            known.setdefault(tps, []).append(key)
        return {tps: tuple(keys) for tps, keys in known.items()}

    def _pages(self, keys: Sequence[Sequence[int | None]]) -> Iterator[PageReading]:
        return (raw.page() for raw in self._raw_pages(keys))

    def _raw_pages(self, keys: Sequence[Sequence[int | None]]) -> Iterator[RawPage]:
        upload_ids, reading_ids, failure_ids = zip(*keys, strict=True)
        columns = UploadRow.id, UploadRow.name, UploadRow.sha256, UploadRow.tps, UploadRow.error
        uploads = select(*columns).where(UploadRow.id.in_(set(upload_ids)))
        payload = cast(ReadingRow.payload, Text)
        upload_of, reading_of, failure_of = self._connections.read(
            lambda connection: (
                {row.id: row for row in connection.execute(uploads)},
                _payloads(connection, ReadingRow.id, payload, reading_ids),
                _payloads(connection, FailureRow.id, FailureRow.error, failure_ids),
            )
        )
        for upload_id, reading_id, failure_id in keys:
            upload = upload_of[upload_id]
            if reading_id is not None:
                yield RawPage(upload.name, upload.tps, reading_of[reading_id], None)
                continue
            rejected = PageReading.model_validate(
                {
                    "photo": upload.name,
                    "tps": upload.tps,
                    "sha256": upload.sha256,
                    "status": PageStatus.REJECTED,
                    "error": upload.error if failure_id is None else failure_of[failure_id],
                }
            )
            yield RawPage(upload.name, upload.tps, None, rejected)

    def count_pages(self, recipe: str, batch: int) -> PageCounts:
        """How the files of a run came out, with the readings that count now."""
        rejected: Counter[str] = Counter()
        fields: Counter[FieldStatus] = Counter()
        pages_read = 0
        uploads = select(func.count()).select_from(UploadRow)
        photos, counted, keys = self._connections.read(
            lambda connection: (
                connection.scalars(uploads.where(queries.is_current_upload(batch))).one(),
                connection.execute(queries.counted_readings(recipe, batch)).all(),
                connection.execute(queries.current_pages(recipe, batch)).all(),
            )
        )
        for code, pages, *of_status in counted:
            if code is None:
                pages_read = pages
            else:
                rejected[code] += pages
            fields.update(dict(zip(_COUNTED_FIELDS, of_status, strict=True)))
        for some in _chunks(key for key in keys if key[1] is None):
            rejected.update(page.error.code for page in self._pages(some) if page.error)
        return PageCounts(photos, pages_read, dict(rejected), dict(fields))

    def add_failures(self, batch: int, failures: Mapping[str, ErrorRecord]) -> None:
        """Record attempts to read that broke off, by the photo's SHA-256."""
        now = _now()
        rows = [
            {
                "batch_id": batch,
                "sha256": sha256,
                "failed_at": now,
                "error": error.model_dump(mode="json"),
            }
            for sha256, error in failures.items()
        ]
        if rows:
            self._add_rows(FailureRow, rows)

    # Entries

    def add_entries(self, entries: Iterable[Entry]) -> ImportCount:
        """Import reported numbers; each that is news (see ``revisions``) becomes a revision.

        All or nothing: one transaction. Two imports at once take turns, so that each sees what the
        other has added.
        """
        counts: Counter[str] = Counter()
        named: set[tuple[str, str, str]] = set()
        last = select(EntryRow.imported_at).order_by(EntryRow.id.desc()).limit(1)
        with self._connections.writing(Turn.ENTRIES) as connection:
            now = _after(connection.scalars(last).one_or_none())
            for some in _chunks(entries):
                self._keep_names(connection, some, named, now)
                rows = list(self._news(connection, some, now, counts))
                if rows:
                    connection.execute(insert(EntryRow), rows)
        return ImportCount(**counts)

    def preview_entries(self, entries: Iterable[Entry]) -> tuple[ImportCount, tuple[Entry, ...]]:
        """What ``add_entries`` would do, without doing it: counts, and the entries that are news.

        Entries of one TPS and form are held against what is stored, not against each other.
        """
        counts: Counter[str] = Counter()
        now = _now()
        news: list[Entry] = []
        for some in _chunks(entries):
            with self._read() as connection:
                rows = list(self._news(connection, some, now, counts))
            news += (Entry.model_validate(row["payload"]) for row in rows)
        return ImportCount(**counts), tuple(news)

    def _news(
        self, connection: Connection, some: Sequence[Entry], now: datetime, counts: Counter[str]
    ) -> Iterator[dict[str, Any]]:
        """Rows of the entries that are news; all are counted."""
        histories = self._histories(connection, {entry.tps for entry in some})
        for entry in some:
            history = histories.setdefault((entry.tps, entry.form), [])
            reported_at = with_zone(entry.reported_at) if entry.reported_at else None
            arriving = KnownRevision(
                reported_at or now, content_of(entry), is_dated=reported_at is not None
            )
            verdict = novelty(history, arriving)
            if verdict == "confirmed":
                counts["unchanged"] += 1
                if reported_at is None:
                    continue  # The time of an import confirms nothing.
            else:
                counts[verdict] += 1
            if verdict == "unchanged":
                continue
            counts["overtaken"] += is_overtaken(history, arriving)
            history.append(arriving)
            yield {
                "tps": entry.tps,
                "form": entry.form,
                "revision": len(history),
                "source": entry.source,
                "reported_at": reported_at,
                "imported_at": now,
                "content": arriving.content,
                "payload": entry.model_dump(mode="json", exclude={"names"}),
            }

    def reported_fields(self) -> dict[str, frozenset[str]]:
        """Form to every field of it that any revision reports."""
        entries = select(EntryRow.form, EntryRow.payload)
        some_at_a_time = entries.execution_options(yield_per=ROWS_AT_ONCE)

        def look(connection: Connection) -> dict[str, frozenset[str]]:
            found: dict[str, set[str]] = {}
            for form, payload in connection.execute(some_at_a_time):
                found.setdefault(form, set()).update(payload["fields"])
            return {form: frozenset(fields) for form, fields in found.items()}

        return self._connections.read(look)

    def _keep_names(
        self,
        connection: Connection,
        entries: Sequence[Entry],
        kept: set[tuple[str, str, str]],
        now: datetime,
    ) -> None:
        """Keep candidates' names that are not among those of this import that are ``kept``."""
        new = {
            (entry.form, field, name) for entry in entries for field, name in entry.names.items()
        } - kept
        kept |= new
        for some in _chunks(sorted(new)):
            rows = [
                {"form": form, "field": field, "name": name, "seen_at": now}
                for form, field, name in some
            ]
            self._insert_unknown(connection, CandidateNameRow, rows)

    def candidate_names(self, form: str, fields: Collection[str] | None = None) -> dict[str, str]:
        """Field to the candidate's name, for one form; of several names the one seen last."""
        row = CandidateNameRow
        query = select(row.field, row.name).where(row.form == form).order_by(row.seen_at, row.name)
        found: dict[str, str] = {}
        with self._read() as connection:
            for some in [None] if fields is None else list(_chunks(sorted(fields))):
                of_some = query if some is None else query.where(row.field.in_(some))
                found.update((field, name) for field, name in connection.execute(of_some))
        return found

    def _histories(
        self, connection: Connection, tps: Iterable[str]
    ) -> dict[tuple[str, str], list[KnownRevision]]:
        query = (
            select(
                EntryRow.tps,
                EntryRow.form,
                func.coalesce(EntryRow.reported_at, EntryRow.imported_at),
                EntryRow.content,
                EntryRow.reported_at.is_not(None),
            )
            .where(EntryRow.tps.in_(tuple(tps)))
            .order_by(EntryRow.revision)
        )
        known: dict[tuple[str, str], list[KnownRevision]] = {}
        for code, form, speaks_of, content, is_dated in connection.execute(query):
            known.setdefault((code, form), []).append(
                KnownRevision(speaks_of, content, is_dated=bool(is_dated))
            )
        return known

    def latest_entries(self, tps: Iterable[str] | None = None) -> Iterator[Entry]:
        """The reported numbers that count now, of every TPS (or of those given), by TPS and form.

        Newest by the time they speak of, and with the last known number of fields that the newest
        revision does not report; see ``revisions``.
        """
        if tps is None:
            tps = [code for (code,) in self._connections.rows(select(EntryRow.tps).distinct())]
        for some in _chunks(sorted(set(tps))):
            rows = self._connections.rows(queries.revisions_in_time(some))
            for _, same in groupby(rows, key=lambda row: (row.tps, row.form)):
                yield merged([Entry.model_validate_json(row.payload) for row in same])

    def entry_revisions(self, tps: str) -> tuple[EntryRevision, ...]:
        """All that was ever imported for a TPS, by form, in the order of import."""
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

    def revisions_of(self, tps: Sequence[str]) -> Iterator[EntryRevision]:
        """All revisions of some TPS, by TPS and form, in the order of the time they speak of."""
        for some in _chunks(sorted(set(tps))):
            with self._read() as connection:
                rows = connection.execute(
                    queries.revisions_in_time(some).add_columns(
                        EntryRow.revision, EntryRow.imported_at
                    )
                ).all()
            for row in rows:
                yield EntryRevision(
                    row.revision, row.imported_at, Entry.model_validate_json(row.payload)
                )

    # Conflicts

    def save_conflicts(self, batch: int, conflicts: Iterable[Conflict]) -> None:
        """Record what a run found, before its end; call it as often as there is more."""
        for some in _chunks(conflicts):
            rows = [
                {
                    "batch_id": batch,
                    "tps": conflict.tps,
                    "form": conflict.form,
                    "field": conflict.field,
                    "kind": conflict.kind.value,
                    "cause": conflict.cause.value if conflict.cause else None,
                    "votes": conflict.votes,
                    "priority": conflict.priority,
                    "payload": conflict.model_dump(mode="json"),
                }
                for conflict in some
            ]
            self._add_rows(ConflictRow, rows)

    def latest_conflicts(
        self,
        *,
        kinds: Iterable[ConflictKind] = (),
        region: str = "",
        field: str | None = None,
        form: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Conflict]:
        """The conflicts of the last run that reached its end, the most urgent first.

        Args:
            kinds: Only these kinds; all if empty.
            region: Only TPS whose code starts with these digits.
            field: Only this field.
            form: Only this form.
            limit: At most so many.

        """
        batch = self.latest_batch()
        if batch is None:
            return
        yield from self.conflicts_of(
            batch.id, kinds=kinds, region=region, field=field, form=form, limit=limit
        )

    def conflicts_of(
        self,
        batch: int,
        *,
        kinds: Iterable[ConflictKind] = (),
        region: str = "",
        field: str | None = None,
        form: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Conflict]:
        """The conflicts of one run, as ``latest_conflicts``."""
        query = queries.conflicts_of(batch, tuple(kinds), region, field, form).limit(limit)
        payload = cast(ConflictRow.payload, Text)
        for some in _chunks(key for (key,) in self._connections.rows(query)):
            of_some = select(ConflictRow.id, payload).where(ConflictRow.id.in_(some))
            payload_of = dict(self._connections.rows(of_some))
            for key in some:
                yield Conflict.model_validate_json(payload_of[key])

    def conflict_counts(self, batch: int) -> dict[str, int]:
        """How many conflicts of each kind a run found."""
        query = (
            select(ConflictRow.kind, func.count())
            .where(ConflictRow.batch_id == batch)
            .group_by(ConflictRow.kind)
            .order_by(ConflictRow.kind)
        )
        return dict(self._connections.rows(query))

    # Connections

    @property
    def connections(self) -> Connections:
        """Reading and writing transactions, for the parts of the store in modules of their own."""
        return self._connections

    def _read(self) -> AbstractContextManager[Connection]:
        return self._connections.reading()

    def _add(self, work: Callable[[Connection], T]) -> T:
        """Add to the ledger; kept exactly once, even if the server goes away meanwhile."""
        return self._connections.write(work, Turn.NONE)

    def _add_rows(self, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
        self._add(lambda connection: connection.execute(insert(table), rows))

    def _insert_unknown(
        self, connection: Connection, table: type[Base], rows: Sequence[dict[str, Any]]
    ) -> int:
        """Insert the rows whose key is not there yet; returns how many they were.

        Always in the order of their hashes; rows without one come sorted. Two writers that add the
        same rows in two orders would wait for each other for ever.
        """
        if not rows:
            return 0
        rows = sorted(
            rows, key=lambda row: (row.get("sha256", ""), row.get("pdf_page", NO_PDF_PAGE))
        )
        sqlite = self._engine.dialect.name == "sqlite"
        into = insert_sqlite(table) if sqlite else insert_postgresql(table)
        new = into.on_conflict_do_nothing().returning(*table.__table__.primary_key)
        return len(connection.execute(new, rows).all())


_COUNTED_FIELDS = {
    FieldStatus.CLEAR: "fields_clear",
    FieldStatus.REVIEW: "fields_review",
    FieldStatus.BLANK: "fields_blank",
    FieldStatus.NOT_IN_VIEW: "fields_not_in_view",
}
"""Columns of ``readings``, in the order in which ``queries.counted_readings`` sums them."""


def _count_fields(page: PageReading) -> dict[str, int]:
    counts = Counter(field.status for field in page.fields.values())
    return {column: counts[status] for status, column in _COUNTED_FIELDS.items()}


def _payloads(
    connection: Connection,
    key: InstrumentedAttribute[int],
    payload: ColumnElement[Any] | InstrumentedAttribute[Any],
    wanted: Iterable[int | None],
) -> dict[int, Any]:
    query = select(key, payload).where(key.in_(set(wanted) - {None}))
    return dict(connection.execute(query).all())


def _now() -> datetime:
    return datetime.now(UTC)


def _after(last: datetime | None) -> datetime:
    """Now; but later than ``last``, also where the clock was set back since."""
    now = _now()
    return now if last is None or now > last else last + timedelta(microseconds=1)


def _chunks(items: Iterable[T], size: int = ROWS_AT_ONCE) -> Iterator[list[T]]:
    """The items in lists of ``size``, the last one shorter; nothing for no items."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
