"""One run over many photos, step by step; ``batch`` makes a Prefect flow of it.

The store is the ledger of what is done. A batch of photos is taken in (kept, recorded), what the
recipe has not read of it is read, and the readings are written in one transaction. A run that is
cut off at any point leaves the batches that were written, and the next run reads the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path

from flows.arrivals import Arrival, take_in
from flows.changes import Comparison
from flows.given import settled_now
from flows.importing import import_entries
from flows.kept import NOTHING_GIVEN, Given
from flows.pool import Outcome, PhotoJob, Pool
from flows.progress import Reporter
from flows.queueing import refresh_queue
from flows.recording import compare_and_record
from flows.summary import EntryCounts, Summary
from models.elections import Election
from models.errors import EntriesFileError, ErrorRecord, ReadingFailed
from models.records import ConflictKind
from models.store.known_files import KnownFiles
from models.store.selection import ChosenPhoto
from models.store.shelf import KeptPhoto
from models.store.store import Store
from models.store.trouble import of_file

PROBLEMS_SHOWN = 20


class TakenBatch:
    """A batch of photos that is in the store; its ``jobs`` are still to be read."""

    # Not a dataclass: Prefect would walk through every job in search of its own futures.
    def __init__(self, number: int, jobs: Sequence[PhotoJob]) -> None:
        self.number = number
        self.jobs = jobs
        self.outcomes: dict[str, Outcome] = {}
        """SHA-256 to what came of it, so far: kept until it is written, also by a second try."""


class Run:
    """One run: a row in the store's ledger from its beginning, and a summary at its end."""

    def __init__(
        self,
        store: Store,
        pool: Pool,
        reporter: Reporter,
        known: KnownFiles | None = None,
        turn_to_write: Callable[[], AbstractContextManager[None]] = nullcontext,
        given: Given = NOTHING_GIVEN,
    ) -> None:
        """Open the run.

        Args:
            store: The ledger.
            pool: What reads.
            reporter: Is told how far it is.
            known: Files that need not be hashed again; without it all are.
            turn_to_write: Is entered while something is written, where runs take turns.
            given: Expected TPS, table of regions and owed form, as far as they were given anew;
                the rest counts as in the last run.

        Raises:
            ChasilError: the workers can't start, or the reader can't be loaded.

        """
        self._began = time.monotonic()
        self._store = store
        self._pool = pool
        self._reporter = reporter
        self._known = known
        self._turn_to_write = turn_to_write
        self._given = given
        self.recipe = pool.recipe()
        store.history.keep_recipe(self.recipe, pool.recipe_parts())
        self.batch = store.begin_batch(self.recipe)
        self._tidy()
        self._asked_for: set[str] = set()
        self._photos_known = 0
        self._pages_read_now = 0
        self.photos_done = 0
        """Files that were read, or known before."""
        self._failed_now = 0
        self._chosen: int | None = None
        self._seconds_reading = 0.0
        self._entries: EntryCounts | None = None
        self.flawed_entries: set[Path] = set()
        """Files of reported numbers of which something could not be used."""
        self._comparison: Comparison | None = None

    def _tidy(self) -> None:
        """Remove what runs that were killed left on the shelf."""
        shelf = self._store.shelf
        try:
            removed = shelf.tidy()
        except OSError as error:
            raise of_file(error, shelf.place) from error
        if removed:
            self._reporter.say(f"removed {removed:,} half-written copies of killed runs")

    def import_entries(self, path: Path, election: Election | None = None) -> None:
        """Import reported numbers; says what could not be used and goes on with the rest.

        Raises:
            EntriesFileError: nothing in the file or folder could be used.

        """
        self._reporter.say("importing entries")
        owed = settled_now(self._store, self._given).owed
        imported = import_entries(self._store, path, election=election, owed=owed)
        for problem in imported.problems[:PROBLEMS_SHOWN]:
            self._reporter.tell(f"not used: {problem.message}")
        if len(imported.problems) > PROBLEMS_SHOWN:
            self._reporter.tell(f"not used: {len(imported.problems) - PROBLEMS_SHOWN:,} more")
        if imported.problems:
            self.flawed_entries.add(path)
        self._entries = imported.counts

    def import_each(self, paths: Sequence[Path], election: Election | None = None) -> None:
        """Import reported numbers from several files; one that is broken does not stop the rest."""
        counts = EntryCounts(new=0, revised=0, unchanged=0)
        for path in paths:
            try:
                self.import_entries(path, election)
            except EntriesFileError as error:
                self._reporter.tell(f"not used: {error.message}")
                self.flawed_entries.add(path)
                counts = counts.plus(EntryCounts(new=0, revised=0, unchanged=0, unusable=1))
            else:
                counts = counts.plus(self._entries)
        self._entries = counts

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

    def read_again(
        self,
        photos: Sequence[ChosenPhoto],
        batch_size: int,
        read: Callable[[TakenBatch], object],
    ) -> None:
        """Read kept photos that the recipe has not read, a batch at a time.

        Args:
            photos: The chosen ones; those that are not stale are left alone.
            batch_size: Photos a batch.
            read: Called for each batch; calls ``read``.

        """
        self._reporter.begin(len(photos))
        began = time.monotonic()
        chosen = {photo.sha256: photo for photo in photos}
        stale = set(self._store.readings_missing(chosen, self.recipe))
        self._reporter.advance(len(chosen) - len(stale))
        self._chosen, self._photos_known = len(chosen), len(chosen) - len(stale)
        self.photos_done += len(chosen) - len(stale)
        rest = (photo for photo in chosen.values() if photo.sha256 in stale)
        ahead: TakenBatch | None = None
        number = 0
        while some := tuple(islice(rest, batch_size)):
            number += 1
            shelf = self._store.shelf  # a copy that is gone from it is a failure of that photo
            jobs = [PhotoJob(photo.sha256, None, photo.name, shelf) for photo in some]
            taken = TakenBatch(number, jobs)
            self._pool.submit(taken.jobs)
            if ahead is not None:
                read(ahead)
            ahead = taken
        if ahead is not None:
            read(ahead)
        self._seconds_reading = time.monotonic() - began

    def take_in(self, number: int, arrivals: Iterable[Arrival]) -> TakenBatch:
        """Keep and record a batch of files, and hand what is new to the workers."""
        shelf = self._store.shelf
        uploads = tuple(take_in(arrivals, shelf, self._known))
        with self._turn_to_write():
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
        self.photos_done += len(uploads) - len(to_read)
        self._reporter.advance(len(uploads) - len(to_read))
        return TakenBatch(number, to_read)

    def read(self, taken: TakenBatch) -> int:
        """Wait for a batch's readings and write them; returns how many pages they are.

        May be called again where the store failed: nothing is read twice.
        """
        waiting = [job for job in taken.jobs if job.sha256 not in taken.outcomes]
        try:
            for job, outcome in self._pool.collect(waiting):
                taken.outcomes[job.sha256] = _checked(job, outcome)
                self._reporter.advance()
        finally:  # also when the user stops the run: what is read is not read again
            outcomes = taken.outcomes.items()
            failed = {key: one for key, one in outcomes if isinstance(one, ErrorRecord)}
            read = [one for _, one in outcomes if not isinstance(one, ErrorRecord)]
            with self._turn_to_write():
                pages = self._store.add_readings(self.recipe, read)
                self._store.add_failures(self.batch, failed)
        taken.outcomes.clear()
        self._pages_read_now += pages + len(failed)
        self.photos_done += len(taken.jobs)
        self._failed_now += len(failed)
        return pages

    def compare(self, *, everything: bool = False, processes: int | None = None) -> None:
        """Find and record all conflicts in the store; see ``compare_and_record``.

        Args:
            everything: Compare also what is as it was.
            processes: How many compare, where there are many TPS; as many as read if not given.

        """
        self._reporter.say("comparing")
        self._comparison = compare_and_record(
            self._store,
            self.batch,
            self.recipe,
            self._given,
            everything=everything,
            processes=processes or self._pool.workers,
            tell=self._reporter.tell,
        )

    def finish(self) -> Summary:
        """Write the run's end into the ledger, sum it up, and bring the queue up to it."""
        summary = self._sum_up()
        self._store.finish_batch(self.batch, summary.model_dump(mode="json"))
        refresh_queue(self._store)
        return summary

    def finish_part(self) -> Summary:
        """Sum a part of a larger job up. It is no run of its own: its end is not in the ledger."""
        return self._sum_up()

    def _sum_up(self) -> Summary:
        counts = self._store.count_pages(self.recipe, self.batch)
        return Summary(
            batch=self.batch,
            recipe=self.recipe,
            photos=counts.photos if self._chosen is None else self._chosen,
            photos_known=self._photos_known,
            pages_read=(
                counts.pages_read
                if self._chosen is None
                else self._pages_read_now - self._failed_now
            ),
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
            comparison=self._comparison,
        )


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
