"""Reads photos in several processes, and loses none when a process dies.

A worker builds its reader once (forms and recogniser stay in its memory) and reads one photo after
another on one thread. Few photos are handed out at a time, so that memory does not grow with
the number of photos, and so that few are suspects when a worker dies: those are read again one
by one, and the one that kills its worker again is the culprit.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, Self

from models.errors import ChasilError, ErrorRecord, ReadingFailed
from models.records import PageReading
from models.store.errors import StoreError
from models.store.shelf import PhotoShelf

SECONDS_A_FILE = 600.0
"""A file that takes longer is given up: a page takes well under a second, and the largest PDFs
that committees scan hold some hundred pages."""

IN_HAND_PER_WORKER = 3
"""Photos handed out at a time: one being read, the others at hand so that no worker waits."""

TRACEBACK_LINES = 3


class ReaderWithRecipe(Protocol):
    """What a worker keeps in memory to read with."""

    @property
    def recipe(self) -> str:
        """Digest of all that decides a reading."""
        ...


class ReadFile(Protocol):
    """Reads one file, as ``pipeline.read.read_file``."""

    def __call__(self, path: Path, reader: Any, *, name: str) -> Sequence[PageReading]:  # noqa: ANN401
        """One reading a photo (several for a PDF)."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """How to read. Both are functions that a new process can import by name."""

    load: Callable[[], ReaderWithRecipe]
    read: ReadFile


@dataclass(frozen=True, slots=True)
class PhotoJob:
    """One photo to read."""

    sha256: str
    path: Path | None
    """Its file; ``None``: the shelf has it."""
    name: str
    """What it is called in the record."""
    shelf: PhotoShelf | None = None


Outcome = tuple[PageReading, ...] | ErrorRecord
"""The photo's pages, or why the attempt broke off."""


class Pool(Protocol):
    """Reads photos somewhere: in processes of this machine, or on a cluster."""

    @property
    def workers(self) -> int:
        """Processes of this machine that may be used for what is done here."""
        ...

    def recipe(self) -> str:
        """The recipe it reads by."""
        ...

    def recipe_parts(self) -> dict[str, str]:
        """What that recipe is made of, by name."""
        ...

    def submit(self, jobs: Iterable[PhotoJob]) -> None:
        """Queue photos; does not wait."""

    def collect(self, jobs: Iterable[PhotoJob]) -> Iterator[tuple[PhotoJob, Outcome]]:
        """Wait for photos that were submitted, and give each as soon as it is there."""
        ...


class PoolError(ChasilError):
    """The worker processes do not run at all."""

    code = "workers"
    remedy = "Look at the message above; with little memory, try fewer workers (`--workers 1`)."


def default_workers() -> int:
    """One worker for each processor that this process may use."""
    return len(os.sched_getaffinity(0))


class ReadingPool:
    """Worker processes that read photos. Use it in a ``with`` block.

    ``submit`` hands photos over without waiting, ``collect`` waits for some of them.
    """

    def __init__(
        self, engine: Engine, workers: int, *, seconds_a_file: float = SECONDS_A_FILE
    ) -> None:
        if workers < 1:
            raise ValueError(f"at least one worker is needed, not {workers}")
        self.workers = workers
        self._start = (engine, seconds_a_file)
        self._executor = self._new_executor()
        self._waiting: deque[PhotoJob] = deque()
        self._running: dict[Future[Outcome], PhotoJob] = {}
        self._done: dict[str, Outcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def recipe(self) -> str:
        """The recipe the workers read by; the first call starts them all and waits for one.

        Raises:
            PoolError: a worker can't start.
            ChasilError: the reader can't be loaded (a form or the recogniser is broken).

        """
        try:
            answers = [self._executor.submit(_recipe) for _ in range(self.workers)]
            return answers[0].result()
        except BrokenProcessPool as error:
            raise PoolError("a worker process died while it was starting") from error

    def recipe_parts(self) -> dict[str, str]:
        """What the recipe is made of, as ``pipeline.read.Reader.recipe_parts``; asks a worker.

        Raises:
            PoolError: a worker can't start.

        """
        try:
            return self._executor.submit(_recipe_parts).result()
        except BrokenProcessPool as error:
            raise PoolError("a worker process died while it was starting") from error

    def worker_ids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now; a worker is started when it is first needed."""
        return tuple(self._executor._processes)

    def submit(self, jobs: Iterable[PhotoJob]) -> None:
        """Queue photos; each hash once until it is collected."""
        self._waiting.extend(jobs)
        self._hand_out()

    def collect(self, jobs: Iterable[PhotoJob]) -> Iterator[tuple[PhotoJob, Outcome]]:
        """Wait for photos that were submitted, and give each as soon as it is there.

        Raises:
            PoolError: the workers die whatever they are given.

        """
        wanted = {job.sha256: job for job in jobs}
        while wanted:
            for sha256 in wanted.keys() & self._done.keys():
                yield wanted.pop(sha256), self._done.pop(sha256)
            if wanted:
                self._wait_for_one()

    def _hand_out(self) -> None:
        while self._waiting and len(self._running) < self.workers * IN_HAND_PER_WORKER:
            job = self._waiting[0]
            try:
                future = self._executor.submit(read_job, job)
            except BrokenProcessPool:
                self._recover(suspects=[])
                continue
            self._running[future] = self._waiting.popleft()

    def _wait_for_one(self) -> None:
        self._hand_out()
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        suspects = [job for future in done if (job := self._settle(future)) is not None]
        if suspects:
            self._recover(suspects)
        self._hand_out()

    def _settle(self, future: Future[Outcome]) -> PhotoJob | None:
        """Note a photo's outcome; give the photo back if its worker died."""
        job = self._running.pop(future)
        try:
            self._done[job.sha256] = future.result()
        except BrokenProcessPool:
            return job
        return None

    def _recover(self, suspects: list[PhotoJob]) -> None:
        """Start new workers, and read alone each photo that was in hand when one died."""
        for future in tuple(self._running):  # a broken pool ends them all at once
            job = self._settle(future)
            if job is not None:
                suspects.append(job)
        self._restart()
        for job in suspects:
            try:
                self._done[job.sha256] = self._executor.submit(read_job, job).result()
            except BrokenProcessPool:
                self._done[job.sha256] = ReadingFailed(
                    f"the process that read {job.name} died twice, or took over "
                    f"{self._start[1]:.0f} s",
                    cause="died",
                ).record()
                self._restart()
                self.recipe()  # with nothing to read, a worker must live

    def _restart(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._executor = self._new_executor()

    def _new_executor(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=start_worker,
            initargs=self._start,
        )


# In the worker


class _Worker:
    """What one worker process keeps between photos."""

    engine: Engine
    seconds_a_file: float
    reader: ReaderWithRecipe | None = None


def start_worker(engine: Engine, seconds_a_file: float) -> None:
    """Set a new worker process up; its reader is loaded with the first photo."""
    import cv2  # noqa: PLC0415 - the parent needs none

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()
    os.environ["OMP_THREAD_LIMIT"] = "1"  # Tesseract
    cv2.setNumThreads(1)
    _Worker.engine = engine
    _Worker.seconds_a_file = seconds_a_file


def _end_with_parent() -> None:
    """End this process when its parent is gone; a killed parent can't tell its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def start_reader(engine: Engine, seconds_a_file: float = SECONDS_A_FILE) -> ReaderWithRecipe:
    """Have a reader in this process, whoever started it; it is loaded once."""
    if getattr(_Worker, "engine", None) != engine:
        import cv2  # noqa: PLC0415 - the parent needs none

        os.environ["OMP_THREAD_LIMIT"] = "1"  # Tesseract
        cv2.setNumThreads(1)
        _Worker.engine = engine
        _Worker.seconds_a_file = seconds_a_file
        _Worker.reader = None
    return _reader()


def _reader() -> ReaderWithRecipe:
    if _Worker.reader is None:
        _Worker.reader = _Worker.engine.load()
    return _Worker.reader


def _recipe() -> str:
    return _reader().recipe


def _recipe_parts() -> dict[str, str]:
    """Nothing for a reader that does not say; readers of tests need not."""
    return dict(getattr(_reader(), "recipe_parts", {}))


def read_job(job: PhotoJob) -> Outcome:
    """Read one photo in a worker; ends the process where it takes too long."""
    reader = _reader()
    with Path(os.devnull).open("w") as nowhere:
        # A thread of its own ends the process, whatever the process is stuck in.
        faulthandler.dump_traceback_later(_Worker.seconds_a_file, exit=True, file=nowhere)
        try:
            with _file_of(job) as path:
                return tuple(_Worker.engine.read(path, reader, name=job.name))
        except StoreError:
            raise  # no photo can be had: the run ends, and the next one reads the rest
        except Exception as error:  # noqa: BLE001 - one photo's fault must not end the batch
            where = "".join(traceback.format_tb(error.__traceback__)[-TRACEBACK_LINES:])
            return ReadingFailed(
                f"reading {job.name} failed: {type(error).__name__}: {error}",
                cause=type(error).__name__,
                where=where,
            ).record()
        finally:
            faulthandler.cancel_dump_traceback_later()


@contextmanager
def _file_of(job: PhotoJob) -> Iterator[Path]:
    if job.path is not None:
        yield job.path
        return
    if job.shelf is None:
        raise ValueError(f"{job.name}: neither a file nor a shelf to get it from")
    with job.shelf.opened(job.sha256) as path:
        if path is None:
            raise FileNotFoundError(f"photo {job.sha256} is not in {job.shelf.place}")
        yield path
