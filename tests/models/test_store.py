"""The store keeps everything, overwrites nothing, and knows what is done."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from fixtures.databases import Databases
from models.errors import EmptyPhoto, UnreadableFile
from models.records import (
    Conflict,
    ConflictKind,
    Entry,
    FieldReading,
    FieldStatus,
    PageReading,
    PageStatus,
)
from models.store import engine
from models.store.errors import DatabaseBusy, StoreError
from models.store.home import chasil_home
from models.store.items import Duplicate, ImportCount, PageCounts, Upload
from models.store.shelf import FolderShelf, KeptPhoto
from models.store.store import Store

RECIPE = "a" * 64
OTHER_RECIPE = "b" * 64
TPS = "3216012001001"
OTHER_TPS = "3216012001002"


@pytest.fixture
def store(databases: Databases, tmp_path: Path) -> Iterator[Store]:
    with databases.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def database(databases: Databases, tmp_path: Path, store: Store) -> Iterator[Connection]:  # noqa: ARG001
    with databases.connected(tmp_path / "home") as connection:
        yield connection


def _folder(store: Store) -> FolderShelf:
    assert isinstance(store.shelf, FolderShelf)
    return store.shelf


def upload(store: Store, folder: Path, name: str, content: bytes, tps: str | None = None) -> Upload:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Upload(name, store.shelf.keep(path), tps)


def page(sha256: str, value: int | None = 24, pdf_page: int | None = None) -> PageReading:
    return PageReading(
        photo="as first read.jpg",
        sha256=sha256,
        pdf_page=pdf_page,
        form="c-hasil-ppwp-2024",
        page=2,
        status=PageStatus.READ,
        recipe=RECIPE,
        fields={
            "suara_paslon_1": FieldReading(value=value, confidence=0.5, status=FieldStatus.CLEAR)
        },
    )


def entry(votes: int | None, reported_at: str | None = None, tps: str = TPS) -> Entry:
    return Entry(
        tps=tps,
        form="c-hasil-ppwp-2024",
        fields={"suara_paslon_1": votes},
        source="entries.json",
        reported_at=datetime.fromisoformat(reported_at) if reported_at else None,
    )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# Photos and uploads


def test_a_photo_is_kept_once_under_its_hash(store: Store, tmp_path: Path) -> None:
    first = upload(store, tmp_path / "in", "a.JPG", b"bytes")
    again = upload(store, tmp_path / "in", "b.png", b"bytes")
    kept = _folder(store).find(digest(b"bytes"))
    assert kept is not None
    assert kept.name == f"{digest(b'bytes')}.jpg"
    assert kept.read_bytes() == b"bytes"
    assert first.photo == again.photo
    assert [path for path in _folder(store).folder.rglob("*") if path.is_file()] == [kept]


def test_a_name_with_a_strange_ending_is_kept_without_it(store: Store, tmp_path: Path) -> None:
    upload(store, tmp_path, "photo.jpg (1)", b"bytes")
    kept = _folder(store).find(digest(b"bytes"))
    assert kept is not None
    assert kept.name == digest(b"bytes")


def test_a_missing_file_is_an_error_that_says_so(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"gone\.jpg"):
        store.shelf.keep(tmp_path / "gone.jpg")
    assert not list(_folder(store).folder.rglob("*"))


def test_many_threads_keep_the_same_photo(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"x" * 3_000_000)
    with ThreadPoolExecutor(8) as threads:
        kept = set(threads.map(store.shelf.keep, [path] * 32))
    assert len(kept) == 1
    assert [file.stat().st_size for file in _folder(store).folder.rglob("*") if file.is_file()] == [
        3_000_000
    ]


def test_the_same_photo_under_two_tps_is_a_duplicate(store: Store, tmp_path: Path) -> None:
    batch = store.begin_batch(RECIPE)
    store.add_uploads(
        batch,
        [
            upload(store, tmp_path, "a.jpg", b"one", TPS),
            upload(store, tmp_path, "b.jpg", b"one", OTHER_TPS),
            upload(store, tmp_path, "c.jpg", b"two", TPS),
            upload(store, tmp_path, "d.jpg", b"", TPS),
            upload(store, tmp_path, "e.jpg", b"", TPS),
        ],
    )
    assert store.duplicates() == (Duplicate(digest(b"one"), ("a.jpg", "b.jpg"), (TPS, OTHER_TPS)),)


def test_the_same_folder_again_makes_no_duplicate(store: Store, tmp_path: Path) -> None:
    for tps in (TPS, OTHER_TPS):  # the second time the manifest was put right
        store.add_uploads(
            store.begin_batch(RECIPE), [upload(store, tmp_path, "a.jpg", b"one", tps)]
        )
    store.add_readings(RECIPE, [[page(digest(b"one"))]])
    assert store.duplicates() == ()
    assert [reading.tps for reading in store.current_readings(RECIPE)] == [OTHER_TPS]


# Readings


def test_a_reading_is_never_replaced(store: Store, tmp_path: Path) -> None:
    store.add_uploads(store.begin_batch(RECIPE), [upload(store, tmp_path, "a.jpg", b"one", TPS)])
    sha256 = digest(b"one")
    assert store.add_readings(RECIPE, [[page(sha256, 24)]]) == 1
    assert store.add_readings(RECIPE, [[page(sha256, 99)]]) == 0
    (known,) = store.current_readings(RECIPE)
    assert known.fields["suara_paslon_1"].value == 24


def test_missing_readings_are_those_of_this_recipe(store: Store, tmp_path: Path) -> None:
    photos = [b"one", b"two", b"three"]
    store.add_uploads(
        store.begin_batch(RECIPE),
        [upload(store, tmp_path, f"{number}.jpg", photo) for number, photo in enumerate(photos)],
    )
    hashes = [digest(photo) for photo in photos]
    assert store.readings_missing([*hashes, hashes[0]], RECIPE) == tuple(hashes)
    store.add_readings(RECIPE, [[page(hashes[1])]])
    assert store.readings_missing(hashes, RECIPE) == (hashes[0], hashes[2])
    assert store.readings_missing(hashes, OTHER_RECIPE) == tuple(hashes)


def test_more_photos_than_one_statement_holds(store: Store) -> None:
    hashes = [digest(str(number).encode()) for number in range(1201)]
    assert store.readings_missing(hashes, RECIPE) == tuple(hashes)


def test_the_preferred_recipe_counts_and_the_last_one_stands_in(
    store: Store, tmp_path: Path
) -> None:
    store.add_uploads(store.begin_batch(RECIPE), [upload(store, tmp_path, "a.jpg", b"one", TPS)])
    sha256 = digest(b"one")
    store.add_readings(RECIPE, [[page(sha256, 1)]])
    store.add_readings(OTHER_RECIPE, [[page(sha256, 2)]])

    def value(recipe: str) -> int | None:
        (known,) = store.current_readings(recipe)
        return known.fields["suara_paslon_1"].value

    assert value(RECIPE) == 1
    assert value(OTHER_RECIPE) == 2
    assert value("c" * 64) == 2


def test_every_upload_gives_its_pages_with_its_own_name_and_tps(
    store: Store, tmp_path: Path
) -> None:
    batch = store.begin_batch(RECIPE)
    store.add_uploads(
        batch,
        [
            upload(store, tmp_path, "scan.pdf", b"pdf", TPS),
            upload(store, tmp_path, "stranger.jpg", b"one", None),
            upload(store, tmp_path, "copy.pdf", b"pdf", OTHER_TPS),
            Upload("locked.jpg", EmptyPhoto("locked.jpg would not open").record(), TPS),
            upload(store, tmp_path, "not read yet.jpg", b"two", TPS),
        ],
    )
    store.add_readings(
        RECIPE,
        [
            [page(digest(b"pdf"), pdf_page=1), page(digest(b"pdf"), pdf_page=2)],
            [page(digest(b"one"))],
        ],
    )
    assert [
        (known.tps, known.photo, known.pdf_page, known.status.value)
        for known in store.current_readings(RECIPE)
    ] == [
        (None, "stranger.jpg", None, "read"),
        (TPS, "locked.jpg", None, "rejected"),
        (TPS, "scan.pdf", 1, "read"),
        (TPS, "scan.pdf", 2, "read"),
        (OTHER_TPS, "copy.pdf", 1, "read"),
        (OTHER_TPS, "copy.pdf", 2, "read"),
    ]


def test_a_file_that_opened_later_is_no_longer_an_error(store: Store, tmp_path: Path) -> None:
    error = EmptyPhoto("a.jpg would not open").record()
    first = store.begin_batch(RECIPE)
    store.add_uploads(first, [Upload("a.jpg", error, TPS)])
    store.add_uploads(store.begin_batch(RECIPE), [upload(store, tmp_path, "a.jpg", b"one", TPS)])
    store.add_readings(RECIPE, [[page(digest(b"one"))]])
    assert [known.status for known in store.current_readings(RECIPE)] == [PageStatus.READ]
    (then,) = store.current_readings(RECIPE, batch=first)
    assert then.error == error


def test_an_attempt_that_broke_off_is_no_reading(store: Store, tmp_path: Path) -> None:
    batch = store.begin_batch(RECIPE)
    store.add_uploads(batch, [upload(store, tmp_path, "a.jpg", b"one", TPS)])
    sha256 = digest(b"one")
    for message in ("first", "second"):
        store.add_failures(batch, {sha256: EmptyPhoto(message).record()})
    (broken,) = store.current_readings(RECIPE)
    assert broken.error is not None
    assert (broken.status, broken.sha256, broken.error.message) == ("rejected", sha256, "second")
    assert store.readings_missing([sha256], RECIPE) == (sha256,)
    store.add_readings(RECIPE, [[page(sha256)]])
    assert [known.status for known in store.current_readings(RECIPE)] == [PageStatus.READ]


def test_a_run_is_counted(store: Store, tmp_path: Path) -> None:
    batch = store.begin_batch(RECIPE)
    names = {"a.jpg": b"one", "b.jpg": b"two", "c.jpg": b"one", "d.jpg": b"four", "e.jpg": b"five"}
    store.add_uploads(
        batch,
        [
            *(upload(store, tmp_path, name, content, TPS) for name, content in names.items()),
            Upload("f.jpg", UnreadableFile("f.jpg is gone").record()),
        ],
    )
    empty = page(digest(b"two")).model_copy(
        update={
            "status": PageStatus.REJECTED,
            "fields": {},
            "error": EmptyPhoto("b.jpg is empty").record(),
        }
    )
    store.add_readings(RECIPE, [[page(digest(b"one"))], [empty]])
    store.add_failures(batch, {digest(b"four"): EmptyPhoto("broke off").record()})
    assert store.count_pages(RECIPE, batch) == PageCounts(
        photos=6,
        pages_read=2,
        rejected={"empty": 2, "unreadable_file": 1},
        fields={
            FieldStatus.CLEAR: 2,
            FieldStatus.REVIEW: 0,
            FieldStatus.BLANK: 0,
            FieldStatus.NOT_IN_VIEW: 0,
        },
    )


def test_only_one_run(store: Store, tmp_path: Path) -> None:
    first, second = store.begin_batch(RECIPE), store.begin_batch(RECIPE)
    store.add_uploads(first, [upload(store, tmp_path, "a.jpg", b"one", TPS)])
    store.add_uploads(second, [upload(store, tmp_path, "b.jpg", b"two", TPS)])
    store.add_readings(RECIPE, [[page(digest(b"one"))], [page(digest(b"two"))]])
    assert [known.photo for known in store.current_readings(RECIPE, batch=second)] == ["b.jpg"]


# Entries


def test_a_reimport_is_no_revision(store: Store) -> None:
    first = entry(24, "2024-02-15T00:41:44")
    assert store.add_entries([first]) == ImportCount(new=1)
    assert store.add_entries([first]) == ImportCount(unchanged=1)
    later = entry(24, "2024-02-16T00:00:00")
    assert store.add_entries([later]) == ImportCount(unchanged=1)
    assert {known.entry.fields["suara_paslon_1"] for known in store.entry_revisions(TPS)} == {24}


def test_an_older_report_imported_late_never_passes_for_the_newest(store: Store) -> None:
    store.add_entries([entry(10, "2024-02-15T00:00:00")])
    store.add_entries([entry(10, "2024-02-20T00:00:00")])
    store.add_entries([entry(99, "2024-02-17T00:00:00")])
    (latest,) = store.latest_entries()
    assert latest.fields["suara_paslon_1"] == 10


def test_changed_and_changed_back_is_three_revisions(store: Store) -> None:
    history = [
        entry(24, "2024-02-15T00:00:00"),
        entry(824, "2024-02-16T00:00:00"),
        entry(24, "2024-02-17T00:00:00"),
    ]
    assert store.add_entries(history) == ImportCount(new=1, revised=2)
    assert store.add_entries(history) == ImportCount(unchanged=3)
    assert [known.revision for known in store.entry_revisions(TPS)] == [1, 2, 3]
    assert [known.entry for known in store.entry_revisions(TPS)] == history
    assert list(store.latest_entries()) == [history[-1]]


def test_an_old_file_imported_late_is_not_the_newest(store: Store) -> None:
    store.add_entries([entry(24, "2024-02-17T00:00:00")])
    assert store.add_entries([entry(824, "2024-02-15T00:00:00")]) == ImportCount(revised=1)
    assert [known.fields["suara_paslon_1"] for known in store.latest_entries()] == [24]


def test_two_values_of_one_time_are_imported_once(store: Store) -> None:
    both = [entry(24, "2024-02-17T00:00:00"), entry(25, "2024-02-17T00:00:00")]
    store.add_entries(both)
    assert store.add_entries(both) == ImportCount(unchanged=2)
    assert list(store.latest_entries()) == [both[-1]]


def test_null_is_not_zero(store: Store) -> None:
    store.add_entries([entry(None)])
    assert store.add_entries([entry(0)]) == ImportCount(revised=1)
    assert [known.entry.fields["suara_paslon_1"] for known in store.entry_revisions(TPS)] == [
        None,
        0,
    ]


def test_latest_entries_of_some_tps(store: Store) -> None:
    codes = [f"{number:013}" for number in range(1201)]
    assert store.add_entries(entry(1, tps=code) for code in codes) == ImportCount(new=1201)
    assert [known.tps for known in store.latest_entries()] == codes
    assert [known.tps for known in store.latest_entries([codes[7], codes[3], "9" * 13])] == [
        codes[3],
        codes[7],
    ]


def test_an_import_that_breaks_off_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[Entry]:
        for number in range(700):
            yield entry(1, tps=f"{number:013}")
        raise OSError("the file ended")

    with pytest.raises(OSError, match="the file ended"):
        store.add_entries(broken())
    assert list(store.latest_entries()) == []


# Conflicts


def conflict(kind: ConflictKind, priority: float, tps: str | None = TPS) -> Conflict:
    return Conflict(
        tps=tps,
        form="c-hasil-ppwp-2024",
        field="suara_paslon_1",
        kind=kind,
        entry=824,
        reading=24,
        priority=priority,
    )


def test_conflicts_of_the_last_finished_run_come_most_urgent_first(store: Store) -> None:
    mismatch = conflict(ConflictKind.VALUE_MISMATCH, 800.0)
    missing = conflict(ConflictKind.PAGE_MISSING, 900.0, OTHER_TPS)
    stranger = conflict(ConflictKind.UNREADABLE, 5.0, None)
    assert list(store.latest_conflicts()) == []
    first = store.begin_batch(RECIPE)
    store.save_conflicts(first, [mismatch, missing, stranger])
    assert list(store.latest_conflicts()) == []
    store.finish_batch(first, {"photos": 3})
    store.save_conflicts(store.begin_batch(RECIPE), [stranger])  # cut off: never finished
    assert list(store.latest_conflicts()) == [missing, mismatch, stranger]
    assert list(store.latest_conflicts(limit=1)) == [missing]
    assert list(store.latest_conflicts(kinds=[ConflictKind.VALUE_MISMATCH])) == [mismatch]
    assert list(store.latest_conflicts(region=OTHER_TPS)) == [missing]
    assert list(store.latest_conflicts(region="321601")) == [missing, mismatch]
    assert list(store.latest_conflicts(region="%")) == []
    assert list(store.latest_conflicts(field="suara_sah")) == []
    assert store.conflict_counts(first) == {
        "page_missing": 1,
        "unreadable": 1,
        "value_mismatch": 1,
    }
    latest = store.latest_batch()
    assert latest is not None
    assert (latest.id, latest.summary) == (first, {"photos": 3})


# Nothing is overwritten


@pytest.mark.parametrize(
    "table", ["photos", "uploads", "readings", "failures", "entries", "conflicts"]
)
@pytest.mark.parametrize("action", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_overwrite(
    store: Store, tmp_path: Path, database: Connection, table: str, action: str
) -> None:
    batch = store.begin_batch(RECIPE)
    store.add_uploads(batch, [upload(store, tmp_path, "a.jpg", b"one", TPS)])
    store.add_readings(RECIPE, [[page(digest(b"one"))]])
    store.add_failures(batch, {digest(b"one"): EmptyPhoto("broke off").record()})
    store.add_entries([entry(24)])
    store.save_conflicts(batch, [conflict(ConflictKind.VALUE_MISMATCH, 1.0)])
    column = "size_bytes" if table == "photos" else "id"
    before = database.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608
    assert len(before) == 1
    with pytest.raises(DBAPIError, match=f"{table} is append-only"):
        database.exec_driver_sql(action.format(table, column, column))
    assert database.exec_driver_sql(f"SELECT * FROM {table}").all() == before  # noqa: S608


def test_a_finished_run_stays_as_it_ended(store: Store, database: Connection) -> None:
    store.finish_batch(store.begin_batch(RECIPE), {"photos": 3})
    with pytest.raises(DBAPIError, match="a finished batch is not changed"):
        database.exec_driver_sql("UPDATE batches SET summary = NULL")
    with pytest.raises(DBAPIError, match="append-only"):
        database.exec_driver_sql("DELETE FROM batches")


# Opening


def test_home_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path / "there"))
    assert chasil_home() == tmp_path / "there"
    monkeypatch.delenv("CHASIL_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert chasil_home() == tmp_path / "data" / "chasil"


def test_what_was_stored_is_there_when_it_is_opened_again(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.open(tmp_path) as store:
        store.add_entries([entry(24)])
    with databases.open(tmp_path) as store:
        assert list(store.latest_entries()) == [entry(24)]


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file") as caught:
        Store.open(tmp_path / "file" / "home")
    assert "CHASIL_HOME" in caught.value.record().remedy


def test_a_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "chasil.sqlite").write_text("this is a letter, not a database\n" * 99)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(tmp_path)


def _import_entries(home: Path, url: str, first: int) -> None:
    with Store.open(home, url=url) as store:
        for number in range(first, first + 20):
            store.add_entries([entry(1, tps=f"{number:013}")])


def test_two_processes_open_and_write_at_once(databases: Databases, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_import_entries, args=(tmp_path, databases.url(tmp_path), first))
        for first in (0, 1000)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with databases.open(tmp_path) as store:
        assert len(list(store.latest_entries())) == 40


def test_times_come_back_in_utc(store: Store) -> None:
    before = datetime.now(UTC)
    store.add_entries([entry(24, "2024-02-15T00:41:44")])
    (revision,) = store.entry_revisions(TPS)
    assert before <= revision.imported_at <= datetime.now(UTC)
    assert revision.entry.reported_at == datetime.fromisoformat("2024-02-15T00:41:44")


def test_more_uploads_than_a_statement_has_places(store: Store) -> None:
    batch = store.begin_batch(RECIPE)
    hashes = [digest(str(number).encode()) for number in range(8000)]
    store.add_uploads(
        batch,
        [Upload(f"{sha256}.jpg", KeptPhoto(sha256, 1, Path()), TPS, "in") for sha256 in hashes],
    )
    store.add_readings(RECIPE, [[page(sha256)] for sha256 in hashes])
    assert store.count_pages(RECIPE, batch).pages_read == 8000
    assert store.duplicates() == ()
    assert store.readings_missing(hashes, RECIPE) == ()


def test_a_writer_that_never_ends_is_an_error_with_a_remedy(
    store: Store, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_MILLISECONDS", 50)
    store.close()  # the next connection waits that long
    if database.dialect.name == "sqlite":
        database.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        database.exec_driver_sql("BEGIN; LOCK TABLE batches")
    with pytest.raises(DatabaseBusy) as caught:
        store.begin_batch(RECIPE)
    assert caught.value.remedy
