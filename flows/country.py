"""A job too large for one machine: split, run as deployments on many workers, put together.

``process-all`` makes a run of the deployment ``process/batch`` for each kecamatan among the
photos (and one for photos that don't say which TPS they are of), a few at a time. The parts are
disjoint by what the uploads claim, so no photo is read twice on purpose; where two parts hold
copies of one picture, the store keeps the reading that came first. The store is the ledger: a
part that failed, or a whole job that was cut off, is started again and reads what is missing.

All workers use one store (PostgreSQL) and see the photos under the same path (a shared folder).
When all parts are done, this flow compares everything, once.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from pydantic import Field
from rich.console import Console

from flows.arrivals import Arrival, find_arrivals
from flows.batch import BATCH_SIZE, Job, NothingToDo, expected_tps, run_job
from flows.link import ServerLost
from flows.naming import common_region, short_time
from flows.parameters import UNCLAIMED, BatchSize, ExistingPath, RegionCode, Workers
from flows.pool import Engine, ReadingPool
from flows.progress import reporter
from flows.quiet_prefect import FlowRun, StateType, flow, get_client, run_deployment
from flows.summary import Summary
from flows.transient import is_transient
from models.errors import ChasilError
from models.regions import Level, RegionTable, load_regions, read_regions
from models.store.known_files import KnownFiles
from models.store.store import Store
from pipeline.intake import read_manifest
from pipeline.read import load_reader, read_file

PART_DEPLOYMENT = "process/batch"
SECONDS_BETWEEN_LOOKS = 5.0
LOOKS_WITHOUT_SERVER = 24
"""So often the server may fail to answer in a row (with the client's own tries: some minutes)."""

ENGINE = Engine(load=load_reader, read=read_file)


class PartsFailed(ChasilError):
    """Some parts of the job did not reach their end."""

    code = "parts_failed"
    remedy = (
        "Their pages in Prefect say why. Start this flow again: parts that are done find all their "
        "photos read and take seconds. Nothing is compared until all parts are done."
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One child run."""

    only: str
    """A region's code, or ``none`` for photos that don't say."""
    photos: int


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
    manifest: ExistingPath | None = None,
    regions: ExistingPath | None = None,
    expect: RegionCode | None = None,
    workers: Workers | None = None,
    batch_size: BatchSize = BATCH_SIZE,
    at_once: Annotated[int, Field(ge=1, le=1000)] = 4,
    deployment: str = PART_DEPLOYMENT,
) -> Summary:
    """Read photos on all workers, part by part, and compare everything at the end.

    Args:
        photos: Folders and files, under a path that all workers see.
        entries: Reported numbers; imported here.
        manifest: CSV ``photo,tps``, under a path that all workers see.
        regions: Table of regions, the same.
        expect: Code of a region; each of its TPS must have photos.
        workers: Reading processes of each part; one a processor if not given.
        batch_size: Photos a task run.
        at_once: Parts that may run at the same time; more wait here and not in the queue.
        deployment: What runs a part.

    Raises:
        PartsFailed: parts did not reach their end.
        ServerLost: Prefect's server does not come back.
        ChasilError: as ``process``.

    """
    given = [path.absolute() for path in photos]
    arrivals = find_arrivals(given, read_manifest(manifest) if manifest else None)
    if not arrivals:
        raise NothingToDo(f"no files in {', '.join(map(str, photos))}")
    table = load_regions() if regions is None else read_regions(regions)
    expected = expected_tps(table, expect)
    parameters = {
        "photos": [str(path) for path in given],
        "manifest": _sent(manifest),
        "regions": _sent(regions),
        "workers": workers,
        "batch_size": batch_size,
        "compare": False,
    }
    with reporter(Console(stderr=True)) as progress:
        progress.begin(len(arrivals))
        parts = Parts(deployment, parameters, table)
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
            Job(store, known, pool, progress, table, keeps_regions=regions is not None),
            (),
            entries=[entries] if entries else [],
            expected=expected,
            batch_size=batch_size,
            name=f"process all {len(arrivals):,} photos{f' of {where}' if where else ''}, "
            f"{short_time()}",
            touched=claimed,
        )


class Parts:
    """Child runs of a deployment, a few at a time."""

    def __init__(
        self, deployment: str, parameters: Mapping[str, object], table: RegionTable
    ) -> None:
        self._deployment = deployment
        self._parameters = parameters
        self._table = table
        self._unanswered = 0

    def run_all(self, parts: Sequence[Part], at_once: int) -> list[Part]:
        """Run all of them and wait for their ends.

        Raises:
            PartsFailed: some failed, after all others were done.
            ServerLost: the server does not come back.

        """
        waiting = deque(parts)
        running: dict[Part, FlowRun] = {}
        done: list[Part] = []
        failed: list[str] = []
        while waiting or running:
            while waiting and len(running) < at_once:
                part = waiting.popleft()
                running[part] = self._start(part)
            time.sleep(SECONDS_BETWEEN_LOOKS)
            for part, flow_run in tuple(running.items()):
                state = self._state(flow_run)
                if state is None:
                    continue
                del running[part]
                if state is StateType.COMPLETED:
                    done.append(part)
                else:
                    failed.append(f"{part.only} ({flow_run.name}: {state.value.lower()})")
        if failed:
            raise PartsFailed(f"{len(failed)} of {len(parts)} parts: {', '.join(failed)}")
        return done

    def _start(self, part: Part) -> FlowRun:
        where = self._table.region(part.only).name if part.only in self._table else part.only
        started = run_deployment(
            self._deployment,
            parameters=dict(self._parameters) | {"only": part.only},
            flow_run_name=f"{part.photos:,} photos of {where}, {short_time()}",
            timeout=0,
        )
        return cast("FlowRun", started)  # a coroutine only in asynchronous code

    def _state(self, flow_run: FlowRun) -> StateType | None:
        """How a child run ended; ``None`` while it has not, or while the server is away."""
        try:
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(flow_run.id).state
        except Exception as error:
            if not is_transient(error):
                raise
            self._unanswered += 1
            if self._unanswered >= LOOKS_WITHOUT_SERVER:
                raise ServerLost(f"Prefect's server does not come back: {error}") from error
            return None
        self._unanswered = 0
        return state.type if state is not None and state.is_final() else None


def _sent(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())
