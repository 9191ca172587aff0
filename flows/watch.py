"""The flow that watches a folder: one look a flow run, over and over by a schedule or a command.

As a deployment it runs by its schedule, each time in a new process. ``chasil watch`` looks in one
process, whose reader stays in memory, and makes a flow run only where there is something to do.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from flows.batch import BATCH_SIZE, Job, reading_pool, run_job
from flows.changes import code_digest
from flows.cluster import chosen_task_runner
from flows.given import given_now, settled_now
from flows.kept import NOTHING_GIVEN
from flows.naming import short_time
from flows.parameters import (
    BatchSize,
    ElectionName,
    ExistingPath,
    ExpectedRegions,
    FormId,
    RegionsTable,
    Workers,
)
from flows.pool import Pool
from flows.progress import reporter
from flows.quiet_prefect import flow
from flows.settings import find_server
from flows.summary import Summary
from flows.transient import is_transient
from flows.watching import FolderAway, Look, flawed_name, look, new_entries
from models.elections import election_called
from models.errors import ChasilError, ManifestError
from models.forms.template import installed_forms, load_form
from models.store.known_files import KnownFiles, Stamp
from models.store.store import Store
from models.trail import canonical
from pipeline.intake import read_manifest

NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to do after a look."""

    photos: Look
    entries: tuple[tuple[Path, Stamp], ...]
    entries_waiting: int

    @property
    def something(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.photos.ready or self.entries)

    def words(self) -> str:
        """The same, for a person."""
        new = len(self.photos.ready) - len(self.photos.filed)
        said = [f"{new:,} new photos" if new else ""]
        replaced = len(self.photos.replaced)
        said.append(f"{replaced:,} of them replaced" if replaced else "")
        filed = len(self.photos.filed)
        said.append(f"{filed:,} filed under another TPS by the manifest" if filed else "")
        said.append(f"{len(self.entries):,} files of entries" if self.entries else "")
        waiting = self.photos.waiting + self.entries_waiting
        said.append(f"{waiting:,} still being written" if waiting else "")
        if self.photos.gone:
            names = ", ".join(self.photos.gone[:NAMES_SHOWN])
            more = len(self.photos.gone) - NAMES_SHOWN
            said.append(
                f"{len(self.photos.gone):,} gone since the last look ({names}"
                f"{f' and {more:,} more' if more > 0 else ''}); what they showed is kept"
            )
        return ", ".join(filter(None, said)) or "nothing new"


class Watcher:
    """Looks into folders and does what there is to do. Use it in a ``with`` block."""

    def __init__(
        self,
        folder: Path,
        *,
        entries: Path | None = None,
        election: str | None = None,
        manifest: Path | None = None,
        regions: Path | None = None,
        expect: str | None = None,
        form: str | None = None,
        workers: int | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        """Open the store.

        Raises:
            ChasilError: it, or what was given, can't be read.

        """
        self._folder = folder
        self._entries = entries
        self._election = election_called(election) if election else None
        self._manifest = manifest
        self._workers = workers
        self._batch_size = batch_size
        self._console = Console(stderr=True)
        self._pool: Pool | None = None
        with ExitStack() as opening:
            self._store = opening.enter_context(Store.open())
            self._known = opening.enter_context(KnownFiles.open())
            self._given = given_now(self._store, expect=expect, regions=regions, form=form)
            self._open = opening.pop_all()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def look(self) -> Found:
        """Look once.

        Raises:
            FolderAway: a folder can't be seen now.
            ManifestError: the manifest can't be read, as while somebody writes to it.

        """
        manifest = read_manifest(self._manifest) if self._manifest else None
        entries: tuple[tuple[Path, Stamp], ...] = ()
        waiting = 0
        if self._entries:
            entries, waiting = new_entries(
                self._entries,
                self._known,
                self._store.name,
                circumstances=self._circumstances(),
            )
        return Found(look(self._folder, self._store, self._known, manifest), entries, waiting)

    def _circumstances(self) -> str:
        """Digest of what decides, besides a file of entries itself, whether it can be used."""
        told = [
            code_digest(),
            self._election,
            settled_now(self._store, self._given).owed,
            [[form, load_form(form).digest] for form in installed_forms()],
        ]
        return hashlib.sha256(canonical(told).encode()).hexdigest()[:16]

    def do(self, found: Found) -> Summary:
        """Read and import what was found, and compare; within a flow."""
        if self._pool is None:
            self._pool = self._open.enter_context(reading_pool(self._workers))
        with reporter(self._console) as progress:
            job = Job(self._store, self._known, self._pool, progress, self._given)
            summary = run_job(
                job,
                found.photos.ready,
                entries=[path for path, _ in found.entries],
                election=self._election,
                skip_broken_entries=True,
                batch_size=self._batch_size,
                name=f"watch {self._folder.name}: {found.words()}, {short_time()}",
            )
        flawed = flawed_name(self._store.name, self._circumstances())
        for path, stamp in found.entries:
            if path not in job.flawed_entries:
                self._known.note_imported(self._store.name, path, stamp)
            elif _can_be_read(path):
                self._known.note_imported(flawed, path, stamp)
        self._given = NOTHING_GIVEN  # it is kept now, and another command may change it
        return summary


def _can_be_read(path: Path) -> bool:
    """Whether a file opens now: one that does not is tried again at the next look."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError:
        return False
    return True


@flow(
    name="watch",
    flow_run_name=lambda: f"watch, {short_time()}",
    task_runner=chosen_task_runner(),
)
def watch(
    folder: ExistingPath,
    entries: ExistingPath | None = None,
    election: ElectionName | None = None,
    manifest: ExistingPath | None = None,
    regions: RegionsTable | None = None,
    expect: ExpectedRegions | None = None,
    form: FormId | None = None,
    workers: Workers | None = None,
    batch_size: BatchSize = BATCH_SIZE,
) -> Summary | None:
    """Look into a folder once, and do what there is to do.

    Args:
        folder: Photos land here.
        entries: A folder (or file) where reported numbers land.
        election: Which election the entries are of, where their path does not say it.
        manifest: CSV ``photo,tps``; read anew at each look.
        regions: Table of regions, as for ``process``; what earlier runs were given counts on.
        expect: Regions whose TPS must have photos, likewise.
        form: Id of the form that every TPS owes, likewise.
        workers: Reading processes; one a processor if not given.
        batch_size: Photos a task run.

    Returns:
        What was done; ``None`` where there was nothing new.

    Raises:
        FolderAway: a folder can't be seen now.
        ChasilError: an input file, the store or the installation is broken.

    """
    with Watcher(
        folder,
        entries=entries,
        election=election,
        manifest=manifest,
        regions=regions,
        expect=expect,
        form=form,
        workers=workers,
        batch_size=batch_size,
    ) as watcher:
        found = watcher.look()
        return watcher.do(found) if found.something else None


def keep_watching(
    watcher: Watcher,
    every: float,
    say: Callable[[str], object],
    *,
    looks: int | None = None,
) -> None:
    """Look every so many seconds, and go on whatever passes by itself.

    Args:
        watcher: Is open.
        every: Seconds from one look's end to the next look.
        say: Is told of each look that found something, and of what does not work now.
        looks: Stop after so many; never if not given.

    Raises:
        ChasilError: something is broken that does not pass by itself.

    """
    now: list[Found] = []

    @flow(
        name="watch",
        flow_run_name=lambda: f"watch, {short_time()}",
        task_runner=chosen_task_runner(),
    )
    def take_what_was_found() -> Summary:
        return watcher.do(now[0])

    find_server()
    number = 0
    while looks is None or number < looks:
        number += 1
        try:
            found = watcher.look()
            if found.something or found.photos.gone:
                say(f"{short_time()}: {found.words()}")
            if found.something:
                now[:] = [found]
                take_what_was_found()
        except (FolderAway, ManifestError) as error:
            say(f"{short_time()}: {error.message}. {error.remedy}")
        except Exception as error:
            if not is_transient(error):
                raise
            told = error.message if isinstance(error, ChasilError) else str(error)
            say(f"{short_time()}: {told}. The next look tries again.")
        if looks is None or number < looks:
            time.sleep(every)
