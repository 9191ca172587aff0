"""One run over many photos, step by step; ``batch`` makes a Prefect flow of it.

The store is the ledger of what is done. A batch of photos is taken in (kept, recorded), what the
recipe has not read of it is read, and the readings are written in one transaction. A run that is
cut off at any point leaves the batches that were written, and the next run reads the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from pathlib import Path

from flows.arrivals import Arrival, take_in
from flows.comparing import compare_store
from flows.importing import import_entries
from flows.pool import Outcome, PhotoJob, ReadingPool
from flows.progress import Reporter
from flows.queueing import keep_cells, refresh_queue
from flows.summary import EntryCounts, Summary
from models.errors import ErrorRecord, ReadingFailed
from models.records import ConflictKind, PageReading, TpsCode
from models.regions import RegionTable
from models.store.shelf import KeptPhoto
from models.store.store import Store
from pipeline.gather import PPWP_FORM

PROBLEMS_SHOWN = 20


class TakenBatch:
    """A batch of photos that is in the store; its ``jobs`` are still to be read."""

    # Not a dataclass: Prefect would walk through every job in search of its own futures.
    def __init__(self, number: int, jobs: Sequence[PhotoJob]) -> None:
        self.number = number
        self.jobs = jobs


class Run:
    """One run: a row in the store's ledger from its beginning, and a summary at its end."""

    def __init__(self, store: Store, pool: ReadingPool, reporter: Reporter) -> None:
        """Open the run.

        Raises:
            ChasilError: the workers can't start, or the reader can't be loaded.

        """
        self._began = time.monotonic()
        self._store = store
        self._pool = pool
        self._reporter = reporter
        self.recipe = pool.recipe()
        self.batch = store.begin_batch(self.recipe)
        self._asked_for: set[str] = set()
        self._photos_known = 0
        self._pages_read_now = 0
        self._seconds_reading = 0.0
        self._entries: EntryCounts | None = None

    def import_entries(self, path: Path) -> None:
        """Import reported numbers; says what could not be used and goes on with the rest.

        Raises:
            EntriesFileError: nothing in the file or folder could be used.

        """
        self._reporter.say("importing entries")
        imported = import_entries(self._store, path)
        for problem in imported.problems[:PROBLEMS_SHOWN]:
            self._reporter.say(f"not used: {problem.message}")
        if len(imported.problems) > PROBLEMS_SHOWN:
            self._reporter.say(f"not used: {len(imported.problems) - PROBLEMS_SHOWN:,} more")
        self._entries = imported.counts

    def read_all(
        self, arrivals: Sequence[Arrival], batch_size: int, read: Callable[[TakenBatch], object]
    ) -> None:
        """Take in and read all files, a batch at a time.

        Each batch is taken in and handed to the workers while they still read the one before, so
        that they never wait.

        Args:
            arrivals: The files.
            batch_size: Files a batch.
            read: Called for each batch in which something is to be read; calls ``read``.

        """
        self._reporter.begin(len(arrivals))
        began = time.monotonic()
        ahead: TakenBatch | None = None
        rest = iter(arrivals)
        number = 0
        while some := tuple(islice(rest, batch_size)):
            number += 1
            taken = self.take_in(number, some)
            if ahead is not None:
                read(ahead)
            ahead = taken if taken.jobs else None
        if ahead is not None:
            read(ahead)
        self._seconds_reading = time.monotonic() - began

    def take_in(self, number: int, arrivals: Iterable[Arrival]) -> TakenBatch:
        """Keep and record a batch of files, and hand what is new to the workers."""
        shelf = self._store.shelf
        uploads = tuple(take_in(arrivals, shelf))
        self._store.add_uploads(self.batch, uploads)
        jobs = {
            upload.photo.sha256: PhotoJob(
                upload.photo.sha256, upload.photo.path, upload.name, shelf
            )
            for upload in reversed(uploads)  # of copies, the first one gives its name
            if isinstance(upload.photo, KeptPhoto)
        }
        to_read = [
            jobs[sha256]
            for sha256 in self._store.readings_missing(reversed(jobs), self.recipe)
            if sha256 not in self._asked_for
        ]
        self._asked_for.update(job.sha256 for job in to_read)
        self._pool.submit(to_read)
        self._photos_known += len(uploads) - len(to_read)
        self._reporter.advance(len(uploads) - len(to_read))
        return TakenBatch(number, to_read)

    def read(self, taken: TakenBatch) -> int:
        """Wait for a batch's readings and write them; returns how many pages they are."""
        read: list[tuple[PageReading, ...]] = []
        failed: dict[str, ErrorRecord] = {}
        try:
            for job, outcome in self._pool.collect(taken.jobs):
                checked = _checked(job, outcome)
                if isinstance(checked, ErrorRecord):
                    failed[job.sha256] = checked
                else:
                    read.append(checked)
                self._reporter.advance()
        finally:  # also when the user stops the run: what is read is not read again
            pages = self._store.add_readings(self.recipe, read)
            self._store.add_failures(self.batch, failed)
        self._pages_read_now += pages + len(failed)
        return pages

    def compare(
        self,
        expected: Collection[TpsCode] = (),
        regions: RegionTable | None = None,
        form: str = PPWP_FORM,
    ) -> None:
        """Find and record all conflicts in the store; see ``compare_store``."""
        self._reporter.say("comparing")
        for compared in compare_store(self._store, self.recipe, expected, regions, form):
            self._store.save_conflicts(self.batch, compared.conflicts)
            keep_cells(self._store, compared)

    def finish(self) -> Summary:
        """Write the run's end into the ledger, sum it up, and bring the queue up to it."""
        counts = self._store.count_pages(self.recipe, self.batch)
        summary = Summary(
            batch=self.batch,
            recipe=self.recipe,
            photos=counts.photos,
            photos_known=self._photos_known,
            pages_read=counts.pages_read,
            rejected=counts.rejected,
            fields=counts.fields,
            entries=self._entries,
            conflicts={
                ConflictKind(kind): count
                for kind, count in self._store.conflict_counts(self.batch).items()
            },
            seconds=time.monotonic() - self._began,
            seconds_reading=self._seconds_reading,
            pages_read_now=self._pages_read_now,
        )
        self._store.finish_batch(self.batch, summary.model_dump(mode="json"))
        refresh_queue(self._store)
        return summary


def _checked(job: PhotoJob, outcome: Outcome) -> Outcome:
    """The outcome, or a failure where the reader's pages can't be filed under the photo."""
    if isinstance(outcome, ErrorRecord):
        return outcome
    strangers = [page for page in outcome if page.sha256 != job.sha256]
    if strangers and strangers[0].error:
        return strangers[0].error  # the kept copy would not open
    if strangers or not outcome:
        found = strangers[0].sha256 if strangers else "no page"
        return ReadingFailed(f"reading {job.name} gave {found}", sha256=job.sha256).record()
    return outcome
