"""What a database's error means: for a person, and for whether to try once more."""

from __future__ import annotations

import errno

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from models.store.database_url import shown
from models.store.errors import (
    DatabaseBusy,
    DatabaseRefused,
    DatabaseUnreachable,
    DiskFull,
    StoreError,
)

# PostgreSQL's codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_GONE_CODES = ("57P01", "57P02", "57P03")
"""Shutting down, crashed, starting up."""

_GONE_CLASSES = ("08",)
"""Connection exceptions."""

_AGAIN_CODES = ("40001", "40P01", "53300")
"""Serialization failure, deadlock, too many connections."""

_REFUSED_CLASSES = ("28", "3D")
"""Not let in; no such database."""

_FULL_CODE = "53100"
"""``disk_full``."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The disk is full, or this user's or process's share of it."""

_BUSY_CODE = "55P03"
"""``lock_timeout``."""

_REFUSED_WORDS = (
    "password authentication failed",
    "no password supplied",
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
)
"""libpq gives no code with a connection that was refused, only the server's words."""


def _code(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def is_lost(error: DBAPIError) -> bool:
    """Whether the server is gone, for now: a new connection may find it again."""
    code = _code(error)
    return (
        error.connection_invalidated
        or code in _GONE_CODES
        or code[:2] in _GONE_CLASSES
        or (_is_operational(error) and not code and not _is_refused(error))
    )


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction, done again from its beginning, may well succeed."""
    return is_lost(error) or _code(error) in _AGAIN_CODES


def as_store_error(error: DBAPIError, url: URL) -> StoreError:
    """The error as a person can use it."""
    where = shown(url)
    message = f"{where}: {str(error.orig).strip()}"
    if _code(error) == _BUSY_CODE or "database is locked" in str(error.orig):
        return DatabaseBusy(message, store=where)
    if _code(error) == _FULL_CODE or "database or disk is full" in str(error.orig):
        return DiskFull(message, store=where)
    if _is_refused(error):
        return DatabaseRefused(message, store=where)
    if is_lost(error):
        return DatabaseUnreachable(message, store=where)
    return StoreError(message, store=where)


def of_file(error: OSError, place: str) -> StoreError:
    """The error of a file of the store, as a person can use it."""
    kind = DiskFull if error.errno in _NO_ROOM else StoreError
    return kind(f"{error.filename or place}: {error.strerror}", store=place)


def _of_psycopg(error: DBAPIError) -> bool:
    return type(error.orig).__module__.startswith("psycopg")


def _is_operational(error: DBAPIError) -> bool:
    """Said by psycopg itself, not by the server: nobody answered, or nobody answers any more."""
    return _of_psycopg(error) and isinstance(error, OperationalError)


def _is_refused(error: DBAPIError) -> bool:
    code = _code(error)
    if code:
        return code[:2] in _REFUSED_CLASSES
    return _of_psycopg(error) and any(word in str(error.orig) for word in _REFUSED_WORDS)
