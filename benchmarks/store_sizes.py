"""How fast the store writes, and how much room a page takes: SQLite and PostgreSQL.

    python -m benchmarks.store_sizes DEMO/home/chasil.sqlite

Takes the real readings of a store (made by ``chasil demo``), writes them again and again under
other hashes into an empty one of each kind, 200 a transaction, and prints a table.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy import text

from fixtures.databases import Databases
from fixtures.servers import postgresql_server
from models.records import Entry, PageReading
from models.store.items import Upload
from models.store.shelf import KeptPhoto
from models.store.store import Store

PAGES, AT_ONCE = 3000, 200
ENTRIES = 5000


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path, help="the SQLite file of a store with readings")
    source = parser.parse_args().store.absolute()
    with Store.open(source.parent) as store:
        batch = store.latest_batch()
        if batch is None:
            raise SystemExit(f"{source} holds no finished run")
        pages = list(islice(store.current_readings(batch.recipe), 300))
        pages = [page for page in pages if page.sha256 and page.fields]
        entries = list(store.latest_entries())
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder:
        print("| database | pages/s | kB a page | entries/s | kB an entry |")
        print("|---|---|---|---|---|")
        for kind in (Databases(), Databases(server)):
            _measure(kind, Path(folder) / kind.kind, pages, entries)


def _measure(
    kind: Databases, home: Path, pages: Sequence[PageReading], entries: Sequence[Entry]
) -> None:
    home.mkdir()
    with kind.open(home) as store:
        empty = _size(kind, home)
        batch = store.begin_batch("a" * 64)
        copies = [
            pages[number % len(pages)].model_copy(
                update={"sha256": hashlib.sha256(str(number).encode()).hexdigest()}
            )
            for number in range(PAGES)
        ]
        seconds = 0.0
        for start in range(0, PAGES, AT_ONCE):
            some = copies[start : start + AT_ONCE]
            began = time.perf_counter()
            store.add_uploads(
                batch,
                [Upload(p.photo, KeptPhoto(str(p.sha256), 1, None), p.tps) for p in some],
            )
            store.add_readings("a" * 64, [[page] for page in some])
            seconds += time.perf_counter() - began
        with_pages = _size(kind, home)
        reported = [
            entries[n % len(entries)].model_copy(update={"tps": f"{n:013}"}) for n in range(ENTRIES)
        ]
        began = time.perf_counter()
        store.add_entries(reported)
        seconds_entries = time.perf_counter() - began
        with_entries = _size(kind, home)
    print(
        f"| {kind.kind} | {PAGES / seconds:,.0f} | {(with_pages - empty) / PAGES / 1000:.1f} "
        f"| {ENTRIES / seconds_entries:,.0f} | {(with_entries - with_pages) / ENTRIES / 1000:.2f} |"
    )


def _size(kind: Databases, home: Path) -> int:
    """Bytes of the database, its write-ahead log put in."""
    with kind.connected(home) as connection:
        if kind.kind == "postgresql":
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar()
            return int(size or 0)
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return (home / "chasil.sqlite").stat().st_size


if __name__ == "__main__":
    main()
