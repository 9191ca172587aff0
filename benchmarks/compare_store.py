"""How long it takes to compare a whole kabupaten: all of it, nothing of it, and one TPS of it.

``python -m benchmarks.compare_store STORE [--tps 8417]`` takes the pages of a store that ``chasil
demo`` (or any run) made, puts them under the codes of Kabupaten Bekasi's TPS, each under bytes of
its own, with entries like those there, and times the steps of a run. Nothing is read.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from flows.changes import changed_since, context_of, standing
from flows.comparing import compare_store, reported_fields
from flows.diffing import diff_runs, finished_run
from flows.queueing import keep_cells, refresh_queue
from models.records import ConflictKind, Entry, PageReading, PageStatus
from models.regions import RegionTable, load_regions
from models.store.items import Upload
from models.store.shelf import KeptPhoto
from models.store.store import Store

FORM = "c-hasil-ppwp-2024"
RECIPE = "e" * 64


def sample_of(store: Store, recipe: str) -> list[tuple[list[PageReading], Entry | None]]:
    """The TPS of a store whose pages were read: their pages and entries."""
    by_tps: dict[str, list[PageReading]] = {}
    for page in store.current_readings(recipe):
        if page.tps and page.status is PageStatus.READ:
            by_tps.setdefault(page.tps, []).append(page)
    entries = {entry.tps: entry for entry in store.latest_entries(by_tps) if entry.form == FORM}
    return [(pages[:3], entries.get(tps)) for tps, pages in sorted(by_tps.items())]


def fill(store: Store, sample: list[tuple[list[PageReading], Entry | None]], tps: int) -> None:
    """Put the sample under so many codes."""
    codes = load_regions().tps()[:tps]
    batch = store.begin_batch(RECIPE)
    pairs = zip(codes, cycle(sample), strict=False)
    while some := list(islice(pairs, 200)):
        uploads: list[Upload] = []
        readings: list[list[PageReading]] = []
        entries: list[Entry] = []
        for code, (pages, entry) in some:
            for number, page in enumerate(pages):
                sha256 = hashlib.sha256(f"{code}/{number}".encode()).hexdigest()
                name = f"{code}-{number}.jpg"
                kept = KeptPhoto(sha256, 100_000, Path(name))
                uploads.append(Upload(name, kept, code, "photos"))
                told = {"photo": name, "tps": code, "sha256": sha256, "recipe": RECIPE}
                readings.append([page.model_copy(update=told)])
            if entry:
                entries.append(entry.model_copy(update={"tps": code}))
        store.add_uploads(batch, uploads)
        store.add_readings(RECIPE, readings)
        store.add_entries(entries)


class Clock:
    """Times the parts of what it is told to run."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float]] = []

    def time(self, what: str, part: str, work: Callable[[], object]) -> object:
        """Run it, and write down the seconds."""
        began = time.perf_counter()
        found = work()
        self.rows.append((what, part, time.perf_counter() - began))
        return found


def run(
    store: Store,
    clock: Clock,
    what: str,
    regions: RegionTable,
    *,
    everything: bool,
    processes: int,
) -> int:
    """The steps of ``flows.run.Run.compare`` and ``finish``, one by one."""
    batch = store.begin_batch(RECIPE)
    began = time.perf_counter()
    now = standing(store, RECIPE)
    context = context_of(regions, reported_fields(store, now))
    changed = changed_since(store, now, None if everything else store.latest_batch(), context)
    store.history.save_compared(batch, changed.signatures)
    if changed.carried_from is not None:
        store.history.carry_conflicts(
            changed.carried_from,
            batch,
            besides=set(changed.tps),
            besides_kind=ConflictKind.DUPLICATE_PHOTO,
        )
    clock.rows.append((what, "look what changed, carry over", time.perf_counter() - began))
    began = time.perf_counter()
    saving = 0.0
    for compared in compare_store(
        store, RECIPE, regions=regions, now=now, tps=changed.tps, processes=processes
    ):
        start = time.perf_counter()
        store.save_conflicts(batch, compared.conflicts)
        keep_cells(store, compared)
        store.history.save_fields(batch, compared.tps, compared.states)
        saving += time.perf_counter() - start
    clock.rows.append((what, "compare", time.perf_counter() - began - saving))
    clock.rows.append((what, "write conflicts, cells, history", saving))
    comparison = {
        "context": context,
        "tps": len(now.signatures),
        "compared": len(changed.tps),
        "carried_from": changed.carried_from,
        "builds_on": changed.builds_on,
    }
    store.finish_batch(batch, {"comparison": comparison})
    clock.time(what, "bring the queue up to it", lambda: refresh_queue(store))
    return batch


def show(rows: list[tuple[str, str, float]]) -> Iterator[str]:
    """Lines of a table, with a sum for each run."""
    for what in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == what]
        yield f"{what}"
        for _, part, seconds in mine:
            yield f"    {part:<40}{seconds:8.2f} s"
        yield f"    {'in all':<40}{sum(row[2] for row in mine):8.2f} s"


def main() -> None:
    """Fill a store, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path, help="home of a store that a run has filled")
    parser.add_argument("--tps", type=int, default=8417)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--home", type=Path, help="keep the large store here; reuse it if there")
    arguments = parser.parse_args()
    home = arguments.home or Path(tempfile.mkdtemp(prefix="chasil-compare-"))
    is_new = not home.exists() or not any(home.iterdir())
    clock = Clock()
    with Store.open(home) as store:
        if is_new:
            with Store.open(arguments.store) as small:
                batch = small.latest_batch()
                if batch is None:
                    raise SystemExit(f"{arguments.store} has no finished run")
                sample = sample_of(small, batch.recipe)
            clock.time(
                "fill", "uploads, readings, entries", lambda: fill(store, sample, arguments.tps)
            )
        regions = load_regions()
        options = {"processes": arguments.processes}
        first = run(store, clock, "everything", regions, everything=True, **options)
        run(store, clock, "nothing changed", regions, everything=False, **options)
        code = load_regions().tps()[0]
        (entry,) = store.latest_entries([code])
        fields = entry.fields | {"suara_paslon_1": 299}
        store.add_entries(
            [entry.model_copy(update={"fields": fields, "reported_at": datetime.now(UTC)})]
        )
        last = run(store, clock, "one TPS changed", regions, everything=False, **options)
        clock.time(
            "diff",
            "of the first and the last run",
            lambda: diff_runs(store, finished_run(store, first), finished_run(store, last)),
        )
        conflicts = sum(store.conflict_counts(last).values())
    print("\n".join(show(clock.rows)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = sum(file.stat().st_size for file in home.glob("chasil.sqlite*")) / 1e6
    print(f"{conflicts:,} conflicts; peak memory {peak:,.0f} MB; database {size:,.0f} MB in {home}")


if __name__ == "__main__":
    main()
