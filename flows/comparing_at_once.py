"""A comparison of many TPS, shared out to processes that read the store themselves.

Each gets the keys of some hundred TPS, reads what it needs, compares, and gives back the rows that
are to be written: those alone are worth sending. One process writes.
"""

from __future__ import annotations

import multiprocessing
import pickle
import tempfile
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from sqlalchemy import URL

from flows.changes import Standing
from flows.comparing import (
    Compared,
    Share,
    Yardstick,
    compare_copies,
    compare_share,
    shares_of,
    yardstick_of,
)
from models.regions import RegionTable
from models.store.findings import Findings
from models.store.shelf import PhotoShelf
from models.store.store import Store

TPS_FOR_PROCESSES = 1500
"""From so many TPS on, processes are worth their start (about 1 s each)."""


def find_all(
    store: Store,
    batch: int,
    now: Standing,
    tps: Collection[str],
    regions: RegionTable | None,
    *,
    anew: bool = False,
    processes: int = 1,
    owed: str | None = None,
) -> Iterator[Findings]:
    """Compare some TPS, and all copies; what there is to write comes some hundred TPS at a time.

    Args:
        store: Photos, readings and entries. Call it within ``store.one_comparison()``.
        batch: The run that it is written under.
        now: What counts now.
        tps: Which TPS.
        regions: Table of regions to hold headers against.
        anew: Believe nothing that was worked out before.
        processes: How many compare; only where there are many TPS.
        owed: Id of the form that every TPS owes; ``None``: see ``owed_form``.

    """
    yardstick = yardstick_of(store, now, regions, anew=anew, owed=owed)
    shares = shares_of(now, tps)
    if processes > 1 and len(tps) >= TPS_FOR_PROCESSES:
        yield from _in_processes(store, batch, shares, yardstick, processes)
    else:
        for share in shares:
            yield findings_of(store, batch, compare_share(store, share, yardstick))
    yield findings_of(store, batch, compare_copies(store, now, yardstick))


def findings_of(store: Store, batch: int, compared: Compared) -> Findings:
    """What is to be written of a comparison; only reads the store."""
    found = store.findings(
        batch, compared.tps, compared.conflicts, compared.states, compared.progress
    )
    return replace(found, worked_out=compared.worked_out)


class _Worker:
    """What a comparing process keeps."""

    store: Store | None = None
    yardstick: Yardstick | None = None
    batch = 0


def _start_worker(url: URL, shelf: PhotoShelf, batch: int, yardstick: Path) -> None:
    _Worker.store = Store.again(url, shelf)
    _Worker.batch = batch
    # As ``multiprocessing`` itself would hand it over; this program wrote it a moment ago.
    _Worker.yardstick = pickle.loads(yardstick.read_bytes())  # noqa: S301


def _work(share: Share) -> Findings:
    if _Worker.store is None or _Worker.yardstick is None:
        raise RuntimeError("a comparing process was not set up")
    compared = compare_share(_Worker.store, share, _Worker.yardstick)
    return findings_of(_Worker.store, _Worker.batch, compared)


def _in_processes(
    store: Store,
    batch: int,
    shares: Iterator[Share],
    yardstick: Yardstick,
    processes: int,
) -> Iterator[Findings]:
    """Share out, two shares ahead for each process, and give the results in order."""
    with (
        tempfile.TemporaryDirectory(prefix="chasil-comparing-") as folder,
        ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
            initargs=(store.url, store.shelf, batch, Path(folder) / "yardstick"),
        ) as executor,
    ):
        # A table of regions is more than a pipe holds: processes would start one by one.
        (Path(folder) / "yardstick").write_bytes(pickle.dumps(yardstick))
        running = deque(executor.submit(_work, share) for share in islice(shares, 2 * processes))
        while running:
            done = running.popleft().result()
            running.extend(executor.submit(_work, share) for share in islice(shares, 1))
            yield done
