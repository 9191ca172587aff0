"""The main job as a Prefect flow: photos and entries in, conflicts out.

One task run a batch of photos, never one a photo: a task run costs Prefect's server about 29 ms,
and past a few thousand mapped tasks records are dropped. The processes that read live as long as
the flow, and a task waits for the photos of its batch and writes them to the store. Prefect shows
what happens; it decides nothing: what is done is what the store holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from flows.arrivals import find_arrivals
from flows.exports import conflict_row
from flows.pool import Engine, ReadingPool, default_workers
from flows.progress import reporter
from flows.quiet_prefect import (
    NO_CACHE,
    create_markdown_artifact,
    create_table_artifact,
    flow,
    task,
)
from flows.run import Run, TakenBatch
from flows.settings import find_server
from flows.summary import Summary, summary_markdown
from models.errors import ChasilError
from models.regions import RegionTable, joined, load_regions, read_regions, write_regions
from models.store.home import REGIONS_NAME, chasil_home
from models.store.store import Store
from pipeline.gather import PPWP_FORM
from pipeline.intake import read_manifest
from pipeline.read import load_reader, read_file

ENGINE = Engine(load=load_reader, read=read_file)
"""What reads a photo."""

BATCH_SIZE = 100
"""Photos a task run. 50 to 200 are sensible: more are read again after a crash, fewer cost time."""

CONFLICTS_SHOWN = 500
"""Conflicts on Prefect's page of the run; the store has them all."""


class NothingToDo(ChasilError):
    """There is no photo where one was looked for."""

    code = "no_photos"
    remedy = "Name a folder that holds photos, or the photos themselves."


@task(name="read-batch", task_run_name="batch {number}", cache_policy=NO_CACHE)
def read_batch(number: int, run: Run, taken: TakenBatch) -> int:  # noqa: ARG001 - names the task run
    """Wait until a batch of photos is read, and write it to the store."""
    return run.read(taken)


@flow(name="process", validate_parameters=False)
def process(
    photos: Sequence[Path],
    entries: Path | None = None,
    manifest: Path | None = None,
    regions: Path | None = None,
    expect: str | None = None,
    workers: int | None = None,
    batch_size: int = BATCH_SIZE,
    form: str = PPWP_FORM,
) -> Summary:
    """Read photos, import entries, compare everything in the store.

    Args:
        photos: Folders and files.
        entries: Reported numbers; without them the paper's own sums and pages are checked.
        manifest: CSV ``photo,tps``.
        regions: Table of regions to use instead of the one that ships with chasil; headers are
            held against it.
        expect: Code of a region; each of its TPS must have photos.
        workers: Reading processes; one a processor if not given.
        batch_size: Photos a task run.
        form: Id of the form that every TPS owes: its pages are what can be missing.

    Raises:
        ChasilError: an input file, the store or the installation is broken. Photos never are.

    """
    arrivals = find_arrivals(photos, read_manifest(manifest) if manifest else None)
    if not arrivals:
        places = ", ".join(str(place) for place in photos)
        raise NothingToDo(f"no files in {places}")
    table = load_regions() if regions is None else read_regions(regions)
    expected = _expected(table, expect)
    console = Console(stderr=True)
    with (
        Store.open() as store,
        ReadingPool(ENGINE, workers or default_workers()) as pool,
        reporter(console) as progress,
    ):
        run = Run(store, pool, progress)
        if entries is not None:
            run.import_entries(entries)
        run.read_all(arrivals, batch_size, lambda taken: read_batch(taken.number, run, taken))
        with store.one_comparison(lambda: progress.say("waiting: another run is comparing")):
            run.compare(expected, table, form)
            if regions is not None:
                keep_regions(table, chasil_home())
            summary = run.finish()
        _show(store, summary)
    return summary


def run_process(
    photos: Sequence[Path],
    *,
    entries: Path | None = None,
    manifest: Path | None = None,
    regions: Path | None = None,
    expect: str | None = None,
    workers: int | None = None,
    batch_size: int = BATCH_SIZE,
    form: str = PPWP_FORM,
) -> Summary:
    """Run the flow for a person: see ``process``; no server is an error with a remedy.

    Raises:
        ServerUnreachable: a Prefect server is configured and does not answer.
        ServerNotStarted: none is configured, and the temporary one does not come up.
        ChasilError: as ``process``.

    """
    find_server()
    return process(
        photos,
        entries=entries,
        manifest=manifest,
        regions=regions,
        expect=expect,
        workers=workers,
        batch_size=batch_size,
        form=form,
    )


def keep_regions(table: RegionTable, home: Path) -> None:
    """Keep the names of a run's regions beside the store: the auditors' room shows them."""
    path = home / REGIONS_NAME
    write_regions(joined(read_regions(path) if path.exists() else None, table), path)


def _expected(table: RegionTable, expect: str | None) -> tuple[str, ...]:
    if expect is None:
        return ()
    expected = table.tps(expect)
    if not expected:
        raise NothingToDo(f"the table of regions has no TPS below {expect}")
    return expected


def _show(store: Store, summary: Summary) -> None:
    conflicts = [
        conflict_row(conflict) for conflict in store.latest_conflicts(limit=CONFLICTS_SHOWN)
    ]
    in_all = sum(summary.conflicts.values())
    create_table_artifact(
        key="conflicts",
        table=conflicts,
        description=f"The {len(conflicts):,} most urgent of {in_all:,} conflicts",
    )
    create_markdown_artifact(
        key="summary", markdown=summary_markdown(summary), description=f"Run {summary.batch}"
    )
