"""A file is hashed again exactly when it may have changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from flows.arrivals import find_arrivals, take_in
from models.store.known_files import FileMemoryError, KnownFiles, stamp_of
from models.store.shelf import FolderShelf, KeptPhoto, PhotoShelf


def hashes(folder: Path, shelf: PhotoShelf, known: KnownFiles) -> dict[str, str]:
    return {
        upload.name: upload.photo.sha256
        for upload in take_in(find_arrivals([folder]), shelf, known)
        if isinstance(upload.photo, KeptPhoto)
    }


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose bytes were asked for."""
    names: list[str] = []
    keep = FolderShelf.keep

    def watched(self: FolderShelf, path: Path) -> KeptPhoto:
        names.append(path.name)
        return keep(self, path)

    monkeypatch.setattr(FolderShelf, "keep", watched)
    return names


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the one who hashes is ahead: all files have settled."""
    real = time.time
    monkeypatch.setattr("flows.arrivals.time.time", lambda: real() + 10)


@pytest.mark.usefixtures("later")
def test_what_is_unchanged_is_not_opened(tmp_path: Path, opened: list[str]) -> None:
    photos, shelf = tmp_path / "photos", FolderShelf(tmp_path / "shelf")
    photos.mkdir()
    for name in "abc":
        (photos / name).write_text(name)
    with KnownFiles.open(tmp_path) as known:
        first = hashes(photos, shelf, known)
        opened.clear()
        assert hashes(photos, shelf, known) == first
        assert opened == []
        (photos / "b").write_text("B")  # as long as before
        again = hashes(photos, shelf, known)
    assert opened == ["b"]
    assert again["b"] != first["b"]
    assert (again["a"], again["c"]) == (first["a"], first["c"])


@pytest.mark.usefixtures("later")
def test_a_write_that_is_backdated_is_seen(tmp_path: Path, opened: list[str]) -> None:
    photos, shelf = tmp_path / "photos", FolderShelf(tmp_path / "shelf")
    photos.mkdir()
    (photos / "a").write_text("one")
    stamp = (photos / "a").stat()
    with KnownFiles.open(tmp_path) as known:
        first = hashes(photos, shelf, known)
        (photos / "a").write_text("two")
        os.utime(photos / "a", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert hashes(photos, shelf, known) != first
    assert opened == ["a", "a"]


def test_what_was_just_written_is_not_remembered(tmp_path: Path, opened: list[str]) -> None:
    photos, shelf = tmp_path / "photos", FolderShelf(tmp_path / "shelf")
    photos.mkdir()
    (photos / "a").write_text("one")
    with KnownFiles.open(tmp_path) as known:
        hashes(photos, shelf, known)
        hashes(photos, shelf, known)
    assert opened == ["a", "a"]


@pytest.mark.usefixtures("later")
def test_a_copy_that_is_lost_is_made_again(tmp_path: Path) -> None:
    photos, shelf = tmp_path / "photos", FolderShelf(tmp_path / "shelf")
    photos.mkdir()
    (photos / "a").write_text("one")
    with KnownFiles.open(tmp_path) as known:
        (sha256,) = hashes(photos, shelf, known).values()
        kept = shelf.find(sha256)
        assert kept is not None
        kept.unlink()
        hashes(photos, shelf, known)
    assert shelf.find(sha256) is not None


def test_what_is_remembered_outlives_the_process(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    stamp = stamp_of(tmp_path / "a")
    assert stamp is not None
    with KnownFiles.open(tmp_path) as known:
        known.remember([(tmp_path / "a", stamp, "ab")], hashed_at=time.time() + 10)
    with KnownFiles.open(tmp_path) as known:
        assert known.hashes({tmp_path / "a": stamp}) == {tmp_path / "a": "ab"}


def test_folders_and_missing_files_have_no_stamp(tmp_path: Path) -> None:
    assert stamp_of(tmp_path) is None
    assert stamp_of(tmp_path / "gone") is None


def test_a_broken_memory_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "files.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(FileMemoryError) as caught:
        KnownFiles.open(tmp_path)
    assert "files.sqlite" in caught.value.message
    assert "delete that file" in caught.value.remedy
