"""What a run costs when nothing is new: ``python -m benchmarks.second_run --photos 25251``.

Files as large as photos (their content is for the fake reader) are processed once, then again with
the memory of hashed files, and again without it. A first run's true time is reading: photos divided
by ``--rate`` pages a second. Prefect is left out; it adds the same seconds to each run. On a busy
machine the processor's own seconds (one thread) say more than the clock.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fixtures import fake_reading
from flows.arrivals import find_arrivals
from flows.pool import Engine, ReadingPool
from flows.progress import LineReporter
from flows.run import Run
from models.store.known_files import SETTLE_SECONDS, KnownFiles
from models.store.store import Store

ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=3000)
    parser.add_argument("--kilobytes", type=int, default=150)
    parser.add_argument("--rate", type=float, default=8.0, help="pages a second of a first run")
    parser.add_argument("--batch-size", type=int, default=100)
    chosen = parser.parse_args()
    table = Table(title=f"{chosen.photos:,} photos of {chosen.kilobytes} kB", title_justify="left")
    for column in (
        "",
        "look s",
        "take in s",
        "compare s",
        "sum s",
        "CPU s",
        "share by clock",
        "by CPU",
    ):
        table.add_column(column, justify="right" if column else "left")
    first = chosen.photos / chosen.rate
    with tempfile.TemporaryDirectory(dir=os.environ.get("CHASIL_BENCH")) as folder:
        home, photos = Path(folder) / "home", Path(folder) / "photos"
        for number in range(chosen.photos):
            code = f"3216{number // 3 + 1:09}"
            salt = f"{number:08}" * (chosen.kilobytes * 125)
            fake_reading.write_photo(photos / f"{code}-{number % 3}.jpg", number % 3 + 1, salt=salt)
        time.sleep(SETTLE_SECONDS + 0.5)
        with KnownFiles.open(home) as known:
            _run(home, photos, known, chosen.batch_size)
            runs = {
                "again, files known": _run(home, photos, known, chosen.batch_size),
                "again, all hashed": _run(home, photos, None, chosen.batch_size),
            }
    for name, seconds in runs.items():
        clock, processor = sum(seconds[:3]), seconds[3]
        row = [f"{one:.1f}" for one in (*seconds[:3], clock, processor)]
        table.add_row(name, *row, f"{clock / first:.2%}", f"{processor / first:.2%}")
    Console().print(table)


def _run(
    home: Path, photos: Path, known: KnownFiles | None, batch_size: int
) -> tuple[float, float, float, float]:
    """Seconds to look, to take in and read what is new, to compare; and of this processor."""
    with Store.open(home) as store, ReadingPool(ENGINE, 1) as pool:
        run = Run(store, pool, LineReporter(lambda _: None), known)
        processor = time.process_time()
        began = time.perf_counter()
        arrivals = find_arrivals([photos])
        looked = time.perf_counter()
        run.read_all(arrivals, batch_size, run.read)
        taken = time.perf_counter()
        run.compare()
        run.finish()
        compared = time.perf_counter()
        processor = time.process_time() - processor
        return looked - began, taken - looked, compared - taken, processor


if __name__ == "__main__":
    main()
