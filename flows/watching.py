"""What is new in a folder that others write to: one look, and what to make of it.

A file is taken when nobody writes to it any more:

* it had the same size, inode and times at two looks at least ``LEAST_SECONDS_APART`` apart, or
* it was moved into place: its status changed after its last write (a rename, ``cp -p``, ``rsync``
  and ``tar`` leave it so; a write sets both times at once), or it was seen before under a
  temporary name.

Where that guess is wrong, the half picture is rejected as truncated, and its bytes change later:
then it comes in again. Temporary names and hidden files are passed over.

The store says what came in before; nothing here must be kept for that. What is remembered on this
machine (``KnownFiles``) saves hashing, and holds the last look. The folder is looked through and
not listened to: inotify tells nothing of what other machines write to a network share.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.arrivals import Arrival
from models.errors import ChasilError
from models.store.known_files import KnownFiles, Sighting, Stamp, stamp_of
from models.store.store import Store
from pipeline.intake import claimed_tps

LEAST_SECONDS_APART = 1.0

ENTRIES_NAME = re.compile(r"\.(json|csv)(\.gz)?$")

TEMPORARY_SUFFIXES = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", "~")
"""What browsers, WinSCP, rsync, wget and editors write to before they rename."""

MANY_GONE = 10
"""Where so many files were and none is, the share is more likely gone than its files."""


class FolderAway(ChasilError):
    """The watched folder can't be seen now."""

    code = "folder_away"
    remedy = (
        "See that the folder or the network share is mounted and may be read. The next look tries "
        "again; nothing is lost."
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What one look into a folder found."""

    ready: tuple[Arrival, ...]
    """New or changed, whole, and not in the store yet."""
    waiting: int
    """Files that somebody may still be writing to."""
    replaced: tuple[str, ...]
    """Names among ``ready`` under which another picture came in before."""
    filed: tuple[str, ...]
    """Names among ``ready`` that only the manifest files under another TPS than before."""
    gone: tuple[str, ...]
    """Names that were there at the last look. The store keeps their photos."""


def look(root: Path, store: Store, known: KnownFiles, manifest: Mapping[str, str] | None) -> Look:
    """Look through a folder once.

    A row of the manifest counts whenever it comes: a photo that came in before its row, or under
    another TPS, is filed anew. A row that is gone changes nothing.

    Raises:
        FolderAway: it can't be read, or all of its many files are gone at once.

    """
    root = root.absolute()
    before = known.sightings(root)
    seen = _seen(root, before)
    arriving = {one.stamp.inode for path, one in before.items() if is_temporary(path)}
    whole = {
        path: stamp
        for path, stamp in seen.items()
        if not is_temporary(path) and is_whole(stamp, before.get(path), arriving)
    }
    remembered = known.hashes(whole)
    came = store.uploads_of(root.name)
    ready: list[Arrival] = []
    replaced: list[str] = []
    filed: list[str] = []
    for path, stamp in sorted(whole.items()):
        name = path.relative_to(root).as_posix()
        sha256, read, filed_under = came.get(name, (None, False, None))
        listed = _listed(path, name, manifest)
        if name in came:
            if sha256 is None and path in before and before[path].stamp == stamp:
                continue  # it could not be opened, and nothing has changed
            now = remembered.get(path) or _hashed(path, stamp, known)
            moved = now == sha256 and listed is not None and listed != filed_under
            if now == sha256 and read and not moved:
                continue
            if moved:
                filed.append(name)
            if sha256 is not None and now != sha256:
                replaced.append(name)
        ready.append(Arrival(path, root.name, name, listed or claimed_tps(path)))
    temporary = sum(map(is_temporary, seen))
    gone = [path for path in before if path not in seen]
    known.note_sightings(root, _changed(seen, before), gone)
    return Look(
        ready=tuple(ready),
        waiting=len(seen) - len(whole) - temporary,
        replaced=tuple(replaced),
        filed=tuple(filed),
        gone=tuple(
            sorted(path.relative_to(root).as_posix() for path in gone if not is_temporary(path))
        ),
    )


def new_entries(
    root: Path, known: KnownFiles, store_name: str, *, circumstances: str = ""
) -> tuple[tuple[tuple[Path, Stamp], ...], int]:
    """Files of entries that are whole and were not imported as they are now, and how many wait.

    Args:
        root: A folder, or one file.
        known: Holds the last look, and what was imported.
        store_name: Which store they were imported into.
        circumstances: What else decides whether a file can be used. One that could not is tried
            again when it changes, or when these do.

    Raises:
        FolderAway: it can't be read.

    """
    root = root.absolute()
    before = known.sightings(root)
    seen = _seen(root, before)
    arriving = {one.stamp.inode for path, one in before.items() if is_temporary(path)}
    imported = known.imported(store_name)
    flawed = known.imported(flawed_name(store_name, circumstances))
    files = {path: stamp for path, stamp in seen.items() if holds_entries(path)}
    new = [
        (path, stamp)
        for path, stamp in sorted(files.items())
        if stamp not in (imported.get(path), flawed.get(path))
        and is_whole(stamp, before.get(path), arriving)
    ]
    waiting = sum(not is_whole(stamp, before.get(path), arriving) for path, stamp in files.items())
    gone = [path for path in before if path not in seen]
    known.note_sightings(root, _changed(seen, before), gone)
    return tuple(new), waiting


def flawed_name(store_name: str, circumstances: str) -> str:
    """The name under which files are noted of which something could not be used."""
    return f"{store_name}, not used by {circumstances}"


def holds_entries(path: Path) -> bool:
    """Whether a file may hold reported numbers."""
    return ENTRIES_NAME.search(path.name.lower()) is not None


def is_temporary(path: Path) -> bool:
    """Whether the name says that the file is being written."""
    return path.name.lower().endswith(TEMPORARY_SUFFIXES)


def is_whole(stamp: Stamp, last: Sighting | None, arriving: Collection[int]) -> bool:
    """Whether nobody writes to a file any more; see the head of this module.

    Args:
        stamp: The file as it is now.
        last: As it was at the last look, if it was there.
        arriving: Inodes that had a temporary name at the last look.

    """
    if stamp.changed > stamp.written or stamp.inode in arriving:
        return True
    if last is None or last.stamp != stamp:
        return False
    return abs(time.time() - last.at) >= LEAST_SECONDS_APART


def _seen(root: Path, before: Mapping[Path, Sighting]) -> dict[Path, Stamp]:
    if root.is_file():
        stamp = stamp_of(root)
        return {root: stamp} if stamp else {}
    seen: dict[Path, Stamp] = {}
    try:
        for path in _files(root):
            stamp = stamp_of(path)
            if stamp is not None:  # else it went while we looked
                seen[path] = stamp
    except OSError as error:
        raise FolderAway(f"{root}: {error.strerror}", folder=str(root)) from error
    if not seen and len(before) >= MANY_GONE:
        raise FolderAway(f"{root}: all {len(before):,} files are gone at once", folder=str(root))
    return seen


def _files(folder: Path) -> Iterable[Path]:
    """All files below a folder that are not hidden (``rsync`` writes to hidden ones first)."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if entry.is_dir():
                yield from _files(Path(entry.path))
            else:
                yield Path(entry.path)


def _listed(path: Path, name: str, manifest: Mapping[str, str] | None) -> str | None:
    """The TPS that the manifest says, by the name in the folder or as ``claimed_tps`` does."""
    for key in (name, str(path), path.as_posix(), path.name):
        if manifest and key in manifest:
            return manifest[key]
    return None


def _changed(seen: Mapping[Path, Stamp], before: Mapping[Path, Sighting]) -> dict[Path, Stamp]:
    return {
        path: stamp
        for path, stamp in seen.items()
        if path not in before or before[path].stamp != stamp
    }


def _hashed(path: Path, stamp: Stamp, known: KnownFiles) -> str | None:
    """The file's SHA-256 now, remembered; ``None`` where it can't be opened."""
    now = time.time()
    try:
        with path.open("rb") as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    except OSError:
        return None  # the run that takes it says why
    if stamp_of(path) == stamp:
        known.remember([(path, stamp, sha256)], hashed_at=now)
    return sha256
