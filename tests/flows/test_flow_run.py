"""A run takes photos in, reads what is missing, compares, and can be cut off anywhere."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from fixtures import fake_reading
from fixtures.databases import Databases
from fixtures.fake_reading import Fate, write_photo
from flows import comparing
from flows.arrivals import Arrival, find_arrivals
from flows.kept import Expectation, Given
from flows.pool import Engine, ReadingPool
from flows.progress import LineReporter, reporter
from flows.run import Run, TakenBatch
from flows.summary import EntryCounts, Summary
from models.errors import EntriesFileError
from models.records import Cause, Conflict, ConflictKind, FieldStatus
from models.store.store import Store
from pipeline.entries.sirekap import ADMINISTRASI_FIELDS

ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)

DESA = "3216012001"
FIRST, SECOND, THIRD = (f"{DESA}{number:03}" for number in (1, 2, 3))

VOTES = {"suara_paslon_1": 24, "suara_paslon_2": 73, "suara_paslon_3": 74}
TOTALS = {"suara_sah": 171, "suara_tidak_sah": 0, "suara_total": 171}
VOTERS = {
    "pemilih_dpt_j": 200,
    "pemilih_dpt_l": 100,
    "pemilih_dpt_p": 100,
    "pengguna_dpt_j": 171,
    "pengguna_dpt_l": 71,
    "pengguna_dpt_p": 100,
    "pengguna_total_j": 171,
    "pengguna_total_l": 71,
    "pengguna_total_p": 100,
    "surat_suara_diterima": 204,
    "surat_suara_digunakan": 171,
    "surat_suara_tidak_digunakan": 33,
}
PAGES = {1: VOTERS, 2: VOTES, 3: TOTALS}


def photograph(folder: Path, tps: str, **changes: int | None) -> None:
    """All three pages of a TPS; ``changes`` are numbers that differ on the paper."""
    for page, numbers in PAGES.items():
        there = {name: value for name, value in changes.items() if name in numbers}
        write_photo(folder / f"{tps}-{page}.jpg", page, numbers | there, salt=tps)


def report(path: Path, **votes_by_tps: dict[str, int]) -> Path:
    """Entries that say what the paper says, apart from the votes given."""
    items = [
        {
            "kode": code.removeprefix("tps"),
            "chart": {
                f"10002{5 + place}": (VOTES | votes)[f"suara_paslon_{place + 1}"]
                for place in range(3)
            },
            "administrasi": {name: (VOTERS | TOTALS).get(name, 0) for name in ADMINISTRASI_FIELDS},
            "ts": "2024-02-15 00:41:44",
        }
        for code, votes in votes_by_tps.items()
    ]
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


@pytest.fixture
def store(databases: Databases, tmp_path: Path) -> Iterator[Store]:
    with databases.open(tmp_path / "home") as opened:
        yield opened


def process(
    store: Store,
    *photos: Path,
    entries: Path | None = None,
    expected: tuple[str, ...] = (),
    batch_size: int = 4,
    arrivals: tuple[Arrival, ...] | None = None,
    read: Callable[[Run, TakenBatch], object] = Run.read,
    everything: bool = False,
) -> Summary:
    with ReadingPool(ENGINE, 1) as pool:
        given = Given(Expectation((), frozenset(expected)) if expected else None)
        run = Run(store, pool, LineReporter(print), given=given)
        if entries:
            run.import_entries(entries)
        run.read_all(arrivals or find_arrivals(photos), batch_size, lambda taken: read(run, taken))
        run.compare(everything=everything)
        return run.finish()


def kinds(conflicts: Iterator[Conflict]) -> Counter[tuple[str | None, str, str | None]]:
    return Counter((one.tps, one.kind.value, one.field) for one in conflicts)


def test_from_photos_and_entries_to_conflicts(store: Store, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photograph(photos, FIRST)
    photograph(photos, SECOND, suara_tidak_sah=None)
    entries = report(
        tmp_path / "entries.json",
        **{f"tps{FIRST}": {"suara_paslon_1": 824}, f"tps{SECOND}": {}},
    )
    summary = process(store, photos, entries=entries)
    (mismatch,) = store.latest_conflicts(kinds=[ConflictKind.VALUE_MISMATCH])
    assert (mismatch.tps, mismatch.field) == (FIRST, "suara_paslon_1")
    assert (mismatch.entry, mismatch.reading, mismatch.votes) == (824, 24, 800)
    assert mismatch.cause is Cause.PADDING_READ_AS_8
    assert mismatch.photo == f"{FIRST}-2.jpg"
    assert kinds(store.latest_conflicts()) == {
        (FIRST, "value_mismatch", "suara_paslon_1"): 1,
        (FIRST, "rule_broken_in_entry", "suara_sah"): 1,
        (SECOND, "unreadable", "suara_tidak_sah"): 1,
    }
    assert summary.conflicts == {
        ConflictKind.VALUE_MISMATCH: 1,
        ConflictKind.RULE_BROKEN_IN_ENTRY: 1,
        ConflictKind.UNREADABLE: 1,
    }
    assert (summary.photos, summary.photos_known, summary.pages_read) == (6, 0, 6)
    assert summary.entries == EntryCounts(new=2, revised=0, unchanged=0)
    assert summary.fields[FieldStatus.REVIEW] == 1
    assert sum(summary.fields.values()) == 2 * 28
    latest = store.latest_batch()
    assert latest is not None
    assert latest.summary == summary.model_dump(mode="json")


def test_a_second_run_reads_nothing_again(store: Store, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", FIRST)
    process(store, tmp_path / "photos")
    photograph(tmp_path / "photos", SECOND)
    asked: list[str] = []

    def watch(run: Run, taken: TakenBatch) -> None:
        asked.extend(job.name for job in taken.jobs)
        run.read(taken)

    summary = process(store, tmp_path / "photos", read=watch)
    assert asked == [f"{SECOND}-{page}.jpg" for page in (1, 2, 3)]
    assert (summary.photos, summary.photos_known, summary.pages_read_now) == (6, 3, 3)


def test_a_run_cut_off_between_batches_goes_on_where_it_was(store: Store, tmp_path: Path) -> None:
    for number in range(1, 5):
        photograph(tmp_path / "photos", f"{DESA}{number:03}")

    def third_batch_is_cut_off(run: Run, taken: TakenBatch) -> None:
        if taken.number == 3:
            raise KeyboardInterrupt
        run.read(taken)

    with pytest.raises(KeyboardInterrupt):
        process(store, tmp_path / "photos", read=third_batch_is_cut_off)
    assert store.latest_batch() is None
    summary = process(store, tmp_path / "photos")
    assert (summary.photos, summary.pages_read, summary.pages_read_now) == (12, 12, 4)


class StopAfter(LineReporter):
    """The user stops the run when so many photos are done."""

    def __init__(self, photos: int) -> None:
        super().__init__(print)
        self._left = photos

    def advance(self, photos: int = 1) -> None:
        self._left -= photos
        if self._left == 0:
            raise KeyboardInterrupt


def test_a_run_cut_off_within_a_batch_keeps_what_was_read(store: Store, tmp_path: Path) -> None:
    for number in range(1, 5):
        photograph(tmp_path / "photos", f"{DESA}{number:03}")
    with ReadingPool(ENGINE, 1) as pool:
        run = Run(store, pool, StopAfter(5))
        with pytest.raises(KeyboardInterrupt):
            run.read_all(find_arrivals([tmp_path / "photos"]), 100, run.read)
    assert process(store, tmp_path / "photos").pages_read_now == 7


def test_a_copy_is_read_once_and_found_twice(store: Store, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photograph(photos, FIRST)
    photograph(photos, SECOND)
    copy = (photos / f"{FIRST}-2.jpg").read_bytes()
    (photos / f"{SECOND}-2.jpg").write_bytes(copy)
    (photos / f"{THIRD}-2.jpg").write_bytes(copy)
    summary = process(store, photos, batch_size=2)
    assert (summary.photos, summary.photos_known, summary.pages_read_now) == (7, 2, 5)
    found = kinds(store.latest_conflicts(kinds=[ConflictKind.DUPLICATE_PHOTO]))
    assert found == {(tps, "duplicate_photo", None): 1 for tps in (FIRST, SECOND, THIRD)}


def test_the_same_folder_moved_is_no_copy(store: Store, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", FIRST)
    process(store, tmp_path / "photos")
    moved = (tmp_path / "photos").rename(tmp_path / "elsewhere")
    (tmp_path / "new").mkdir()
    moved = moved.rename(tmp_path / "new" / "photos")
    process(store, moved)
    assert list(store.latest_conflicts()) == []


def test_a_photo_that_kills_its_worker_is_told_and_tried_again(
    store: Store, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photograph(photos, FIRST)
    write_photo(photos / f"{SECOND}-1.jpg", fate=Fate.DIES)
    write_photo(photos / f"{SECOND}-2.jpg", fate=Fate.GIVES_NOTHING)
    for _ in range(2):
        summary = process(store, photos)
        assert summary.rejected == {"reading_failed": 2}
        assert summary.pages_read == 3
    assert summary.photos_known == 3
    broken = {
        (one.tps, one.photo) for one in store.latest_conflicts(kinds=[ConflictKind.UNREADABLE])
    }
    assert broken == {(SECOND, f"{SECOND}-1.jpg"), (SECOND, f"{SECOND}-2.jpg")}


def test_a_file_that_vanishes_is_a_finding(store: Store, tmp_path: Path) -> None:
    gone = Arrival(tmp_path / f"{FIRST}.jpg", "photos", f"{FIRST}.jpg", FIRST)
    summary = process(store, arrivals=(gone,))
    assert summary.rejected == {"unreadable_file": 1}
    assert (FIRST, "unreadable", None) in kinds(store.latest_conflicts())


def test_a_tps_that_must_have_photos(store: Store, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", FIRST)
    entries = report(tmp_path / "entries.json", **{f"tps{FIRST}": {}, f"tps{SECOND}": {}})
    process(store, tmp_path / "photos", entries=entries, expected=(FIRST, SECOND, THIRD))
    assert kinds(store.latest_conflicts()) == {
        (SECOND, "page_missing", None): 1,
        (THIRD, "page_missing", None): 1,
    }


def test_comparing_in_parts_finds_what_comparing_at_once_finds(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    for number in range(1, 7):
        photograph(photos, f"{DESA}{number:03}", suara_paslon_1=number)
    (photos / f"{DESA}001-2.jpg").unlink()
    (photos / f"{DESA}006-2.jpg").write_bytes((photos / f"{DESA}002-2.jpg").read_bytes())
    for name in ("a.jpg", "b.jpg"):
        write_photo(photos / name, salt="same")
    write_photo(photos / "c.jpg", fate=Fate.REJECTED)
    reported = {f"tps{DESA}{number:03}": {"suara_paslon_1": 7} for number in range(3, 9)}
    entries = report(tmp_path / "entries.json", **reported)
    process(store, photos, entries=entries, expected=(f"{DESA}008", f"{DESA}009"))
    at_once = list(store.latest_conflicts())
    assert {one.kind for one in at_once} >= {
        ConflictKind.VALUE_MISMATCH,
        ConflictKind.PAGE_MISSING,
        ConflictKind.DUPLICATE_PHOTO,
        ConflictKind.UNREADABLE,
        ConflictKind.ENTRY_MISSING,
        ConflictKind.RULE_BROKEN_ON_PAPER,
        ConflictKind.RULE_BROKEN_IN_ENTRY,
    }
    monkeypatch.setattr(comparing, "TPS_AT_ONCE", 1)
    expected = (f"{DESA}008", f"{DESA}009")
    process(store, photos, entries=entries, expected=expected, everything=True)
    in_parts = list(store.latest_conflicts())

    def sortable(conflict: Conflict) -> str:
        return conflict.model_dump_json()

    assert sorted(in_parts, key=sortable) == sorted(at_once, key=sortable)


def test_without_entries_the_paper_is_checked_alone(store: Store, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", FIRST, suara_sah=170)
    summary = process(store, tmp_path / "photos")
    assert summary.entries is None
    assert {one.kind for one in store.latest_conflicts()} == {ConflictKind.RULE_BROKEN_ON_PAPER}


def test_one_broken_entry_does_not_stop_the_others(store: Store, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", FIRST)
    path = report(tmp_path / "entries.json", **{f"tps{FIRST}": {}})
    items = json.loads(path.read_text())
    path.write_text(json.dumps([*items, {"kode": "1", "chart": None}]))
    assert process(store, tmp_path / "photos", entries=path).entries == EntryCounts(
        new=1, revised=0, unchanged=0, unusable=1
    )


def test_entries_that_are_all_broken_stop_the_run(store: Store, tmp_path: Path) -> None:
    photograph(tmp_path / "photos", FIRST)
    path = tmp_path / "entries.json"
    path.write_text("{}")
    with pytest.raises(EntriesFileError):
        process(store, tmp_path / "photos", entries=path)


# Arrivals


def test_where_the_tps_comes_from(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    for name in (f"{FIRST}-a.jpg", f"{SECOND}/b.jpg", "sub/c.jpg", "d.jpg", ".hidden.jpg"):
        write_photo(root / name)
    arrivals = find_arrivals([root, root / "d.jpg"], {"sub/c.jpg": THIRD})
    assert [(one.folder, one.name, one.tps) for one in arrivals] == [
        ("photos", f"{FIRST}-a.jpg", FIRST),
        ("photos", f"{SECOND}/b.jpg", SECOND),
        ("photos", "d.jpg", None),
        ("photos", "sub/c.jpg", THIRD),
    ]


# Progress


def test_lines_tell_count_rate_and_time_left() -> None:
    lines: list[str] = []
    now = [0.0]
    teller = LineReporter(lines.append, clock=lambda: now[0])
    teller.begin(25_000)
    now[0] = 40.0
    teller.advance(0)  # a batch of which all is new, on a busy machine
    now[0] = 0.0
    for seconds in (5.0, 150.0, 155.0):
        now[0] = seconds
        teller.advance(400)
    assert lines == [
        "25,000 photos",
        "800 of 25,000 photos, 5.3 a second, about 76 min left",
    ]


def test_a_terminal_gets_a_bar() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with reporter(console) as bar:
        bar.say("importing entries")
        bar.begin(1200)
        bar.advance(300)
    assert "300/1200" in out.getvalue()
    assert isinstance(reporter(Console(file=io.StringIO())), LineReporter)
