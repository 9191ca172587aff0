"""The files that come in with a run: found, named, filed under the TPS they claim, and kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from models.errors import ErrorRecord, UnreadableFile
from models.store.items import Upload
from models.store.known_files import KnownFiles, stamp_of
from models.store.shelf import KeptPhoto, PhotoShelf
from models.store.trouble import of_file
from pipeline.intake import claimed_tps, photo_files

COPIES_AT_ONCE = 4
"""Threads that hash and copy files; both leave Python's lock alone."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file that came in."""

    path: Path
    folder: str
    """Own name of the folder that was given (of a file that was given, the one it is in)."""
    name: str
    """Path within that folder."""
    tps: str | None


def find_arrivals(
    places: Iterable[Path], manifest: Mapping[str, str] | None = None
) -> tuple[Arrival, ...]:
    """All files in the given folders and among the given files, each once, sorted by name."""
    found: dict[Path, Arrival] = {}
    for place in places:
        root = place.absolute() if place.is_dir() else place.absolute().parent
        for path in photo_files([place.absolute()]):
            name = path.relative_to(root).as_posix()
            tps = (manifest or {}).get(name) or claimed_tps(path, manifest)
            found.setdefault(path, Arrival(path, root.name, name, tps))
    return tuple(sorted(found.values(), key=lambda arrival: (arrival.name, arrival.path)))


def take_in(
    arrivals: Iterable[Arrival], shelf: PhotoShelf, known: KnownFiles | None = None
) -> Iterator[Upload]:
    """Keep a copy of each file; one whose bytes can't be had comes with the error instead.

    A file that ``known`` remembers, and whose copy is on the shelf, is not opened at all.

    Raises:
        StoreError: the copies can't be written, or ``known`` is broken.

    """
    some = tuple(arrivals)
    now = time.time()
    stamps = {
        arrival.path: stamp
        for arrival in some
        if known is not None and (stamp := stamp_of(arrival.path)) is not None
    }
    remembered = known.hashes(stamps) if known is not None else {}

    def keep(arrival: Arrival) -> Upload:
        photo: KeptPhoto | ErrorRecord
        sha256 = remembered.get(arrival.path)
        kept = shelf.kept(sha256) if sha256 else None
        if kept is not None:
            photo = kept
        else:
            remembered.pop(arrival.path, None)
            try:
                photo = shelf.keep(arrival.path)
            except UnreadableFile as error:
                photo = error.record()
        return Upload(arrival.name, photo, arrival.tps, arrival.folder)

    new = []
    try:
        with ThreadPoolExecutor(COPIES_AT_ONCE) as threads:
            for arrival, upload in zip(some, threads.map(keep, some), strict=True):
                stamp = stamps.get(arrival.path)
                if (
                    stamp
                    and arrival.path not in remembered
                    and isinstance(upload.photo, KeptPhoto)
                    and stamp_of(arrival.path) == stamp
                ):
                    new.append((arrival.path, stamp, upload.photo.sha256))
                yield upload
    except OSError as error:
        raise of_file(error, shelf.place) from error
    if known is not None:
        known.remember(new, hashed_at=now)
