"""The main job as a Prefect flow: photos and entries in, conflicts out.

One task run a batch of photos, never one a photo: a task run costs Prefect's server about 29 ms,
and past a few thousand mapped tasks records are dropped. The processes that read live as long as
the flow, and a task waits for the photos of its batch and writes them to the store. Prefect shows
what happens; it decides nothing: what is done is what the store holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
from rich.console import Console

from flows.arrivals import Arrival, find_arrivals
from flows.cluster import DaskPool, chosen_task_runner, dask_address
from flows.complete import complete_kecamatan, kecamatan_of
from flows.ending import end_in_time
from flows.exports import conflict_row
from flows.given import given_now, settled_now
from flows.kept import NOTHING_GIVEN, Given
from flows.link import Link, ServerLost
from flows.naming import common_region, process_name, short_time
from flows.parameters import (
    UNCLAIMED,
    BatchSize,
    ElectionName,
    ExistingPath,
    ExpectedRegions,
    FormId,
    RegionOrUnclaimed,
    RegionsTable,
    Workers,
    WrongParameters,
)
from flows.pool import Engine, Pool, ReadingPool, default_workers
from flows.progress import Reporter, reporter
from flows.quiet_prefect import (
    NO_CACHE,
    ParameterTypeError,
    State,
    exponential_backoff,
    flow,
    task,
)
from flows.run import Run, TakenBatch
from flows.settings import find_server
from flows.summary import Summary, summary_markdown
from flows.transient import FIRST_DELAY_SECONDS, JITTER, TRIES_AGAIN, is_transient
from models.elections import Election, election_called
from models.errors import ChasilError
from models.regions import RegionTable
from models.store.known_files import KnownFiles
from models.store.store import Store
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


def try_again(_task: object, _run: object, state: State[object]) -> bool:
    """Whether Prefect should try a step again: only what passes by itself, see ``transient``."""
    if isinstance(state.data, BaseException):
        return is_transient(state.data)
    try:
        state.result()
    except Exception as error:  # noqa: BLE001 - judged, and raised by Prefect if it is final
        return is_transient(error)
    return False


@task(
    name="read-batch",
    task_run_name="batch {number}",
    cache_policy=NO_CACHE,
    retries=TRIES_AGAIN,
    retry_delay_seconds=exponential_backoff(FIRST_DELAY_SECONDS),
    retry_jitter_factor=JITTER,
    retry_condition_fn=try_again,
)
def read_batch(number: int, run: Run, taken: TakenBatch) -> int:  # noqa: ARG001 - names the task run
    """Wait until a batch of photos is read, and write it to the store."""
    return run.read(taken)


@task(
    name="import-entries",
    cache_policy=NO_CACHE,
    retries=TRIES_AGAIN,
    retry_delay_seconds=exponential_backoff(FIRST_DELAY_SECONDS),
    retry_jitter_factor=JITTER,
    retry_condition_fn=try_again,
)
def import_entries(
    run: Run, entries: Sequence[Path], *, each: bool, election: Election | None = None
) -> None:
    """Import reported numbers: a transaction a file, so that trying again is safe."""
    if each:
        run.import_each(entries, election)
    else:
        for path in entries:
            run.import_entries(path, election)


@flow(
    name="process",
    flow_run_name=lambda: f"process photos, {short_time()}",
    task_runner=chosen_task_runner(),
)
def process(
    photos: Sequence[ExistingPath],
    entries: ExistingPath | None = None,
    election: ElectionName | None = None,
    manifest: ExistingPath | None = None,
    regions: RegionsTable | None = None,
    expect: ExpectedRegions | None = None,
    form: FormId | None = None,
    workers: Workers | None = None,
    batch_size: BatchSize = BATCH_SIZE,
    only: RegionOrUnclaimed | None = None,
    compare: bool = True,
) -> Summary:
    """Read photos, import entries, compare everything in the store.

    Args:
        photos: Folders and files.
        entries: Reported numbers; without them the paper's own sums and pages are checked.
        election: Which election the entries are of, where their path does not say it.
        manifest: CSV ``photo,tps``.
        regions: Table of regions to use instead of the one that ships with chasil; headers are
            held against it. It counts on in later runs; ``none`` drops it.
        expect: Regions by commas; each of their TPS must have photos, in later runs too. ``none``
            drops those of earlier runs.
        form: Id of the form that every TPS owes, in later runs too.
        workers: Reading processes; one a processor if not given.
        batch_size: Photos a task run.
        only: Only photos of TPS below this region; ``none``: only those that don't say.
        compare: Whether to compare at the end. Without it this is a part of a larger job, whose
            last step compares; until then the conflicts of the run before stay the current ones.

    Raises:
        ChasilError: an input file, the store or the installation is broken. Photos never are.

    """
    arrivals = choose(find_arrivals(photos, read_manifest(manifest) if manifest else None), only)
    if not arrivals:
        places = ", ".join(str(place) for place in photos)
        raise NothingToDo(f"no files{f' of {only}' if only else ''} in {places}")
    with Store.open() as store, KnownFiles.open() as known:
        given = given_now(store, expect=expect, regions=regions, form=form)
        with reading_pool(workers) as pool, reporter(Console(stderr=True)) as progress:
            summary = run_job(
                Job(store, known, pool, progress, given),
                arrivals,
                entries=[entries] if entries else [],
                election=election_called(election) if election else None,
                batch_size=batch_size,
                compare=compare,
            )
    _Finished.summary = summary
    return summary


class _Finished:
    """The last summary of this process: there even where Prefect could not be told of the end."""

    summary: Summary | None = None


class Job:
    """What a run works with."""

    def __init__(
        self,
        store: Store,
        known: KnownFiles,
        pool: Pool,
        progress: Reporter,
        given: Given = NOTHING_GIVEN,
    ) -> None:
        """Take what is open.

        Raises:
            ChasilError: what an earlier run was given is lost (see ``flows.kept.settle``).

        """
        self.store = store
        self.known = known
        self.pool = pool
        self.progress = progress
        self.given = given
        self.table: RegionTable = settled_now(store, given).table
        """For names of regions."""
        self.link = Link(progress.tell)
        self.flawed_entries: frozenset[Path] = frozenset()
        """Files of reported numbers of which the last run could not use something."""


def reading_pool(workers: int | None) -> AbstractContextManager[Pool]:
    """Processes of this machine, or the cluster that ``CHASIL_DASK`` names."""
    address = dask_address()
    if address is not None:
        return DaskPool(ENGINE)
    return ReadingPool(ENGINE, workers or default_workers())


def run_job(
    job: Job,
    arrivals: Sequence[Arrival],
    *,
    entries: Sequence[Path] = (),
    election: Election | None = None,
    skip_broken_entries: bool = False,
    batch_size: int = BATCH_SIZE,
    compare: bool = True,
    processes: int | None = None,
    name: str | None = None,
    touched: Collection[str] = (),
) -> Summary:
    """The steps of a run, within a flow; see ``process``.

    Args:
        job: What it works with.
        arrivals: The files.
        entries: Files and folders of reported numbers.
        election: Which election they are of, where they don't say it.
        skip_broken_entries: Whether a broken one is only told of.
        batch_size: Photos a task run.
        compare: Whether to compare at the end.
        processes: How many compare; as many as read if not given.
        name: Of the flow run, where the photos don't say it best.
        touched: TPS whose photos came in with other runs of this job.

    """
    end_in_time()
    claimed = {arrival.tps for arrival in arrivals if arrival.tps} | set(touched)
    link = job.link
    link.name_run(name or process_name(len(arrivals), common_region(claimed, job.table)))
    run = Run(job.store, job.pool, job.progress, job.known, link.turn_to_write, job.given)
    if entries:
        import_entries(run, entries, each=skip_broken_entries, election=election)
    job.flawed_entries = frozenset(run.flawed_entries)

    def read(taken: TakenBatch) -> None:
        read_batch(taken.number, run, taken)
        link.progress(run.photos_done, len(arrivals))

    run.read_all(arrivals, batch_size, read)
    link.progress(len(arrivals), len(arrivals))
    if not compare:
        return run.finish_part()
    with job.store.one_comparison(lambda: job.progress.say("waiting: another run is comparing")):
        run.compare(processes=processes)
        summary = run.finish()
    _show(job.store, link, summary)
    kecamatan = {kecamatan_of(tps) for tps in claimed}
    with_photo = {tps for code in kecamatan for tps in job.store.tps_with_photo(code)}
    for one in complete_kecamatan(job.store, kecamatan, job.table, with_photo):
        link.kecamatan_complete(one.code, one.name, one.tps, summary.batch)
    return summary


def choose(arrivals: Sequence[Arrival], only: str | None) -> tuple[Arrival, ...]:
    """Those of a region, or those that don't say, or all."""
    if only is None:
        return tuple(arrivals)
    if only == UNCLAIMED:
        return tuple(one for one in arrivals if one.tps is None)
    return tuple(one for one in arrivals if one.tps and one.tps.startswith(only))


def run_process(
    photos: Sequence[Path],
    *,
    entries: Path | None = None,
    election: str | None = None,
    manifest: Path | None = None,
    regions: Path | None = None,
    expect: str | None = None,
    form: str | None = None,
    workers: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> Summary:
    """Run the flow for a person: see ``process``; no server is an error with a remedy.

    Raises:
        ServerUnreachable: a Prefect server is configured and does not answer.
        ServerNotStarted: none is configured, and the temporary one does not come up.
        ServerLost: it went away before the run had begun to work.
        ChasilError: as ``process``.

    """
    find_server()
    _Finished.summary = None
    try:
        with checked():
            return process(
                photos,
                entries=entries,
                election=election,
                manifest=manifest,
                regions=regions,
                expect=expect,
                form=form,
                workers=workers,
                batch_size=batch_size,
            )
    except (httpx.TransportError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not isinstance(error.__cause__, httpx.HTTPError):
            raise
        if _Finished.summary is not None:
            return _Finished.summary  # all is done and stored; only its page can't be ended
        raise ServerLost(f"Prefect's server does not answer any more: {error}") from error


@contextmanager
def checked() -> Iterator[None]:
    """Parameters that Prefect refuses are an error with a remedy; for the call of a flow.

    Raises:
        WrongParameters: they were refused.

    """
    try:
        yield
    except ParameterTypeError as error:
        raise WrongParameters(readable(error)) from error


def readable(error: ParameterTypeError) -> str:
    """What is wrong with the parameters, without pydantic's addresses and types."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [
        line.partition(" [type=")[0].removeprefix("Value error, ")
        for line in lines
        if line and not line.startswith(("For further information", "Flow run received"))
    ]
    return "; ".join(kept)


def _show(store: Store, link: Link, summary: Summary) -> None:
    conflicts = [
        conflict_row(conflict) for conflict in store.latest_conflicts(limit=CONFLICTS_SHOWN)
    ]
    in_all = sum(summary.conflicts.values())
    link.table(
        "conflicts", conflicts, f"The {len(conflicts):,} most urgent of {in_all:,} conflicts"
    )
    link.markdown("summary", summary_markdown(summary), f"Run {summary.batch}")
