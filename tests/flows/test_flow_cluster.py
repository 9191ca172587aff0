"""Reading on a real Dask cluster: a scheduler and two workers in processes of their own."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from fixtures import fake_reading
from fixtures.fake_reading import RECIPE, Fate, write_photo
from flows import cluster as reading
from flows.cluster import ClusterLost, DaskPool, OutOfReach, SentPhoto
from flows.pool import Engine, PhotoJob, start_reader
from flows.quiet_prefect import FlowRunContext
from models.records import ConflictKind, PageStatus
from models.store.shelf import FolderShelf
from models.store.store import Store

pytest.importorskip("prefect_dask", reason="an extra: pip install 'chasil[dask]'")
distributed = pytest.importorskip("distributed")

HOUSE = Path(__file__).parents[2]
TPS = "3216012001001"
PATIENCE = 300.0
"""Seconds to wait for what takes ten on an idle machine."""

T = TypeVar("T")
ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)

MAIN = """
import flows.batch
from fixtures import fake_reading
from flows.cli import main
from flows.pool import Engine

flows.batch.ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
main()
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


@dataclass
class Cluster:
    """A scheduler, and workers that can be killed."""

    stack: ExitStack
    folder: Path
    client: Any
    pids: dict[str, int] = field(default_factory=dict)
    """Of the workers that live, by address."""

    def add_workers(self, count: int) -> None:
        """Start workers with one thread each, and wait for them."""
        for _ in range(count):
            start(
                self.stack,
                *("dask_worker", self.client.scheduler.address, "--nthreads", "1", "--no-nanny"),
                *("--no-dashboard", "--local-directory", str(self.folder)),
            )
        self.client.wait_for_workers(len(self.pids) + count, timeout=PATIENCE)
        self.pids = self.client.run(os.getpid)

    def kill_a_worker_that_reads(self, run: subprocess.Popen[str]) -> None:
        """kill -9, while it has photos of a run in hand."""

        def at_work() -> list[str]:
            assert run.poll() is None, run.communicate()[1]
            hands = self.client.processing().items()
            return [
                worker
                for worker, keys in hands
                if worker in self.pids and any("read_photos" in key for key in keys)
            ]

        worker = until(at_work, "no worker reads")[0]
        os.kill(self.pids.pop(worker), signal.SIGKILL)


def until(found: Callable[[], T], what: str) -> T:
    """Wait for something, and give it."""
    ends = time.monotonic() + PATIENCE
    while not (it := found()):
        assert time.monotonic() < ends, what
        time.sleep(0.1)
    return it


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler with two workers."""
    file = tmp_path / "scheduler.json"
    with ExitStack() as stack:
        start(
            stack,
            *("dask_scheduler", "--scheduler-file", str(file), "--no-dashboard"),
            *("--host", "127.0.0.1", "--port", "0"),
        )
        until(lambda: file.exists() and file.stat().st_size, "no scheduler")
        client = stack.enter_context(distributed.Client(scheduler_file=str(file)))
        started = Cluster(stack, tmp_path / "dask", client)
        started.add_workers(2)
        yield started


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    """Of a run it gets the file's path, of `chasil reprocess` the shelf."""
    start_reader(ENGINE)
    kept = FolderShelf(tmp_path / "shelf").keep(write_photo(tmp_path / "a.jpg"))
    assert kept.path is not None
    for shelf in (FolderShelf(tmp_path / "shelf"), FolderShelf(tmp_path / "not here")):
        job = PhotoJob(kept.sha256, None, "a.jpg", shelf)
        seen = reading._read(SentPhoto(job, None))
        assert isinstance(seen, OutOfReach) == (shelf.place.endswith("not here"))
        pages = reading._read(SentPhoto(job, kept.path.read_bytes()))
        assert isinstance(pages, tuple)
        assert [page.sha256 for page in pages] == [kept.sha256]
    moved = PhotoJob(kept.sha256, tmp_path / "not here" / "a.jpg", "a.jpg")
    assert isinstance(reading._read(SentPhoto(moved, None)), OutOfReach)
    # Where folder and path are seen, a task holds no photo.
    seen_by_all = [SentPhoto(PhotoJob(kept.sha256, kept.path, "a.jpg"), None)] * 10
    assert len(pickle.dumps(seen_by_all)) < 1000


def test_one_pool_serves_several_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each has a Dask client of its own, as the looks of `chasil watch`."""
    job = PhotoJob("1" * 64, write_photo(tmp_path / "a.jpg"), "a.jpg")
    pool = DaskPool(ENGINE)
    with distributed.LocalCluster(1, processes=False, dashboard_address=None) as local:
        for _ in range(2):
            with distributed.Client(local, set_as_default=False) as client:
                run = SimpleNamespace(task_runner=SimpleNamespace(client=client))
                monkeypatch.setattr(FlowRunContext, "get", lambda run=run: run)
                assert pool.recipe() == RECIPE
                pool.submit([job])
                assert [one for one, _ in pool.collect([job])] == [job]


@pytest.fixture
def start_run(
    cluster: Cluster, tmp_path: Path, prefect_home: Callable[[Path], None]
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts a run on the cluster."""
    prefect_home(tmp_path / "home" / "prefect")
    write_photo(tmp_path / "photos" / f"{TPS}-a.jpg", fate=Fate.RAISES)
    for number in range(40):
        write_photo(tmp_path / "photos" / f"{TPS}-{number}.jpg", salt=str(number), seconds=0.1)
    (tmp_path / "main.py").write_text(MAIN)
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "CHASIL", "DO_NOT_TRACK"))
    }
    own = {
        "CHASIL_DASK": cluster.client.scheduler.address,
        "CHASIL_HOME": str(tmp_path / "home"),
        "DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": "3s",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(HOUSE),
    }
    with ExitStack() as stack:

        def started() -> subprocess.Popen[str]:
            run = subprocess.Popen(
                [
                    *(sys.executable, tmp_path / "main.py", "process", tmp_path / "photos"),
                    *("--batch-size", "15"),
                ],
                env=known | own,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(run)
            stack.callback(run.kill)
            return run

        yield started


@pytest.mark.slow
def test_workers_are_killed_while_they_read(
    cluster: Cluster, start_run: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    run = start_run()
    cluster.kill_a_worker_that_reads(run)
    cluster.kill_a_worker_that_reads(run)  # which the first one's photos were given to
    _, errors = run.communicate(timeout=PATIENCE)
    said = " ".join(errors.split())
    assert run.returncode == 1
    assert "the Dask cluster has had no worker for 3 s" in said
    assert f"What to do: {ClusterLost.remedy}" in said
    assert "Traceback" not in said

    cluster.add_workers(2)
    again = start_run()
    cluster.kill_a_worker_that_reads(again)
    _, errors = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, errors
    assert list(cluster.client.nthreads()) == list(cluster.pids), "one worker did the rest"
    with Store.open(tmp_path / "home") as store:
        pages = list(store.current_readings(RECIPE))
        assert len({page.sha256 for page in pages}) == len(pages) == 41
        assert sum(page.status is PageStatus.READ for page in pages) == 40
        batch = store.latest_batch()
        assert batch is not None
        assert batch.summary is not None
        assert batch.summary["photos"] == 41
        assert batch.summary["rejected"] == {"reading_failed": 1}
        assert next(store.latest_conflicts(kinds=[ConflictKind.UNREADABLE])).photo
