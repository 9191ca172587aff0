"""Reads photos on a Dask cluster, where the user has one: set ``CHASIL_DASK`` to its address.

``CHASIL_DASK=tcp://10.0.0.5:8786`` names a scheduler, ``CHASIL_DASK=local`` starts a cluster on
this machine for the time of the run. A task is a pure function: some photos in, their readings
out; the workers keep their reader in memory. Everything is written to the store by the flow, which
alone needs the database, and Prefect: the tasks go through the Dask client of the flow's task
runner (``prefect-dask``) and are no Prefect tasks themselves. As such, each worker would need
Prefect's server, or start one of its own, which stayed for ever when the worker was killed.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from flows.pool import Engine, Outcome, PhotoJob, default_workers, read_job, start_reader
from models.errors import ChasilError, ReadingFailed
from models.store.shelf import FolderShelf

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner

DASK_VARIABLE = "CHASIL_DASK"
LOCAL = "local"

PHOTOS_A_TASK = 10
"""A task run costs some 30 ms, ten photos take seconds to read."""

SECONDS_WITHOUT_WORKERS = 300.0
"""How long a cluster may be without workers, unless Dask's own setting
``distributed.scheduler.no-workers-timeout`` says otherwise: some start them only on demand."""

SECONDS_BETWEEN_LOOKS = 5.0


class DaskMissing(ChasilError):
    """``CHASIL_DASK`` is set, but ``prefect-dask`` is not installed."""

    code = "dask_missing"
    remedy = "Install it: `pip install 'chasil[dask]'`. Or unset CHASIL_DASK."


class ClusterLost(ChasilError):
    """The Dask cluster does not read."""

    code = "dask"
    remedy = (
        "See that the scheduler at CHASIL_DASK and its workers run, with the same chasil as here, "
        "and give the same command again: it goes on from here."
    )


def dask_address() -> str | None:
    """The cluster to read on, or ``None`` for this machine's own processes."""
    return os.environ.get(DASK_VARIABLE) or None


def chosen_task_runner() -> TaskRunner[Any] | None:
    """Prefect's task runner for the cluster, or ``None`` for Prefect's default.

    Raises:
        DaskMissing: the extra is not installed.

    """
    address = dask_address()
    if address is None:
        return None
    try:
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise DaskMissing(f"{DASK_VARIABLE} is {address}, but {error}") from error
    if address == LOCAL:
        return DaskTaskRunner(
            cluster_kwargs={
                "n_workers": default_workers(),
                "threads_per_worker": 1,
                "dashboard_address": None,
            }
        )
    return DaskTaskRunner(address=address)


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo for a worker."""

    job: PhotoJob
    content: bytes | None
    """Its bytes, where the worker does not see the folder they lie in."""


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """The worker does not see the photo's file."""

    sha256: str


def read_photos(engine: Engine, photos: Sequence[SentPhoto]) -> list[Outcome | OutOfReach]:
    """Read photos on a worker, one after another; pure: nothing is stored."""
    start_reader(engine)
    return [_read(photo) for photo in photos]


def read_recipe(engine: Engine) -> str:
    """The recipe that a worker reads by."""
    return start_reader(engine).recipe


def read_recipe_parts(engine: Engine) -> dict[str, str]:
    """What that recipe is made of; nothing for a reader that does not say."""
    return dict(getattr(start_reader(engine), "recipe_parts", {}))


def _read(photo: SentPhoto) -> Outcome | OutOfReach:
    job = photo.job
    if photo.content is None:
        return read_job(job) if _is_in_reach(job) else OutOfReach(job.sha256)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (job.path.name if job.path else job.sha256)
        path.write_bytes(photo.content)
        return read_job(PhotoJob(job.sha256, path, job.name))


def _is_in_reach(job: PhotoJob) -> bool:
    """Whether this machine can have the photo's bytes."""
    if isinstance(job.shelf, FolderShelf) or job.path is not None:
        return _file_here(job) is not None
    return True  # the shelf is a service that every machine can ask


def _file_here(job: PhotoJob) -> Path | None:
    """The photo's file in a folder that this machine sees."""
    if job.path is not None:
        return job.path if job.path.is_file() else None
    return job.shelf.find(job.sha256) if isinstance(job.shelf, FolderShelf) else None


class DaskPool:
    """The cluster as a ``flows.pool.Pool``; use it inside a flow whose task runner is Dask's.

    Files are named to the workers; the first worker that does not see them makes the pool send
    bytes. What a dead worker had in hand the scheduler gives to the others. A task whose workers
    died again and again (``distributed.scheduler.allowed-failures``) is read photo by photo.
    """

    def __init__(self, engine: Engine) -> None:
        """Take the functions that read; the cluster is not asked yet."""
        self.workers = default_workers()
        self._engine = engine
        self._send_bytes = False
        self._running: deque[tuple[Any, list[PhotoJob]]] = deque()
        self._done: dict[str, Outcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for future, _jobs in self._running:
            future.cancel()

    def recipe(self) -> str:
        """The recipe the workers read by.

        Raises:
            ClusterLost: the scheduler does not answer, or there was no worker for too long.
            ChasilError: a worker can't load its reader.

        """
        return str(self._result(self._submit(read_recipe)))

    def recipe_parts(self) -> dict[str, str]:
        """What the recipe is made of; asks a worker, as ``recipe``."""
        return dict(self._result(self._submit(read_recipe_parts)))

    def submit(self, jobs: Iterable[PhotoJob]) -> None:
        """Hand photos to the cluster, some a task."""
        rest = list(jobs)
        for start in range(0, len(rest), PHOTOS_A_TASK):
            self._send(rest[start : start + PHOTOS_A_TASK])

    def collect(self, jobs: Iterable[PhotoJob]) -> Iterator[tuple[PhotoJob, Outcome]]:
        """Wait for photos that were submitted.

        Raises:
            ClusterLost: the cluster is gone, or has been without workers for too long.

        """
        wanted = {job.sha256: job for job in jobs}
        while wanted:
            for sha256 in wanted.keys() & self._done.keys():
                yield wanted.pop(sha256), self._done.pop(sha256)
            if wanted:
                self._wait_for_one()

    def _send(self, jobs: list[PhotoJob]) -> None:
        photos = []
        for job in jobs:
            path = _file_here(job) if self._send_bytes else None
            photos.append(SentPhoto(job, path.read_bytes() if path else None))
        self._running.append((self._submit(read_photos, photos), jobs))

    def _wait_for_one(self) -> None:
        future, jobs = self._running.popleft()
        try:
            outcomes = self._result(future)
        except ClusterLost as error:
            if type(error.__cause__).__name__ != "KilledWorker":
                raise
            if len(jobs) > 1:
                for job in jobs:
                    self._send([job])
            else:
                self._done[jobs[0].sha256] = ReadingFailed(
                    f"the workers that read {jobs[0].name} died", cause="died"
                ).record()
            return
        unseen = []
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, OutOfReach) and _is_in_reach(job):
                unseen.append(job)
            elif isinstance(outcome, OutOfReach):
                self._done[job.sha256] = ReadingFailed(
                    f"the kept copy of {job.name} is gone", cause="FileNotFoundError"
                ).record()
            else:
                self._done[job.sha256] = outcome
        if unseen:
            self._send_bytes = True
            self._send(unseen)

    def _submit(self, function: Callable[..., object], *arguments: object) -> Any:  # noqa: ANN401
        return _client().submit(function, self._engine, *arguments, pure=False)

    def _result(self, future: Any) -> Any:  # noqa: ANN401 - Dask is an extra, without types
        try:
            self._wait_while_there_are_workers(future)
            return future.result()
        except ChasilError:
            raise
        except Exception as error:
            raise ClusterLost(f"the Dask cluster: {type(error).__name__}: {error}") from error

    def _wait_while_there_are_workers(self, future: Any) -> None:  # noqa: ANN401
        """Wait for a task; Dask itself waits for ever where all workers are gone.

        Raises:
            ClusterLost: there was no worker for too long.

        """
        import dask  # noqa: PLC0415 - an extra
        import distributed  # noqa: PLC0415
        from dask.utils import parse_timedelta  # noqa: PLC0415

        said = dask.config.get("distributed.scheduler.no-workers-timeout")
        patience = SECONDS_WITHOUT_WORKERS if said is None else parse_timedelta(said)
        while True:
            try:
                with future.client.as_current():
                    distributed.wait(future, SECONDS_BETWEEN_LOOKS)  # type: ignore[no-untyped-call]
            except distributed.TimeoutError:
                try:
                    future.client.wait_for_workers(1, timeout=patience)
                except distributed.TimeoutError:
                    raise ClusterLost(
                        f"the Dask cluster has had no worker for {patience:.0f} s"
                    ) from None
            else:
                return


def _client() -> Any:  # noqa: ANN401
    """The Dask client of this flow run; a pool may serve several runs, one after another.

    Raises:
        ClusterLost: the scheduler does not answer.

    """
    # Not at the top: workers import this module, and need no Prefect.
    from flows.quiet_prefect import FlowRunContext  # noqa: PLC0415

    context = FlowRunContext.get()
    if context is None:
        raise RuntimeError("a DaskPool reads within a flow")
    runner: Any = context.task_runner
    try:
        return runner.client
    except OSError as error:
        raise ClusterLost(f"the Dask cluster: {error}") from error
