"""A job too large for one machine: split, run as deployments on many workers, put together.

``process-all`` makes a run of the deployment ``process/batch`` for each kecamatan among the
photos (and one for photos that don't say which TPS they are of), a few at a time. The parts are
disjoint by what the uploads claim, so no photo is read twice on purpose; where two parts hold
copies of one picture, the store keeps the reading that came first. The store is the ledger: a
part that failed, or a whole job that was cut off, is started again and reads what is missing.

All workers use one store (PostgreSQL) and see the photos under the same path (a shared folder).
When all parts are done, this flow compares everything, once.

A part whose process or machine dies can't say so. Each part therefore sends Prefect's heartbeats,
and Prefect's server marks the one that falls silent as crashed (``flows.automations``); it is
run again, by whichever worker is free.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import Field
from rich.console import Console

from flows.arrivals import Arrival, find_arrivals
from flows.automations import (
    LEAST_SECONDS_OF_SILENCE,
    PART_TAG,
    PART_VARIABLES,
    crash_silent_parts,
)
from flows.batch import BATCH_SIZE, Job, NothingToDo, run_job
from flows.given import given_now, settled_now
from flows.kept import NONE
from flows.link import ServerLost
from flows.naming import common_region, short_time
from flows.parameters import (
    UNCLAIMED,
    BatchSize,
    ElectionName,
    ExistingPath,
    ExpectedRegions,
    FormId,
    RegionsTable,
    Seconds,
    Workers,
)
from flows.pool import Engine, ReadingPool, default_workers
from flows.progress import reporter
from flows.quiet_prefect import Cancelled, FlowRun, StateType, flow, get_client, run_deployment
from flows.summary import Summary
from flows.transient import is_transient
from models.elections import election_called
from models.errors import ChasilError
from models.regions import Level, RegionTable
from models.store.known_files import KnownFiles
from models.store.store import Store
from pipeline.intake import read_manifest
from pipeline.read import load_reader, read_file

PART_DEPLOYMENT = "process/batch"
SECONDS_BETWEEN_LOOKS = 5.0
LOOKS_WITHOUT_SERVER = 24
"""So often the server may fail to answer in a row (with the client's own tries: some minutes)."""

SECONDS_FOR_WORKERS = 3600.0
"""How long no part may be at work, unless another time is given."""

SECONDS_OF_SILENCE = 180.0
"""How long a part may give no sign of life, unless another time is given."""

TRIES_A_PART = 3
"""So often a part may be run, if its process dies."""

SECONDS_UNTIL_TOLD = 60.0
"""When it is said for the first time; then after 4, 16 and 64 times as long."""

NOT_STARTED = (StateType.SCHEDULED, StateType.PENDING, StateType.PAUSED)
ENDED = (StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED)

ENGINE = Engine(load=load_reader, read=read_file)


class PartsFailed(ChasilError):
    """Some parts of the job did not reach their end."""

    code = "parts_failed"
    remedy = (
        "Their pages in Prefect say why. Start this flow again: parts that are done find all their "
        "photos read and take seconds. Nothing is compared until all parts are done."
    )


class NoWorker(ChasilError):
    """Nobody runs the parts of the job."""

    code = "no_worker"
    remedy = (
        "This flow holds a worker's slot itself: start one more, `prefect worker start --pool "
        "chasil --limit 1`, on a machine that sees the photos. If workers run, look whether the "
        "work pool or the deployment is paused or at its limit (`prefect work-pool ls`)."
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One child run."""

    only: str
    """A region's code, or ``none`` for photos that don't say."""
    photos: int

    @property
    def name(self) -> str:
        """What it reads, in words."""
        return self.only if self.only != UNCLAIMED else "photos without a TPS"


def split(arrivals: Sequence[Arrival], level: Level = Level.KECAMATAN) -> tuple[Part, ...]:
    """Parts by region, the largest first, so that the last workers don't wait long."""
    photos = Counter(one.tps[:level] if one.tps else UNCLAIMED for one in arrivals)
    return tuple(
        Part(only, count) for only, count in sorted(photos.items(), key=lambda one: (-one[1], one))
    )


@flow(name="process-all", flow_run_name=lambda: f"process all, {short_time()}")
def process_all(
    photos: Sequence[ExistingPath],
    entries: ExistingPath | None = None,
    election: ElectionName | None = None,
    manifest: ExistingPath | None = None,
    regions: RegionsTable | None = None,
    expect: ExpectedRegions | None = None,
    form: FormId | None = None,
    workers: Workers | None = None,
    batch_size: BatchSize = BATCH_SIZE,
    at_once: Annotated[int, Field(ge=1, le=1000)] = 4,
    wait_for_workers: Seconds = SECONDS_FOR_WORKERS,
    dead_after: Annotated[float, Field(ge=LEAST_SECONDS_OF_SILENCE)] = SECONDS_OF_SILENCE,
    deployment: str = PART_DEPLOYMENT,
) -> Summary:
    """Read photos on all workers, part by part, and compare everything at the end.

    Args:
        photos: Folders and files, under a path that all workers see.
        entries: Reported numbers; imported here.
        election: Which election the entries are of, where their path does not say it.
        manifest: CSV ``photo,tps``, under a path that all workers see.
        regions: Table of regions, as for ``process``; what earlier runs were given counts on.
        expect: Regions by commas; each of their TPS must have photos, likewise.
        form: Id of the form that every TPS owes, likewise.
        workers: Reading processes of each part, and of the comparison here; one a processor if
            not given.
        batch_size: Photos a task run.
        at_once: Parts that may run at the same time; more wait here and not in the queue.
        wait_for_workers: Seconds to wait while no worker takes any part.
        dead_after: Seconds without a sign of life after which a part's process counts as dead,
            and the part is run again.
        deployment: What runs a part.

    Raises:
        PartsFailed: parts did not reach their end.
        NoWorker: no part was started in time.
        ServerLost: Prefect's server does not come back.
        ChasilError: as ``process``.

    """
    given_photos = [path.absolute() for path in photos]
    arrivals = find_arrivals(given_photos, read_manifest(manifest) if manifest else None)
    if not arrivals:
        raise NothingToDo(f"no files in {', '.join(map(str, photos))}")
    with Store.open() as store:
        given = given_now(store, expect=expect, regions=regions, form=form)
        table = settled_now(store, given).table
    parameters = {
        "photos": [str(path) for path in given_photos],
        "manifest": None if manifest is None else str(manifest.absolute()),
        "regions": None if regions is None or str(regions) == NONE else str(regions.absolute()),
        "workers": workers,
        "batch_size": batch_size,
        "compare": False,
    }
    crash_silent_parts(dead_after)
    with reporter(Console(stderr=True)) as progress:
        progress.begin(len(arrivals))
        parts = Parts(deployment, parameters, table, progress.tell, wait_for_workers)
        for done in parts.run_all(split(arrivals), at_once):
            progress.advance(done.photos)
    with (
        Store.open() as store,
        KnownFiles.open() as known,
        ReadingPool(ENGINE, 1) as pool,
        reporter(Console(stderr=True)) as progress,
    ):
        claimed = {one.tps for one in arrivals if one.tps}
        where = common_region(claimed, table)
        return run_job(
            Job(store, known, pool, progress, given),
            (),
            entries=[entries] if entries else [],
            election=election_called(election) if election else None,
            batch_size=batch_size,
            processes=workers or default_workers(),
            name=f"process all {len(arrivals):,} photos{f' of {where}' if where else ''}, "
            f"{short_time()}",
            touched=claimed,
        )


class Parts:
    """Child runs of a deployment, a few at a time."""

    def __init__(
        self,
        deployment: str,
        parameters: Mapping[str, object],
        table: RegionTable,
        tell: Callable[[str], object],
        patience: float = SECONDS_FOR_WORKERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Run nothing yet.

        Args:
            deployment: What runs a part.
            parameters: Of every part.
            table: Names of regions.
            tell: Is told where no worker takes the parts, and which part died.
            patience: Seconds to wait while none does.
            clock: Gives seconds.

        """
        self._deployment = deployment
        self._parameters = parameters
        self._table = table
        self._tell = tell
        self._patience = patience
        self._clock = clock
        self._unanswered = 0

    def run_all(self, parts: Sequence[Part], at_once: int) -> Iterator[Part]:
        """Run all of them; gives each that is done. One whose process died is run again, last.

        Raises:
            PartsFailed: some failed, after all others were done.
            NoWorker: for too long none was running, and none began. Those that wait in the work
                pool are taken back.
            ServerLost: the server does not come back.

        """
        waiting = deque(parts)
        running: dict[Part, FlowRun] = {}
        failed: list[str] = []
        tries: Counter[Part] = Counter()
        idle = _Idle(self._tell, self._patience, self._clock)
        while waiting or running:
            while waiting and len(running) < at_once:
                part = waiting.popleft()
                running[part] = self._start(part)
                tries[part] += 1
            time.sleep(SECONDS_BETWEEN_LOOKS)
            is_at_work = False
            for part, flow_run in tuple(running.items()):
                state = self._state(flow_run)
                is_at_work |= state not in NOT_STARTED
                if state not in ENDED:
                    continue
                del running[part]
                if state is StateType.COMPLETED:
                    yield part
                elif state is StateType.CRASHED and tries[part] < TRIES_A_PART:
                    self._tell(
                        f"The process that read {part.name} died ({flow_run.name}), or its machine "
                        "did. This part is started again; only what is missing is read."
                    )
                    waiting.append(part)
                else:
                    often = f" {tries[part]} times" if tries[part] > 1 else ""
                    failed.append(f"{part.name} ({flow_run.name}: {state.value.lower()}{often})")
            try:
                idle.look(is_at_work, len(running))
            except NoWorker:
                self._take_back(running.values())
                raise
        if failed:
            raise PartsFailed(f"{len(failed)} of {len(parts)} parts: {', '.join(failed)}")

    def _start(self, part: Part) -> FlowRun:
        where = self._table.region(part.only).name if part.only in self._table else part.name
        started = run_deployment(
            self._deployment,
            parameters=dict(self._parameters) | {"only": part.only},
            flow_run_name=f"{part.photos:,} photos of {where}, {short_time()}",
            tags=[PART_TAG],
            job_variables=PART_VARIABLES,
            timeout=0,
        )
        return cast("FlowRun", started)  # a coroutine only in asynchronous code

    def _state(self, flow_run: FlowRun) -> StateType:
        """What a child run does; ``RUNNING`` while the server is away, for nobody knows better."""
        try:
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(flow_run.id).state
        except Exception as error:
            if not is_transient(error):
                raise
            self._unanswered += 1
            if self._unanswered >= LOOKS_WITHOUT_SERVER:
                raise ServerLost(f"Prefect's server does not come back: {error}") from error
            return StateType.RUNNING
        self._unanswered = 0
        return StateType.SCHEDULED if state is None else state.type

    def _take_back(self, flow_runs: Iterable[FlowRun]) -> None:
        """Cancel runs that no worker took, so that none begins when nobody waits for it."""
        with get_client(sync_client=True) as client:
            for flow_run in flow_runs:
                client.set_flow_run_state(flow_run.id, Cancelled(message="no worker took it"))


class _Idle:
    """How long no part is at work: told now and then, and not for ever."""

    def __init__(
        self,
        tell: Callable[[str], object],
        patience: float,
        clock: Callable[[], float],
    ) -> None:
        self._tell = tell
        self._patience = patience
        self._clock = clock
        self._since = clock()
        self._told = 0

    def look(self, is_at_work: bool, waiting: int) -> None:
        """Look at the clock.

        Raises:
            NoWorker: ``patience`` is over.

        """
        now = self._clock()
        if is_at_work or not waiting:
            self._since, self._told = now, 0
            return
        idle = now - self._since
        if idle >= self._patience:
            raise NoWorker(f"no worker took any of {waiting:,} parts for {_duration(idle)}")
        if idle >= SECONDS_UNTIL_TOLD * 4**self._told:
            self._told += 1
            self._tell(
                f"{_duration(idle)}: no worker takes any of the {waiting:,} parts that wait. "
                f"{NoWorker.remedy} It is given up after {_duration(self._patience)}."
            )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
