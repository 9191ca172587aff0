"""How long it takes to compare a whole kabupaten: all anew, with other entries, nothing, one TPS.

``python -m benchmarks.compare_store STORE [--tps 8417]`` takes the pages of a store that ``chasil
demo`` (or any run) made, puts them under the codes of Kabupaten Bekasi's TPS, each under bytes of
its own, with entries like those there, and times the steps of a run. Nothing is read. A store in
``--home`` that is there already is taken as it is: give a copy, for runs and entries are added.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from flows.changes import changed_since, context_of, standing
from flows.comparing import reported_fields
from flows.comparing_at_once import find_all
from flows.diffing import diff_runs, finished_run
from flows.queueing import refresh_queue
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


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds on the wall, and of processors: this process and those it has waited for."""

    wall: float
    processor: float


class Clock:
    """Times the parts of what it is told to run."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, Moment]] = []

    def now(self) -> Moment:
        """What the clocks say."""
        own, others = (
            resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        spent = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
        return Moment(time.perf_counter(), spent)

    def add(self, what: str, part: str, began: Moment) -> None:
        """Write down what a part took since it began."""
        now = self.now()
        took = Moment(now.wall - began.wall, now.processor - began.processor)
        self.rows.append((what, part, took))

    def time(self, what: str, part: str, work: Callable[[], object]) -> object:
        """Run it, and write down the seconds."""
        began = self.now()
        found = work()
        self.add(what, part, began)
        return found


def report_again(store: Store) -> None:
    """Every entry comes again with a later time, and of one in thirty a number is another."""
    later = datetime.now(UTC)
    again = []
    for place, entry in enumerate(store.latest_entries()):
        told: dict[str, object] = {"reported_at": later}
        if place % 30 == 0:
            told["fields"] = entry.fields | {"suara_paslon_1": place % 250}
        again.append(entry.model_copy(update=told))
    store.add_entries(again)


def run(
    store: Store,
    clock: Clock,
    what: str,
    regions: RegionTable,
    recipe: str,
    *,
    everything: bool,
    processes: int,
) -> int:
    """The steps of ``flows.run.Run.compare`` and ``finish``, one by one."""
    batch = store.begin_batch(recipe)
    began = clock.now()
    now = standing(store, recipe)
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
    clock.add(what, "look what changed, carry over", began)
    began = clock.now()
    for findings in find_all(
        store, batch, now, changed.tps, regions, anew=everything, processes=processes
    ):
        store.save_findings(batch, findings)
    clock.add(what, "compare, and write", began)
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


def show(rows: list[tuple[str, str, Moment]]) -> Iterator[str]:
    """Lines of a table, with a sum for each run."""
    for what in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == what]
        yield f"{what}"
        in_all = Moment(
            sum(took.wall for _, _, took in mine), sum(took.processor for _, _, took in mine)
        )
        for part, took in (*((part, took) for _, part, took in mine), ("in all", in_all)):
            yield f"    {part:<40}{took.wall:8.2f} s{took.processor:10.2f} s of processors"


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
        last = store.latest_batch()
        recipe = RECIPE if last is None else last.recipe
        regions = load_regions()
        options = {"processes": arguments.processes}
        first = run(store, clock, "everything anew", regions, recipe, everything=True, **options)
        run(store, clock, "nothing changed", regions, recipe, everything=False, **options)
        clock.time("entries", "all come again", lambda: report_again(store))
        run(store, clock, "all entries came again", regions, recipe, everything=False, **options)
        entry = next(store.latest_entries())
        fields = entry.fields | {"suara_paslon_1": 299}
        store.add_entries(
            [entry.model_copy(update={"fields": fields, "reported_at": datetime.now(UTC)})]
        )
        newest = run(store, clock, "one TPS changed", regions, recipe, everything=False, **options)
        clock.time(
            "diff",
            "of the first and the last run",
            lambda: diff_runs(store, finished_run(store, first), finished_run(store, newest)),
        )
        conflicts = sum(store.conflict_counts(newest).values())
    print("\n".join(show(clock.rows)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = sum(file.stat().st_size for file in home.glob("chasil.sqlite*")) / 1e6
    print(f"{conflicts:,} conflicts; peak memory {peak:,.0f} MB; database {size:,.0f} MB in {home}")


if __name__ == "__main__":
    main()
