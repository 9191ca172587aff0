"""Reading on a real Dask cluster: a scheduler and two workers in processes of their own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures import fake_reading
from fixtures.fake_reading import Fate, write_photo
from flows import cluster
from flows.cluster import OutOfReach, SentPhoto
from flows.pool import Engine, PhotoJob, start_reader
from models.records import ConflictKind
from models.store.shelf import FolderShelf
from models.store.store import Store

pytest.importorskip("prefect_dask", reason="an extra: pip install 'chasil[dask]'")

HOUSE = Path(__file__).parents[2]
TPS = "3216012001001"
ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)

MAIN = """
import sys
from pathlib import Path
import flows.batch
from fixtures import fake_reading
from flows.pool import Engine

flows.batch.ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
summary = flows.batch.run_process([Path(sys.argv[1])], batch_size=15)
print(summary.model_dump_json())
"""


def start(stack: ExitStack, *arguments: str) -> subprocess.Popen[str]:
    """Start a part of the cluster; it ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)
    return process


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Address of a scheduler with two workers."""
    file = tmp_path / "scheduler.json"
    with ExitStack() as stack:
        start(
            stack,
            *("dask_scheduler", "--scheduler-file", str(file), "--no-dashboard"),
            *("--host", "127.0.0.1", "--port", "0"),
        )
        for _ in range(2):
            start(
                stack,
                *("dask_worker", "--scheduler-file", str(file), "--nthreads", "1"),
                *("--no-dashboard", "--local-directory", str(tmp_path / "dask")),
            )
        ends = time.monotonic() + 120
        while not (file.exists() and file.stat().st_size):
            assert time.monotonic() < ends, "the scheduler does not start"
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    """Of a run it gets the file's path, of `chasil reprocess` the shelf."""
    start_reader(ENGINE)
    kept = FolderShelf(tmp_path / "shelf").keep(write_photo(tmp_path / "a.jpg"))
    assert kept.path is not None
    for shelf in (FolderShelf(tmp_path / "shelf"), FolderShelf(tmp_path / "not here")):
        job = PhotoJob(kept.sha256, None, "a.jpg", shelf)
        seen = cluster._read(SentPhoto(job, None))
        assert isinstance(seen, OutOfReach) == (shelf.place.endswith("not here"))
        pages = cluster._read(SentPhoto(job, kept.path.read_bytes()))
        assert isinstance(pages, tuple)
        assert [page.sha256 for page in pages] == [kept.sha256]
    moved = PhotoJob(kept.sha256, tmp_path / "not here" / "a.jpg", "a.jpg")
    assert isinstance(cluster._read(SentPhoto(moved, None)), OutOfReach)
    # Where folder and path are seen, a task holds no photo.
    seen_by_all = [SentPhoto(PhotoJob(kept.sha256, kept.path, "a.jpg"), None)] * 10
    assert len(pickle.dumps(seen_by_all)) < 1000


@pytest.mark.slow
def test_photos_are_read_on_the_cluster_and_written_by_the_flow(
    scheduler: str, tmp_path: Path, prefect_home: Callable[[Path], None]
) -> None:
    prefect_home(tmp_path / "home" / "prefect")
    for number in range(40):
        write_photo(tmp_path / "photos" / f"{TPS}-{number}.jpg", salt=str(number))
    write_photo(tmp_path / "photos" / f"{TPS}-a.jpg", fate=Fate.RAISES)
    (tmp_path / "main.py").write_text(MAIN)
    home = tmp_path / "home"
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "CHASIL", "DO_NOT_TRACK"))
    }
    own = {
        "CHASIL_HOME": str(home),
        "HOME": str(tmp_path),
        "CHASIL_DASK": scheduler,
        "PYTHONPATH": str(HOUSE),
    }
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py"), str(tmp_path / "photos")],
        env=known | own,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["photos"], summary["pages_read"]) == (41, 40)
    assert summary["rejected"] == {"reading_failed": 1}
    with Store.open(home) as store:
        assert next(store.latest_conflicts(kinds=[ConflictKind.UNREADABLE])).photo
