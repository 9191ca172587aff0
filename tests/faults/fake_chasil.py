"""``chasil`` with the fake reader, as a program of its own that a test may kill.

``python fake_chasil.py COMMAND …`` is the real command line. ``python fake_chasil.py plain PHOTOS
ENTRIES`` does the same run without Prefect, which takes seconds to start.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures import fake_reading
from flows.pool import Engine
from models.records import PageReading

if TYPE_CHECKING:
    from models.store.store import Store

# What only the main process needs is imported there: each reading process runs this file too.

LONGER_VARIABLE = "FAKE_LONGER_SECONDS"
"""How much longer each photo takes to read, so that a test can break in."""


def read(path: Path, reader: fake_reading.FakeReader, *, name: str) -> tuple[PageReading, ...]:
    """Read a fake photo, slowly where the test wants it."""
    time.sleep(float(os.environ.get(LONGER_VARIABLE, "0")))
    return fake_reading.read(path, reader, name=name)


ENGINE = Engine(load=fake_reading.load, read=read)
WORKERS, BATCH_SIZE = 2, 6

PAUSES_VARIABLE = "FAKE_PAUSES"
"""Folder in which a file tells where the run has stopped while it compares; it goes on when the
file is gone."""

PAUSES = {
    "pages": "CAST(readings.payload",
    "conflicts": "INSERT INTO conflicts",
    "history": "INSERT INTO field_history",
    "end": "UPDATE batches",
    "queue": "INSERT INTO queue_refreshes",
}
"""Name of a place to stop to the statement before which it is."""

BUSY_VARIABLE, PATIENCE_VARIABLE = "FAKE_BUSY_MILLISECONDS", "FAKE_PATIENCE_SECONDS"
"""Another ``BUSY_MILLISECONDS`` and another patience, where a test can't wait a minute."""


def pause_at_statements(store: Store, folder: Path) -> None:
    """Stop before the first statement of each of ``PAUSES``, inside its transaction."""
    from sqlalchemy import event

    waiting = dict(PAUSES)

    def look(*about: Any) -> None:  # noqa: ANN401
        for name, part in tuple(waiting.items()):
            if part in about[2]:
                del waiting[name]
                stopped = folder / name
                stopped.touch()
                while stopped.exists():
                    time.sleep(0.02)

    event.listen(store.connections.engine, "before_cursor_execute", look)


def plain(photos: Path, entries: Path) -> None:
    """One run, as ``flows.batch.process`` does it."""
    import typer

    from flows.arrivals import find_arrivals
    from flows.commands.friendly import show_error
    from flows.pool import ReadingPool
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
                if PAUSES_VARIABLE in os.environ:
                    pause_at_statements(store, Path(os.environ[PAUSES_VARIABLE]))
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
