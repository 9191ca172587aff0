"""A whole kabupaten through the real flow in one go: rate, memory, store, and what is not reading.

    python -m benchmarks.scale make FOLDER           draw the photos, once (8 GB)
    python -m benchmarks.scale run FOLDER HOME       chasil process, watched from outside

A second ``run`` into the same home reads nothing: what it takes is what a re-run costs.

``make`` draws some forms, photographs their pages at ``field``, and files them under each of the
8,417 TPS of Kabupaten Bekasi: some bytes behind the picture's end make each file another one.
Entries are the forms' numbers, one in ten with a digit off. Most headers therefore name another
TPS than the file: tens of thousands of conflicts, which a store must be able to take as well.

``run`` starts ``chasil process`` as a user does, and looks at its processes every few seconds:
memory of the flow and of the readers, and the processor seconds of each. What the flow and
Prefect's server take beside the readers is orchestration; on a machine whose processors are all
busy reading, its share is what a run loses to it.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from fixtures.form import FORM, filled_form
from fixtures.pages import filled_page
from models.forms.template import load_form
from models.regions import load_regions
from models.store.home import HOME_VARIABLE
from models.store.store import Store

SEED = 9900
LONG_SIDE_PX = 2000
"""Of a photo; what Sirekap published of 2024 has 1,000 to 2,000."""

WRONG_ENTRIES = 0.1
SECONDS_BETWEEN_LOOKS = 5.0
TENTHS = 10

PHOTOS, ENTRIES = "photos", "entries.csv"

TICKS = os.sysconf("SC_CLK_TCK")


def draw(index: int) -> tuple[list[bytes], dict[str, int | None]]:
    """The photos of one form, page by page, and its numbers."""
    rng = np.random.default_rng([SEED, index])
    filled = filled_form(rng)
    photos = [
        filled_page(filled, page.number, index, rng, long_side_px=LONG_SIDE_PX).content
        for page in load_form(FORM).pages
    ]
    return photos, dict(filled.numbers)


def make(folder: Path, forms: int, tps: int) -> None:
    """Write photos and entries of so many TPS."""
    codes = load_regions().tps("3216")[:tps]
    with ProcessPoolExecutor() as pool:
        drawn = list(pool.map(draw, range(forms)))
    rng = random.Random(SEED)  # noqa: S311
    size = 0
    with (folder / ENTRIES).open("w", newline="", encoding="utf-8") as file:
        names = [name for name, number in drawn[0][1].items() if number is not None]
        writer = csv.writer(file)
        writer.writerow(["tps", *names])
        for place, code in enumerate(codes):
            photos, numbers = drawn[place % forms]
            here = folder / PHOTOS / code[:6] / code[:10]
            here.mkdir(parents=True, exist_ok=True)
            for page, content in enumerate(photos, start=1):
                own = content + f"\n{code}-{page}".encode()
                (here / f"{code}-{page}.jpg").write_bytes(own)
                size += len(own)
            reported = dict(numbers)
            if rng.random() < WRONG_ENTRIES:
                name = rng.choice(names)
                reported[name] = (reported[name] or 0) + rng.choice((1, 10, 100, 800))
            writer.writerow([code, *(reported[name] for name in names)])
    Console().print(
        f"{len(codes) * len(drawn[0][0]):,} photos of {forms} forms, {size / 1e9:.1f} GB"
    )


@dataclass(frozen=True, slots=True)
class Look:
    """One look at all processes of a run."""

    second: float
    pages: int
    flow_mb: float
    readers_mb: float
    """Of the largest reader."""
    server_mb: float


class Watched:
    """A command and its children, by what ``/proc`` says of them."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.began = time.monotonic()
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)  # noqa: S603
        self.seconds: dict[int, tuple[str, float]] = {}
        """Process to what it is and its processor seconds so far; those that ended stay."""
        self.while_reading = {"flow": 0.0, "reader": 0.0, "server": 0.0}
        """Processor seconds of each kind until the last page was read."""

    def look(self, pages: int) -> Look:
        """Memory now; processor seconds are noted."""
        mb = {"flow": 0.0, "reader": 0.0, "server": 0.0}
        for pid in _family(self.process.pid):
            try:
                role = self._role(pid)
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # It ended between two lines.
            self.seconds[pid] = (role, (int(stat[11]) + int(stat[12])) / TICKS)
            mb[role] = max(mb[role], resident * os.sysconf("SC_PAGE_SIZE") / 1e6)
        second = time.monotonic() - self.began
        return Look(second, pages, mb["flow"], mb["reader"], mb["server"])

    def _role(self, pid: int) -> str:
        if pid == self.process.pid:
            return "flow"
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return "reader" if b"multiprocessing" in words else "server"

    def note(self) -> None:
        """The run still reads."""
        self.while_reading = {role: self.spent(role) for role in self.while_reading}

    def spent(self, role: str) -> float:
        """Processor seconds of all processes of a kind."""
        return sum(seconds for kind, seconds in self.seconds.values() if kind == role)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield from _family(int(child))
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        if thread.name != str(pid):
            try:
                others = (thread / "children").read_text().split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            for child in others:
                yield from _family(int(child))


def run(folder: Path, home: Path, workers: int) -> list[Look]:
    """Run ``chasil process`` to its end and print what was seen."""
    home.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {HOME_VARIABLE: str(home)}
    command = [sys.executable, "-m", "flows.cli", "process", str(folder / PHOTOS)]
    command += ["--entries", str(folder / ENTRIES), "--workers", str(workers)]
    log = home.with_name(f"{home.name}-{time.strftime('%H%M%S')}.log")
    watched = Watched(command, environment, log)
    looks: list[Look] = []
    while watched.process.poll() is None:
        looks.append(watched.look(_pages_done(log)))
        if "\ncomparing" not in log.read_text(errors="replace"):
            watched.note()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    if watched.process.returncode:
        raise SystemExit(f"chasil process ended with {watched.process.returncode}: see {log}")
    with Store.open(home) as store:
        batch = store.latest_batch()
        if batch is None or batch.summary is None:
            raise SystemExit(f"no finished run in {home}")
        _report(looks, watched, batch.summary, home)
    return looks


def _pages_done(log: Path) -> int:
    """From the flow's own lines: "1,200 of 25,251 photos, …"."""
    done = re.findall(r"^([\d,]+) of [\d,]+ photos", log.read_text(errors="replace"), re.MULTILINE)
    return int(done[-1].replace(",", "")) if done else 0


def _report(looks: list[Look], watched: Watched, summary: dict[str, object], home: Path) -> None:
    console = Console(width=120)
    most = max(look.pages for look in looks)
    table = Table(title="As the run went on", title_justify="left")
    for name in ("pages", "minutes", "pages/s", "flow MB", "largest reader MB", "server MB"):
        table.add_column(name, justify="right")
    before = Look(0.0, 0, 0, 0, 0)
    for tenth in range(1, TENTHS + 1):
        here = next((look for look in looks if look.pages >= most * tenth / TENTHS), looks[-1])
        rate = (here.pages - before.pages) / max(here.second - before.second, 1e-9)
        table.add_row(
            f"{here.pages:,}",
            f"{here.second / 60:.1f}",
            f"{rate:.1f}",
            f"{here.flow_mb:.0f}",
            f"{here.readers_mb:.0f}",
            f"{here.server_mb:.0f}",
        )
        before = here
    console.print(table)
    during = watched.while_reading
    readers, flow, server = (during[role] for role in ("reader", "flow", "server"))
    after = watched.spent("flow") - flow
    seconds = float(str(summary["seconds"]))
    reading = float(str(summary["seconds_reading"]))
    pages = int(str(summary["pages_read_now"]))
    sizes = {
        part: sum(file.stat().st_size for file in home.glob(pattern) if file.is_file())
        for part, pattern in (
            ("database", "chasil.sqlite*"),
            ("photos", "photos/*/*"),
            ("Prefect's own", "prefect/**/*"),
        )
    }
    whole = Table(
        title=f"{pages:,} pages read, load {os.getloadavg()[2]:.1f}", title_justify="left"
    )
    whole.add_column("")
    whole.add_column("", justify="right")
    for name, value in (
        ("whole run", f"{seconds / 60:.1f} min"),
        ("of this, taking in and reading", f"{reading / 60:.1f} min"),
        ("comparing, queue, the rest", f"{seconds - reading:.1f} s"),
        ("pages a second while reading", f"{pages / reading:.2f}" if reading else "-"),
        ("processor seconds of the readers", f"{readers:,.0f}"),
        ("of the flow meanwhile (copies, store)", f"{flow:,.0f}"),
        ("of Prefect's server meanwhile", f"{server:,.0f}"),
        ("flow and server beside reading", f"{(flow + server) / readers:.1%}" if readers else "-"),
        ("of the flow afterwards (comparing, queue)", f"{after:,.0f}"),
        *((f"{part} on disk", f"{size / 1e9:.2f} GB") for part, size in sizes.items()),
        ("conflicts", f"{sum(dict(summary['conflicts']).values()):,}"),  # type: ignore[call-overload]
    ):
        whole.add_row(name, value)
    console.print(whole)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_subparsers(dest="what", required=True)
    making = what.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--forms", type=int, default=60, help="how many forms are drawn")
    making.add_argument("--tps", type=int, default=8417)
    running = what.add_parser("run")
    running.add_argument("folder", type=Path)
    running.add_argument("home", type=Path)
    running.add_argument("--workers", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    if chosen.what == "make":
        chosen.folder.mkdir(parents=True, exist_ok=True)
        make(chosen.folder, chosen.forms, chosen.tps)
    else:
        run(chosen.folder, chosen.home, chosen.workers)


if __name__ == "__main__":
    main()
