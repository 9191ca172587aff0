"""What a whole country takes, worked out from one store that was measured.

    python -m benchmarks.country --home HOME --photos FOLDER --seconds-a-page 0.20

Rows, bytes and photos a TPS are counted in the store that ``benchmarks.scale`` filled; the rest
are figures that other benchmarks print, given on the command line. Then photos arrive as they did
in 2024, hour by hour, and so many processors read them, oldest first: how long does the last
one wait, and when is everything read?

The arrival: by 27 February 2024, 13 days after the vote, 154,541 TPS were 24 % of those received,
so 78 % of 823,236 were there (KPU). How they came before that is assumed: none for 6 hours, half
of all within the first day, two thirds within two.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from models.store.home import DATABASE_NAME

TPS = 823_236
PAGES_A_TPS = 3

ARRIVED: tuple[tuple[float, float], ...] = (
    (0, 0.0),
    (6, 0.0),
    (12, 0.22),
    (24, 0.50),
    (48, 0.66),
    (13 * 24, 0.78),
)
"""Hours after the vote, and the share of TPS that had arrived."""

CORES = (4, 8, 16, 32, 64, 128)

FILE_BATCH = 100
"""Photos a task run."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a number of processors kept up."""

    most_waiting: int
    """Pages."""
    longest_wait_hours: float
    done_after_hours: float
    """After the vote; of what had arrived by the end of the curve."""


def arrivals(hours: np.ndarray, curve: Sequence[tuple[float, float]], pages: int) -> np.ndarray:
    """Pages that arrive in each of the steps that end at ``hours``, evenly between the points."""
    whole = np.interp(hours, [at for at, _ in curve], [share for _, share in curve]) * pages
    return np.diff(whole, prepend=0.0)


def keep_up(arriving: np.ndarray, step_hours: float, pages_an_hour: float) -> Course:
    """Read in the order of arrival; the wait is that of the last page of each step."""
    waiting = 0.0
    most = longest = done = 0.0
    for step, new in enumerate(arriving):
        waiting = max(0.0, waiting + new - pages_an_hour * step_hours)
        if new > 0:
            longest = max(longest, waiting / pages_an_hour)
            done = (step + 1) * step_hours + waiting / pages_an_hour
        most = max(most, waiting)
    return Course(round(most), longest, done)


def counted(home: Path) -> dict[str, tuple[int, float]]:
    """Table to its rows and its bytes in the database, indices included; SQLite only."""
    found: dict[str, tuple[int, float]] = {}
    with closing(sqlite3.connect(f"file:{home / DATABASE_NAME}?mode=ro", uri=True)) as database:
        sizes = database.execute(
            "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m "
            "ON s.name = m.name GROUP BY m.tbl_name"
        ).fetchall()
        for name, size in sizes:
            (rows,) = database.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608 - its own name
            if rows:
                found[name] = (rows, float(size))
    return found


def main() -> None:
    """Work it out and print it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.country",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--home", type=Path, required=True, help="a store that was filled")
    parser.add_argument("--store-tps", type=int, default=8417, help="TPS in that store")
    parser.add_argument("--seconds-a-page", type=float, required=True, help="of one processor")
    parser.add_argument("--flow-share", type=float, default=0.05, help="flow beside reading")
    parser.add_argument("--compare-seconds", type=float, default=10.0, help="whole store, once")
    parser.add_argument("--task-ms", type=float, default=29.0, help="a task run costs the server")
    parser.add_argument("--pages-written", type=float, help="pages a second the database takes")
    parser.add_argument("--core-hour", type=float, default=0.05, help="price")
    parser.add_argument("--gb-month", type=float, default=0.025, help="price")
    chosen = parser.parse_args()
    console = Console(width=110)
    pages = TPS * PAGES_A_TPS
    times = TPS / chosen.store_tps

    core_hours = pages * chosen.seconds_a_page * (1 + chosen.flow_share) / 3600
    hours = np.arange(0.1, 14 * 24, 0.1)
    arriving = arrivals(hours, ARRIVED, pages)
    busiest = arriving.max() / 360
    shown = Table(title=f"{pages:,} pages as they came in, {core_hours:,.0f} processor hours")
    for name in (
        "processors",
        "all at once, h",
        "most waiting, pages",
        "longest wait, h",
        "done, h",
    ):
        shown.add_column(name, justify="right")
    for cores in CORES:
        rate = cores * 3600 / (chosen.seconds_a_page * (1 + chosen.flow_share))
        course = keep_up(arriving, 0.1, rate)
        shown.add_row(
            f"{cores}",
            f"{pages / rate:,.1f}",
            f"{course.most_waiting:,}",
            f"{course.longest_wait_hours:,.1f}",
            f"{course.done_after_hours:,.1f}",
        )
    console.print(shown)

    kept = Table(title="Database")
    for name in ("table", "rows here", "rows, country", "GB, country"):
        kept.add_column(name, justify="right" if name != "table" else "left")
    whole_rows = whole_bytes = 0.0
    for name, (rows, size) in sorted(counted(chosen.home).items(), key=lambda one: -one[1][1]):
        whole_rows += rows * times
        whole_bytes += size * times
        kept.add_row(name, f"{rows:,}", f"{rows * times:,.0f}", f"{size * times / 1e9:,.2f}")
    kept.add_row("all", "", f"{whole_rows:,.0f}", f"{whole_bytes / 1e9:,.1f}")
    console.print(kept)

    photos = [file.stat().st_size for file in (chosen.home / "photos").glob("*/*")]
    photo_gb = float(np.mean(photos)) * pages / 1e9 if photos else float("nan")
    rest = Table(title="The rest")
    rest.add_column("")
    rest.add_column("", justify="right")
    price = core_hours * chosen.core_hour
    for name, value in (
        ("pages a second at the busiest time", f"{busiest:,.1f}"),
        ("photos in the object store", f"{pages:,} files, {photo_gb:,.0f} GB"),
        ("task runs", f"{pages / FILE_BATCH:,.0f}"),
        ("Prefect's server, all of them", f"{pages / FILE_BATCH * chosen.task_ms / 6e4:,.0f} min"),
        ("comparing everything, one process", f"{chosen.compare_seconds * times / 60:,.0f} min"),
        (
            "writing everything, one database",
            f"{pages / chosen.pages_written / 3600:,.1f} h" if chosen.pages_written else "-",
        ),
        ("price of reading", f"{price:,.0f}"),
        (
            "price of keeping, a month",
            f"{(photo_gb + whole_bytes / 1e9) * chosen.gb_month:,.0f}",
        ),
    ):
        rest.add_row(name, value)
    console.print(rest)


if __name__ == "__main__":
    main()
