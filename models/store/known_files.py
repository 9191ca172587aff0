"""What this machine remembers of files it has hashed, so that it need not hash them again.

A small SQLite file beside the store. It is no ledger: it belongs to one machine, says nothing
about what was read, and may be deleted at any time; then every file is hashed once more.

A file counts as unchanged while its path, size, inode, and the times of its last write and last
change of status are the same to the nanosecond. What was written within ``SETTLE_SECONDS``
before it was hashed is not remembered: a second write could leave the same times (FAT keeps
them to 2 s, and Git knows the same trap as "racily clean").
"""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from models.store.errors import StoreError
from models.store.home import chasil_home

FILE_NAME = "files.sqlite"
LAYOUT = 1
"""Of the tables; a file of another layout is begun anew."""

SETTLE_SECONDS = 2.0
BUSY_SECONDS = 60.0
PATHS_AT_ONCE = 500

_TABLES = """
CREATE TABLE hashed (
  path TEXT PRIMARY KEY, size INTEGER, written INTEGER, changed INTEGER, inode INTEGER, sha256 TEXT
) WITHOUT ROWID;
CREATE TABLE sighted (
  root TEXT, path TEXT, size INTEGER, written INTEGER, changed INTEGER, inode INTEGER, at REAL,
  PRIMARY KEY (root, path)
) WITHOUT ROWID;
CREATE TABLE imported (
  store TEXT, path TEXT, size INTEGER, written INTEGER, changed INTEGER, inode INTEGER,
  PRIMARY KEY (store, path)
) WITHOUT ROWID;
"""


class FileMemoryError(StoreError):
    """The memory of hashed files is broken."""

    code = "file_memory"
    remedy = (
        "Check that the disk has room, then delete that file: it only saves time. Every photo is "
        "hashed once more, and nothing is lost."
    )


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the operating system says of a file without opening it."""

    size: int
    """Bytes."""
    written: int
    """Time of the last write, ns since 1970."""
    changed: int
    """Time of the last write, rename, or change of mode, ns since 1970."""
    inode: int

    def settled(self, now: float) -> bool:
        """Whether nothing happened to it in the last ``SETTLE_SECONDS`` before ``now`` (s)."""
        return max(self.written, self.changed) < (now - SETTLE_SECONDS) * 1e9


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file as it was last seen."""

    stamp: Stamp
    at: float
    """When, s since 1970."""


def stamp_of(path: Path) -> Stamp | None:
    """A file's stamp; ``None`` where there is no regular file to be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


class KnownFiles:
    """The open memory. Close it, or use it in a ``with`` block. For one thread."""

    def __init__(self, path: Path) -> None:
        """Open it, and make it where it is missing.

        Raises:
            FileMemoryError: it can't be opened, or is no database.

        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._make_tables()
        except (OSError, sqlite3.Error) as error:
            raise self._broken(error) from error

    @classmethod
    def open(cls, home: Path | None = None) -> Self:
        """Open the memory of this machine; ``home`` is ``chasil_home()`` if not given."""
        return cls((chasil_home() if home is None else home) / FILE_NAME)

    def close(self) -> None:
        """Close it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Hashes

    def hashes(self, stamps: Mapping[Path, Stamp]) -> dict[Path, str]:
        """SHA-256 of those files that are unchanged since they were hashed."""
        known: dict[Path, str] = {}
        paths = list(stamps)
        for start in range(0, len(paths), PATHS_AT_ONCE):
            some = {str(path): path for path in paths[start : start + PATHS_AT_ONCE]}
            marks = ",".join("?" * len(some))
            for name, sha256, *stamp in self._run(
                f"SELECT path, sha256, size, written, changed, inode FROM hashed "  # noqa: S608 - marks
                f"WHERE path IN ({marks})",
                tuple(some),
            ):
                if Stamp(*stamp) == stamps[some[name]]:
                    known[some[name]] = sha256
        return known

    def remember(self, hashed: Iterable[tuple[Path, Stamp, str]], hashed_at: float) -> None:
        """Note hashes.

        Args:
            hashed: File, its stamp both before and after it was hashed, its SHA-256.
            hashed_at: A moment before the first of them was opened, s since 1970.

        """
        rows = [
            (str(path), stamp.size, stamp.written, stamp.changed, stamp.inode, sha256)
            for path, stamp, sha256 in hashed
            if stamp.settled(hashed_at)
        ]
        self._write("INSERT OR REPLACE INTO hashed VALUES (?,?,?,?,?,?)", rows)

    # Sightings, for a folder that is watched

    def sightings(self, root: Path) -> dict[Path, Sighting]:
        """All files that were seen at the last look into a folder."""
        rows = self._run(
            "SELECT path, at, size, written, changed, inode FROM sighted WHERE root = ?",
            (str(root),),
        )
        return {Path(path): Sighting(Stamp(*stamp), at) for path, at, *stamp in rows}

    def note_sightings(self, root: Path, seen: Mapping[Path, Stamp], gone: Iterable[Path]) -> None:
        """Keep what was seen now; the time stays where the stamp is the one known before."""
        now = time.time()
        rows = [
            (str(root), str(path), one.size, one.written, one.changed, one.inode, now)
            for path, one in seen.items()
        ]
        self._write(
            "INSERT INTO sighted VALUES (?,?,?,?,?,?,?) ON CONFLICT (root, path) DO UPDATE SET "
            "size=excluded.size, written=excluded.written, changed=excluded.changed, "
            "inode=excluded.inode, at=excluded.at",
            rows,
        )
        self._write(
            "DELETE FROM sighted WHERE root = ? AND path = ?",
            [(str(root), str(path)) for path in gone],
        )

    # Files of entries

    def imported(self, store: str) -> dict[Path, Stamp]:
        """Files of entries that were imported into a store, as they were then."""
        rows = self._run(
            "SELECT path, size, written, changed, inode FROM imported WHERE store = ?", (store,)
        )
        return {Path(path): Stamp(*stamp) for path, *stamp in rows}

    def note_imported(self, store: str, path: Path, stamp: Stamp) -> None:
        """Note that a file of entries is in the store."""
        row = (store, str(path), stamp.size, stamp.written, stamp.changed, stamp.inode)
        self._write("INSERT OR REPLACE INTO imported VALUES (?,?,?,?,?,?)", [row])

    # SQLite

    def _make_tables(self) -> None:
        (layout,) = self._connection.execute("PRAGMA user_version").fetchone()
        if layout == LAYOUT:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        (layout,) = self._connection.execute("PRAGMA user_version").fetchone()
        if layout != LAYOUT:  # two runs may begin at once
            for table in ("hashed", "sighted", "imported"):
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version={LAYOUT}")
        self._connection.execute("COMMIT")

    def _run(self, statement: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> FileMemoryError:
        return FileMemoryError(f"{self._path}: {error}", file=str(self._path))
