"""The files that come in with a run: found, named, filed under the TPS they claim, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from models.errors import ErrorRecord, UnreadableFile
from models.store.items import Upload
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


def take_in(arrivals: Iterable[Arrival], shelf: PhotoShelf) -> Iterator[Upload]:
    """Keep a copy of each file; one whose bytes can't be had comes with the error instead.

    Raises:
        StoreError: the copies can't be written.

    """

    def keep(arrival: Arrival) -> Upload:
        photo: KeptPhoto | ErrorRecord
        try:
            photo = shelf.keep(arrival.path)
        except UnreadableFile as error:
            photo = error.record()
        return Upload(arrival.name, photo, arrival.tps, arrival.folder)

    try:
        with ThreadPoolExecutor(COPIES_AT_ONCE) as threads:
            yield from threads.map(keep, arrivals)
    except OSError as error:
        raise of_file(error, shelf.place) from error
