"""Which errors pass by themselves, so that trying again is worth it.

The store out of reach, a network that drops, a lock that is held, an object store that asks to
slow down: these pass. Bad input never does, nor a broken form file, a full disk or a fault in
chasil: those are told at once.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

import httpx
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.errors import ChasilError, InputFileError, PhotoError
from models.store.errors import BucketMissing, PhotosRefused

TRIES_AGAIN = 5
"""How often a step is tried again. With the delays below it outlasts a minute's outage."""

FIRST_DELAY_SECONDS = 2.0
"""Before the second try; doubled each time: 2, 4, 8, 16, 32 s."""

JITTER = 0.5
"""Each delay is up to half as long again, so that workers that failed together don't return
together."""

PASSING_ERRNOS = frozenset(
    {
        *(errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.EPIPE, errno.ESTALE, errno.ENOTCONN, errno.EAGAIN, errno.EINTR),
    }
)
"""Network and network shares. A full disk (ENOSPC) or a missing permission needs a person."""

BUSY_STATUS = frozenset({408, 429, 500, 502, 503, 504})

NEED_A_PERSON = (InputFileError, PhotoError, PhotosRefused, BucketMissing)
"""Whatever they were caused by."""

OBJECT_STORES = ("obstore.", "botocore.", "urllib3.")
"""Modules whose network errors are known by name, as they need not be installed."""

PASSING_NAMES = (
    *("Timeout", "ConnectionError", "ConnectionClosedError", "EndpointConnectionError"),
    *("GenericError", "ProtocolError", "NewConnectionError"),
)


def is_transient(error: BaseException) -> bool:
    """Whether the error, or the one behind it, passes by itself."""
    return any(_passes(one) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes; stops at one that needs a person, whatever it was caused by."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        if isinstance(one, NEED_A_PERSON):
            return
        seen.add(id(one))
        yield one
        one = one.__cause__


def _passes(error: BaseException) -> bool:
    if isinstance(error, ChasilError):
        return False  # its cause decides
    if isinstance(error, DBAPIError):
        return _database_passes(error)
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in BUSY_STATUS
    if isinstance(error, PoolTimeout | httpx.TransportError | ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError):
        return error.errno in PASSING_ERRNOS
    module = type(error).__module__ + "."
    name = type(error).__name__
    return module.startswith(OBJECT_STORES) and name.endswith(PASSING_NAMES)


def _database_passes(error: DBAPIError) -> bool:
    """A connection lost, a lock held, a server that starts or stops; a full disk does not pass."""
    if "disk" in str(error.orig).lower() or "full" in str(error.orig).lower():
        return False
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
