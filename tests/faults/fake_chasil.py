"""``chasil`` with the fake reader, as a program of its own that a test may kill.

``python fake_chasil.py COMMAND …`` is the real command line. ``python fake_chasil.py plain PHOTOS
ENTRIES`` does the same run without Prefect, which takes seconds to start.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import typer

from fixtures import fake_reading
from flows.pool import Engine, ReadingPool
from models.records import PageReading

LONGER_VARIABLE = "FAKE_LONGER_SECONDS"
"""How much longer each photo takes to read, so that a test can break in."""


def read(path: Path, reader: fake_reading.FakeReader, *, name: str) -> tuple[PageReading, ...]:
    """Read a fake photo, slowly where the test wants it."""
    time.sleep(float(os.environ.get(LONGER_VARIABLE, "0")))
    return fake_reading.read(path, reader, name=name)


ENGINE = Engine(load=fake_reading.load, read=read)
WORKERS, BATCH_SIZE = 2, 6

BUSY_VARIABLE, PATIENCE_VARIABLE = "FAKE_BUSY_MILLISECONDS", "FAKE_PATIENCE_SECONDS"
"""Another ``BUSY_MILLISECONDS`` and another patience, where a test can't wait a minute."""


def plain(photos: Path, entries: Path) -> None:
    """One run, as ``flows.batch.process`` does it."""
    from flows.arrivals import find_arrivals
    from flows.commands.friendly import show_error
    from flows.progress import LineReporter
    from flows.run import Run
    from models.errors import ChasilError
    from models.store import engine
    from models.store.connections import PATIENCE_SECONDS
    from models.store.store import Store

    engine.BUSY_MILLISECONDS = int(os.environ.get(BUSY_VARIABLE, engine.BUSY_MILLISECONDS))
    try:
        patience = float(os.environ.get(PATIENCE_VARIABLE, PATIENCE_SECONDS))
        with Store.open(patience=patience) as store, ReadingPool(ENGINE, WORKERS) as pool:
            run = Run(store, pool, LineReporter(lambda line: typer.echo(line, err=True)))
            run.import_entries(entries)
            run.read_all(find_arrivals([photos]), BATCH_SIZE, run.read)
            with store.one_comparison():
                run.compare()
                typer.echo(run.finish().model_dump_json())
    except ChasilError as error:
        show_error(error.record())
        sys.exit(1)


if __name__ == "__main__":  # not in the reading processes, which import this again
    if sys.argv[1] == "plain":
        plain(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        import flows.batch
        from flows.cli import main

        flows.batch.ENGINE = ENGINE
        main()
