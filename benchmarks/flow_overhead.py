"""What store and Prefect cost: the flow's reading rate against that of a bare process pool.

``python -m benchmarks.flow_overhead`` draws the demo's photos, makes as many different files of
them as asked for (some bytes behind the picture's end change the hash and nothing else), reads
them twice and prints a table. ``--fake MS`` reads text files instead that keep a worker waiting
for so many milliseconds: the overhead alone, whatever the machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fixtures import fake_reading
from fixtures.sample import make_sample
from flows.pool import Engine, PhotoJob, default_workers, read_job, start_worker
from models.errors import ErrorRecord
from models.store.home import HOME_VARIABLE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--fake", type=float, metavar="MS")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[HOME_VARIABLE] = str(Path(folder) / "home")
        import flows.batch  # noqa: PLC0415 - Prefect's home is set by now

        if chosen.fake is not None:
            flows.batch.ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
            paths = _fake_photos(Path(folder), chosen.photos, chosen.fake / 1000)
        else:
            paths = _real_photos(Path(folder), chosen.photos)
        bare = _bare_rate(flows.batch.ENGINE, paths, chosen.workers)
        summary = flows.batch.run_process(
            [paths[0].parent], workers=chosen.workers, batch_size=chosen.batch_size
        )
    flow = summary.photos / summary.seconds_reading
    table = Table(
        title=f"{chosen.photos:,} photos, {chosen.workers} workers, "
        f"batches of {chosen.batch_size}, {os.cpu_count()} processors",
        title_justify="left",
    )
    table.add_column("")
    table.add_column("photos a second", justify="right")
    table.add_column("share", justify="right")
    table.add_row("bare process pool", f"{bare:.2f}", "100.0 %")
    table.add_row("flow: Prefect, store, copies", f"{flow:.2f}", f"{flow / bare:.1%}")
    Console().print(table)


def _bare_rate(engine: Engine, paths: list[Path], workers: int) -> float:
    """Photos a second of a pool that is warm and does nothing but read."""
    jobs = [PhotoJob(path.name, path, path.name) for path in paths]
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=start_worker,
        initargs=(engine, 600.0),
    ) as pool:
        for outcome in pool.map(read_job, jobs[: 2 * workers]):
            if isinstance(outcome, ErrorRecord):
                raise SystemExit(outcome.message)
        began = time.perf_counter()
        count = sum(1 for _ in pool.map(read_job, jobs))
        return count / (time.perf_counter() - began)


def _real_photos(folder: Path, count: int) -> list[Path]:
    make_sample(folder / "sample")
    pages = sorted((folder / "sample" / "photos").glob("3216*.jpg"))
    paths = []
    for number, page in enumerate(islice(cycle(pages), count)):
        path = folder / "photos" / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(page.read_bytes() + f"{number:06}".encode())
        paths.append(path)
    return paths


def _fake_photos(folder: Path, count: int, seconds: float) -> list[Path]:
    return [
        fake_reading.write_photo(
            folder / "photos" / f"{number:06}.jpg", seconds=seconds, salt=str(number)
        )
        for number in range(count)
    ]


if __name__ == "__main__":
    main()
