"""The photos' bytes: one file a photo, named by its SHA-256, written once and never changed.

``PhotoShelf`` is what the rest of chasil knows. ``FolderShelf`` keeps photos in a folder; the other
one, on S3, is in ``s3_shelf``.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.errors import UnreadableFile
from models.store.errors import PhotoAltered

CHUNK_BYTES = 1 << 20

ARRIVING = ".arriving-"
"""How the name of a copy begins that is still being written."""

ABANDONED_SECONDS = 24 * 3600.0
"""A copy takes seconds; one that nobody wrote to for a day belongs to a process that was killed."""
_USABLE_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """A photo whose bytes are on the shelf."""

    sha256: str
    size_bytes: int
    path: Path | None
    """Its file, where the shelf is a folder; else ask the shelf for it."""


class PhotoShelf(Protocol):
    """Where photos are kept by hash. It can be handed to another process."""

    @property
    def place(self) -> str:
        """Where it is, as a person may read it."""
        ...

    def keep(self, path: Path) -> KeptPhoto:
        """Copy a file's bytes to the shelf, unless they are there already.

        Safe to call from several threads, processes and machines at once.

        Raises:
            UnreadableFile: the operating system would not give the bytes.
            OSError: the shelf cannot be written (no room, no permission).
            StoreError: the shelf does not answer, or does not let us in.

        """
        ...

    def kept(self, sha256: str) -> KeptPhoto | None:
        """The photo of that hash, if it is there; its bytes are not read.

        Raises:
            StoreError: the shelf does not answer, or does not let us in.

        """
        ...

    def opened(self, sha256: str) -> AbstractContextManager[Path | None]:
        """A file with the photo's bytes, to be read within the ``with`` block; ``None``: not there.

        Raises:
            PhotoAltered: the bytes no longer have this hash.
            StoreError: the shelf does not answer, or does not let us in.

        """
        ...

    def tidy(self) -> int:
        """Remove what writers that were killed have left half written; returns how many files.

        What is still being written stays: safe beside any number of writers.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderShelf:
    """A folder of photos by hash: ``ab/abcdef….jpg``."""

    folder: Path

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    @contextmanager
    def opened(self, sha256: str) -> Iterator[Path | None]:
        """The kept file itself; see ``PhotoShelf``."""
        path = self.find(sha256)
        if path is not None and _digest(path) != sha256:
            raise PhotoAltered(f"{path} no longer has the hash in its name", sha256=sha256)
        yield path

    def kept(self, sha256: str) -> KeptPhoto | None:
        """The kept photo of that hash, or ``None``; see ``PhotoShelf``."""
        path = self.find(sha256)
        return None if path is None else _as_kept(path)

    def find(self, sha256: str) -> Path | None:
        """The kept file of that hash, or ``None``."""
        return next(iter((self.folder / sha256[:2]).glob(f"{sha256}*")), None)

    def keep(self, path: Path) -> KeptPhoto:
        """Copy a file's bytes to the shelf, unless they are there already.

        The copy is hashed while it is written, so that its name is right even for a file that
        changes meanwhile. It appears under that name by one atomic rename, after its bytes have
        reached the disk. Safe to call from several threads and processes at once.

        Raises:
            UnreadableFile: the operating system would not give the bytes.
            OSError: the shelf cannot be written (no room, no permission).

        """
        kept = self.find(_digest(path))
        return self._copy(path) if kept is None else _as_kept(kept)

    def tidy(self) -> int:
        """Remove copies that nobody has written to for ``ABANDONED_SECONDS``; see ``PhotoShelf``.

        Their age is by the clock of the machine that holds the folder, as their times are.
        """
        removed = 0
        left = tuple(self.folder.glob(f"{ARRIVING}*"))
        if not left:
            return removed
        with tempfile.NamedTemporaryFile(prefix=ARRIVING, dir=self.folder) as present:
            now = os.fstat(present.fileno()).st_mtime
            for path in left:
                with suppress(FileNotFoundError):  # a writer, or another run, was quicker
                    if now - path.stat().st_mtime > ABANDONED_SECONDS:
                        path.unlink()
                        removed += 1
        return removed

    def _copy(self, path: Path) -> KeptPhoto:
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=ARRIVING, dir=self.folder)
        arriving = Path(name)
        try:
            digest = hashlib.sha256()
            with os.fdopen(descriptor, "wb") as target:
                for chunk in _chunks(path):
                    digest.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fchmod(target.fileno(), 0o444)
                os.fsync(target.fileno())
            kept = self.find(digest.hexdigest())
            if kept is None:
                kept = self._place(digest.hexdigest(), path.suffix.lower())
                kept.parent.mkdir(exist_ok=True)
                arriving.rename(kept)
            return _as_kept(kept)
        finally:
            arriving.unlink(missing_ok=True)

    def _place(self, sha256: str, suffix: str) -> Path:
        ending = suffix if _USABLE_SUFFIX.fullmatch(suffix) else ""
        return self.folder / sha256[:2] / f"{sha256}{ending}"


def _as_kept(path: Path) -> KeptPhoto:
    return KeptPhoto(path.stem, path.stat().st_size, path)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise UnreadableFile(f"{path.name}: {error.strerror}", file=str(path)) from error
