"""The disk that holds the store is full, for real: a small file system in memory."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_bench import TPS, Bench, said, stops_of

from fixtures.fake_reading import write_photo

SIZE_KIB = 3 * 1024
LARGE_BYTES = 400 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for little; only root can mount one."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KIB}k", "tmpfs", folder], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not allow to mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def on_small_disk(bench: Bench, disk: Path) -> None:
    """Move the store to the small disk."""
    shutil.copytree(bench.home, disk / "home")
    bench.home = disk / "home"


def leave(disk: Path, left: int) -> Path:
    """Fill the disk up to so many bytes; returns the file that does it."""
    filler = disk / "filler"
    space = os.statvfs(disk)
    filler.write_bytes(b"\0" * (space.f_bavail * space.f_frsize - left))
    return filler


def run_until_full(bench: Bench) -> str:
    """What a run says that finds no room."""
    run = bench.start()
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 1, errors
    return said(errors)


def test_no_room_for_the_copy_of_a_photo(tmp_path: Path, small_disk: Path) -> None:
    bench = Bench(tmp_path / "bench")
    for tps in TPS[4:]:
        path = write_photo(bench.photos / f"{tps}-9.jpg", 2, salt=f"{tps}{'x' * LARGE_BYTES}")
        assert path.stat().st_size > LARGE_BYTES
    on_small_disk(bench, small_disk)
    filler = leave(small_disk, LARGE_BYTES * 2)
    shown = run_until_full(bench)
    assert "No space left on device" in shown
    assert "What to do: Make room" in shown
    assert not list((bench.home / "photos").glob(".arriving-*"))
    filler.unlink()
    for path in bench.photos.glob("*-9.jpg"):
        path.unlink()
    bench.check_whole()


def test_no_room_for_the_database(tmp_path: Path, small_disk: Path) -> None:
    bench = Bench(tmp_path / "bench")
    on_small_disk(bench, small_disk)
    filler = leave(small_disk, 100 * 1024)
    shown = run_until_full(bench)
    assert "database or disk is full" in shown
    assert "What to do: Make room" in shown
    filler.unlink()
    bench.check_whole()


def test_the_disk_fills_while_the_run_compares(tmp_path: Path, small_disk: Path) -> None:
    bench = Bench(tmp_path / "bench")
    on_small_disk(bench, small_disk)
    stops = tmp_path / "stops"
    stops.mkdir()
    run = bench.start(FAKE_PAUSES=str(stops))
    for stop in stops_of(run, stops):
        if stop.name == "history":  # its conflicts are written, its end is not
            filler = leave(small_disk, 0)
        stop.unlink()
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 1, errors
    shown = said(errors)
    assert "database or disk is full" in shown
    assert "What to do: Make room" in shown
    filler.unlink()
    assert bench.check_whole().pages_read_now == 0
