"""A look takes what is whole, once, whatever happened to the watcher before."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import fake_reading
from fixtures.fake_reading import write_photo
from flows import watching
from flows.arrivals import Arrival
from flows.pool import Engine, ReadingPool
from flows.progress import LineReporter
from flows.run import Run
from flows.watching import FolderAway, flawed_name, look, new_entries
from models.store.known_files import KnownFiles
from models.store.store import Store

ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
TPS = "3216012001001"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def known(tmp_path: Path) -> Iterator[KnownFiles]:
    with KnownFiles.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "masuk").mkdir()
    return tmp_path / "masuk"


@pytest.fixture(autouse=True)
def looks_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LEAST_SECONDS_APART", 0.0)


def names(arrivals: tuple[Arrival, ...]) -> list[str]:
    return [one.name for one in arrivals]


def take(store: Store, known: KnownFiles, arrivals: tuple[Arrival, ...]) -> int:
    """Do what the flow does with what was found; returns how many pages were read."""
    with ReadingPool(ENGINE, 1) as pool:
        run = Run(store, pool, LineReporter(print), known)
        run.read_all(arrivals, 10, run.read)
        run.compare()
        return run.finish().pages_read_now


def put(path: Path, salt: str = "") -> None:
    """Write so that only two looks can tell that it is whole."""
    write_photo(path, salt=salt)


def test_a_file_is_taken_at_the_second_look_and_never_again(
    store: Store, known: KnownFiles, folder: Path
) -> None:
    put(folder / f"{TPS}-1.jpg")
    first = look(folder, store, known, None)
    assert (first.ready, first.waiting) == ((), 1)
    second = look(folder, store, known, None)
    assert names(second.ready) == [f"{TPS}-1.jpg"]
    assert second.ready[0].tps == TPS
    assert take(store, known, second.ready) == 1
    for _ in range(2):
        again = look(folder, store, known, None)
        assert (again.ready, again.waiting, again.gone) == ((), 0, ())


def test_a_file_that_grows_waits(store: Store, known: KnownFiles, folder: Path) -> None:
    with (folder / f"{TPS}-1.jpg").open("w") as slow:
        for _ in range(3):
            slow.write("some")
            slow.flush()
            assert look(folder, store, known, None).waiting == 1
            time.sleep(0.02)  # the file system's clock ticks every few ms
    assert len(look(folder, store, known, None).ready) == 1


def test_a_file_that_is_moved_into_place_is_taken_at_once(
    store: Store, known: KnownFiles, folder: Path, tmp_path: Path
) -> None:
    put(tmp_path / "elsewhere.jpg")
    time.sleep(0.02)
    (tmp_path / "elsewhere.jpg").rename(folder / f"{TPS}-1.jpg")
    put(folder / f"{TPS}-2.jpg.part", salt="2")
    assert names(look(folder, store, known, None).ready) == [f"{TPS}-1.jpg"]
    (folder / f"{TPS}-2.jpg.part").rename(folder / f"{TPS}-2.jpg")
    assert names(look(folder, store, known, None).ready) == [f"{TPS}-1.jpg", f"{TPS}-2.jpg"]


@pytest.mark.parametrize("name", [".a.jpg.Xy12", "a.jpg.part", "a.jpg~", "a.JPG.TMP", ".d/a.jpg"])
def test_temporary_and_hidden_names_are_passed_over(
    store: Store, known: KnownFiles, folder: Path, name: str
) -> None:
    put(folder / name)
    for _ in range(3):
        found = look(folder, store, known, None)
        assert (found.ready, found.waiting) == ((), 0)


def test_a_replaced_file_is_news_and_a_touched_one_is_not(
    store: Store, known: KnownFiles, folder: Path
) -> None:
    photo = folder / f"{TPS}-1.jpg"
    put(photo)
    look(folder, store, known, None)
    take(store, known, look(folder, store, known, None).ready)
    os.utime(photo)
    for _ in range(3):
        assert look(folder, store, known, None).ready == ()
    put(photo, salt="another")
    look(folder, store, known, None)
    found = look(folder, store, known, None)
    assert (names(found.ready), found.replaced) == ([photo.name], (photo.name,))
    assert take(store, known, found.ready) == 1
    assert look(folder, store, known, None).ready == ()


def test_a_row_of_the_manifest_that_comes_later_counts(
    store: Store, known: KnownFiles, folder: Path
) -> None:
    other, third = "3216012001002", "3216012001003"
    put(folder / f"{TPS}-1.jpg")
    put(folder / "scan.jpg", salt="no name")
    look(folder, store, known, None)
    take(store, known, look(folder, store, known, None).ready)
    rows = {f"{TPS}-1.jpg": TPS, "scan.jpg": other}
    found = look(folder, store, known, rows)
    assert (names(found.ready), found.filed) == (["scan.jpg"], ("scan.jpg",))
    assert take(store, known, found.ready) == 0  # filed anew, not read again
    assert store.tps_with_photo() == {TPS, other}
    assert look(folder, store, known, rows).ready == ()
    assert look(folder, store, known, None).ready == ()  # a row that is gone changes nothing
    corrected = look(folder, store, known, {"scan.jpg": third})
    assert [one.tps for one in corrected.ready] == [third]


def test_removed_files_are_told_once_and_their_photos_stay(
    store: Store, known: KnownFiles, folder: Path
) -> None:
    put(folder / f"{TPS}-1.jpg")
    look(folder, store, known, None)
    take(store, known, look(folder, store, known, None).ready)
    (folder / f"{TPS}-1.jpg").unlink()
    assert look(folder, store, known, None).gone == (f"{TPS}-1.jpg",)
    assert look(folder, store, known, None).gone == ()
    assert len(store.uploads_of("masuk")) == 1


def test_a_watcher_that_was_killed_loses_and_doubles_nothing(
    store: Store, known: KnownFiles, folder: Path
) -> None:
    for number in range(4):
        put(folder / f"{TPS}-{number}.jpg", salt=str(number))
    look(folder, store, known, None)
    ready = look(folder, store, known, None).ready
    with ReadingPool(ENGINE, 1) as pool:  # killed after it had taken four in and read none
        Run(store, pool, LineReporter(print), known).take_in(1, ready)
    found = look(folder, store, known, None)
    assert names(found.ready) == names(ready)
    assert take(store, known, found.ready) == 4
    assert look(folder, store, known, None).ready == ()
    assert store.duplicates() == ()


def test_without_its_memory_nothing_is_read_twice(
    store: Store, known: KnownFiles, folder: Path, tmp_path: Path
) -> None:
    put(folder / f"{TPS}-1.jpg")
    look(folder, store, known, None)
    take(store, known, look(folder, store, known, None).ready)
    with KnownFiles.open(tmp_path / "anew") as empty:
        for _ in range(3):
            assert look(folder, store, empty, None).ready == ()


def test_a_share_that_is_gone_is_no_news_of_its_files(
    store: Store, known: KnownFiles, folder: Path
) -> None:
    for number in range(watching.MANY_GONE):
        put(folder / f"{TPS}-{number}.jpg", salt=str(number))
    look(folder, store, known, None)
    for photo in folder.iterdir():
        photo.rename(folder.parent / photo.name)
    with pytest.raises(FolderAway) as caught:
        look(folder, store, known, None)
    assert "mounted" in caught.value.remedy
    folder.rmdir()
    with pytest.raises(FolderAway):
        look(folder, store, known, None)


def test_entries_are_imported_when_they_are_whole_and_when_they_change(
    known: KnownFiles, tmp_path: Path
) -> None:
    sirekap = tmp_path / "sirekap"
    sirekap.mkdir()
    for name in ("3216012001001.json", "notes.txt", "a.csv.part"):
        (sirekap / name).write_text("{}")
    assert new_entries(sirekap, known, "store") == ((), 1)
    ((path, stamp),), waiting = new_entries(sirekap, known, "store")
    assert (path.name, waiting) == ("3216012001001.json", 0)
    known.note_imported("store", path, stamp)
    assert new_entries(sirekap, known, "store") == ((), 0)
    assert len(new_entries(sirekap, known, "another store")[0]) == 1
    path.write_text("{ }")
    assert new_entries(sirekap, known, "store") == ((), 1)
    assert len(new_entries(sirekap, known, "store")[0]) == 1


def test_entries_that_could_not_be_used_wait_for_a_change(
    known: KnownFiles, tmp_path: Path
) -> None:
    def names_of_new(circumstances: str) -> list[str]:
        found, _ = new_entries(tmp_path, known, "store", circumstances=circumstances)
        return [path.name for path, _ in found]

    (tmp_path / "a.json").write_text("{")
    names_of_new("as it is")
    ((path, stamp),), _ = new_entries(tmp_path, known, "store", circumstances="as it is")
    known.note_imported(flawed_name("store", "as it is"), path, stamp)
    assert names_of_new("as it is") == []
    assert names_of_new("another election was named") == ["a.json"]
    (tmp_path / "a.json").write_text("[]")  # somebody repairs it
    names_of_new("as it is")
    assert names_of_new("as it is") == ["a.json"]
