"""Photos on S3 or any store that speaks its language (MinIO, Ceph, …), through obstore.

Keys, endpoint and region come from the environment, by the names that all S3 tools use
(``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_ENDPOINT_URL``, ``AWS_REGION``). They are
neither stored nor handed to another process by chasil. obstore tries again by itself what can pass
(network down, answers of the kind 5xx), with growing pauses.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from models.errors import UnreadableFile
from models.store.errors import (
    BadEndpoint,
    BucketMissing,
    PhotoAltered,
    PhotosRefused,
    PhotosUnreachable,
    StoreError,
)
from models.store.shelf import KeptPhoto

CHUNK_BYTES = 1 << 20

PATIENCE_SECONDS = 60.0
"""How long obstore goes on trying; after that it is an error, and the run can be started again."""

MOST_RETRIES = 20

CONNECT_SECONDS, REQUEST_SECONDS = 10.0, 300.0
"""A photo of 10 MB takes 80 s on a line of 1 Mbit/s."""

NOT_FOUND = (NotFoundError, FileNotFoundError)
"""obstore says either."""

_TURNED_AWAY = re.compile(
    r"status code: 4(?!08|29)\d\d|redirect without LOCATION", flags=re.IGNORECASE
)
"""In obstore's words: the server answered, and would answer the same again. Only 408 and 429 pass;
a redirect without a place tells of another region. Not all of these have a class of their own."""

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


@dataclass(frozen=True, slots=True)
class S3Shelf:
    """Photos by hash below a folder of a bucket: ``folder/ab/abcdef…``."""

    bucket: str
    folder: str = ""
    patience: float = PATIENCE_SECONDS

    @property
    def place(self) -> str:
        """The URL, which holds no secret."""
        return f"s3://{self.bucket}/{self.folder}".rstrip("/")

    def keep(self, path: Path) -> KeptPhoto:
        """Send a file's bytes to the bucket, unless they are there; see ``PhotoShelf``.

        The file is read once, so that its name is right even if the file changes meanwhile, and
        written by one conditional request: nobody ever sees half of it, and of two writers one
        finds that it is there.
        """
        content = _content(path)
        sha256 = hashlib.sha256(content).hexdigest()
        kept = KeptPhoto(sha256, len(content), None)
        key = self._key(sha256)
        with self._telling_errors():
            if self._size(key) == len(content):
                return kept
            try:
                obstore.put(self._store(), key, content, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                pass  # another writer of the same bytes was quicker
            except NOT_FOUND as error:  # only a bucket can be missing where one writes
                raise BucketMissing(f"{self.place}: {_first_line(error)}") from error
        return kept

    def kept(self, sha256: str) -> KeptPhoto | None:
        """The photo of that hash, or ``None``, by one request; see ``PhotoShelf``."""
        with self._telling_errors():
            size = self._size(self._key(sha256))
        return None if size is None else KeptPhoto(sha256, size, None)

    @contextmanager
    def opened(self, sha256: str) -> Iterator[Path | None]:
        """The photo in a file of its own that lives as long as the block; see ``PhotoShelf``."""
        with tempfile.NamedTemporaryFile(prefix="chasil-photo-") as file:
            digest = hashlib.sha256()
            there = True
            with self._telling_errors():
                try:
                    for chunk in obstore.get(self._store(), self._key(sha256)).stream(
                        min_chunk_size=CHUNK_BYTES
                    ):
                        digest.update(chunk)
                        file.write(chunk)
                except NOT_FOUND as error:
                    if "NoSuchBucket" in str(error):
                        raise BucketMissing(f"{self.place}: {_first_line(error)}") from error
                    there = False
            if not there:
                yield None
                return
            if digest.hexdigest() != sha256:
                raise PhotoAltered(
                    f"{self.place}/{sha256[:2]}/{sha256} no longer has the hash in its name",
                    sha256=sha256,
                )
            file.flush()
            yield Path(file.name)

    def tidy(self) -> int:
        """Nothing is ever half written: a photo is sent in one request; see ``PhotoShelf``."""
        return 0

    def _key(self, sha256: str) -> str:
        return f"{sha256[:2]}/{sha256}"

    def _size(self, key: str) -> int | None:
        try:
            return obstore.head(self._store(), key)["size"]
        except NOT_FOUND:
            return None

    def _store(self) -> S3Store:
        return _connect(self.bucket, self.folder, self.patience, os.getpid())

    @contextmanager
    def _telling_errors(self) -> Iterator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise PhotosRefused(f"{self.place}: {_first_line(error)}", store=self.place) from error
        except (BaseError, OSError) as error:
            turned_away = _TURNED_AWAY.search(str(error))
            kind = PhotosRefused if turned_away else PhotosUnreachable
            raise kind(f"{self.place}: {_first_line(error)}", store=self.place) from error


@lru_cache(maxsize=16)
def _connect(bucket: str, folder: str, patience: float, process: int) -> S3Store:  # noqa: ARG001
    """One client, with its open connections, for each process; made when it is first needed."""
    name, endpoint = next(
        ((name, value) for name in ENDPOINTS if (value := os.environ.get(name))), ("", "")
    )
    if endpoint and not _is_address(endpoint):
        raise BadEndpoint(f"s3://{bucket}: {name} is no address of a server")
    if endpoint and not os.environ.get("AWS_ACCESS_KEY_ID"):
        # obstore would look for a key at an address that only exists within Amazon's cloud.
        raise PhotosRefused(f"s3://{bucket}: AWS_ACCESS_KEY_ID is not set")
    try:
        return S3Store(
            bucket,
            prefix=folder or None,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={
                "max_retries": MOST_RETRIES,
                "retry_timeout": timedelta(seconds=patience),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=200),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        )
    except BaseError as error:
        raise StoreError(f"s3://{bucket}: {_first_line(error)}") from error


def _is_address(endpoint: str) -> bool:
    """Whether obstore can use it; on others it does not raise but panics."""
    parts = urlsplit(endpoint)
    there = parts.scheme in ("http", "https") and bool(parts.hostname)
    return there and not any(sign.isspace() for sign in endpoint)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path.name}: {error.strerror}", file=str(path)) from error


def _first_line(error: Exception) -> str:
    """What happened, without the library's dump of its own state."""
    return str(error).split("\n\nDebug source")[0].strip()
