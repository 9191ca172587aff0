"""What a reprocessing would do, and how long it would take: nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median

from rich.table import Table

from flows.given import settled_now
from flows.kept import NOTHING_GIVEN
from flows.summary import EntryCounts
from models.elections import Election
from models.errors import EntriesFileError
from models.records import Entry, Record, TpsCode
from models.store.items import Batch
from models.store.selection import ChosenPhoto
from models.store.store import Store
from pipeline.entries import read_entries

RUNS_MEASURED = 5
"""Earlier runs whose rate counts: the newest that read at least ``PAGES_MEASURED`` pages."""

PAGES_MEASURED = 10


class Plan(Record):
    """What would run."""

    recipe: str
    photos: int
    """Chosen."""
    stale: int
    """Those among them that the present recipe has not read."""
    stale_tps: tuple[TpsCode, ...]
    tps: int
    """TPS of the chosen photos."""
    without_tps: int
    """Chosen photos that claim no TPS."""
    entries: EntryCounts | None
    """``None`` where no entries were given."""
    changed_fields: int
    """Reported numbers that would be others than those that count now."""
    changed_tps: tuple[TpsCode, ...]
    pages_a_second: float | None
    """Measured in earlier runs of this store; ``None`` where none read enough."""
    seconds: float | None
    """Of reading and comparing; ``None`` where it can't be told."""


def plan(
    store: Store,
    photos: Iterable[ChosenPhoto],
    recipe: str,
    entries: Path | None = None,
    *,
    election: Election | None = None,
) -> Plan:
    """Work out what a reprocessing would do; ``election`` is the one that the entries are of.

    Raises:
        EntriesFileError: nothing in the file of entries could be used.

    """
    chosen = tuple(photos)
    stale = [photo for photo in chosen if photo.is_stale]
    runs = store.history.finished(limit=50)
    rate = _rate(runs)
    seconds = 0.0 if not stale else None if rate is None else len(stale) / rate
    counts: EntryCounts | None = None
    news: tuple[Entry, ...] = ()
    if entries is not None:
        problems: list[EntriesFileError] = []
        owed = settled_now(store, NOTHING_GIVEN).owed
        said, news = store.preview_entries(
            read_entries(entries, election=election, owed=owed, on_problem=problems.append)
        )
        if problems and not (said.new or said.revised or said.unchanged):
            raise problems[0]
        counts = EntryCounts(
            new=said.new,
            revised=said.revised,
            unchanged=said.unchanged,
            unusable=len(problems),
            overtaken=said.overtaken,
        )
    changed = _changed(store, news)
    return Plan(
        recipe=recipe,
        photos=len(chosen),
        stale=len(stale),
        stale_tps=tuple(dict.fromkeys(photo.tps for photo in stale if photo.tps)),
        tps=len({photo.tps for photo in chosen if photo.tps}),
        without_tps=sum(photo.tps is None for photo in chosen),
        entries=counts,
        changed_fields=len(changed),
        changed_tps=tuple(sorted({tps for tps, _, _ in changed})),
        pages_a_second=rate,
        seconds=None if seconds is None else seconds + _besides_reading(runs),
    )


def _rate(runs: Iterable[Batch]) -> float | None:
    """Median pages a second of the newest runs that read enough."""
    rates = [
        run.summary["pages_read_now"] / run.summary["seconds_reading"]
        for run in runs
        if run.summary
        and run.summary.get("pages_read_now", 0) >= PAGES_MEASURED
        and run.summary.get("seconds_reading")
    ]
    return median(rates[:RUNS_MEASURED]) if rates else None


def _besides_reading(runs: Iterable[Batch]) -> float:
    """Seconds that the newest run took for all but reading."""
    for run in runs:
        if run.summary and "seconds" in run.summary:
            reading = float(run.summary.get("seconds_reading", 0.0))
            return max(0.0, float(run.summary["seconds"]) - reading)
    return 0.0


def _changed(store: Store, news: Iterable[Entry]) -> set[tuple[str, str, str]]:
    """TPS, form and field of numbers that differ from those that count now."""
    arriving = list(news)
    known = {
        (entry.tps, entry.form): entry.fields
        for entry in store.latest_entries({entry.tps for entry in arriving})
    }
    return {
        (entry.tps, entry.form, name)
        for entry in arriving
        for name, number in entry.fields.items()
        if known.get((entry.tps, entry.form), {}).get(name) != number
    }


def plan_table(planned: Plan) -> Table:
    """The plan for a terminal."""
    table = Table(title="What would run (nothing was written)", title_justify="left")
    table.add_column("what")
    table.add_column("how many", justify="right")
    rows = [
        ("photos chosen", f"{planned.photos:,}"),
        ("  of TPS", f"{planned.tps:,}"),
        ("  that claim no TPS", f"{planned.without_tps:,}"),
        ("to read again", f"{planned.stale:,}"),
        ("  of TPS", f"{len(planned.stale_tps):,}"),
        ("up to date", f"{planned.photos - planned.stale:,}"),
    ]
    if planned.entries:
        rows += [
            ("entries new", f"{planned.entries.new:,}"),
            ("entries revised", f"{planned.entries.revised:,}"),
            ("entries unchanged", f"{planned.entries.unchanged:,}"),
            ("entries not usable", f"{planned.entries.unusable:,}"),
            ("reported numbers that change", f"{planned.changed_fields:,}"),
            ("  of TPS", f"{len(planned.changed_tps):,}"),
        ]
    rate, seconds = planned.pages_a_second, planned.seconds
    rows.append(
        ("pages a second, as measured", "not measured yet" if rate is None else f"{rate:.1f}")
    )
    rows.append(("about", "unknown" if seconds is None else _duration(seconds)))
    for row in rows:
        table.add_row(*row)
    return table


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
