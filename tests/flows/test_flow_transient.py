"""What passes by itself is tried again, and nothing else."""

from __future__ import annotations

import errno
import sqlite3

import httpx
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from flows.transient import is_transient
from models.errors import EntriesFileError, FormFileError, TruncatedPhoto
from models.store.errors import StoreError


def behind(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


LOCKED = OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked"))
FULL = OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
REQUEST = httpx.Request("GET", "http://s3.example/")


@pytest.mark.parametrize(
    "error",
    [
        LOCKED,
        behind(StoreError("the store"), LOCKED),
        behind(StoreError("the store"), OSError(errno.ETIMEDOUT, "timed out")),
        ConnectionResetError(),
        TimeoutError(),
        httpx.ConnectError("refused"),
        httpx.HTTPStatusError("busy", request=REQUEST, response=httpx.Response(503)),
        OSError(errno.ESTALE, "stale file handle"),
    ],
)
def test_it_passes(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        FormFileError("a form"),
        behind(EntriesFileError("entries"), ConnectionResetError()),
        TruncatedPhoto("cut short"),
        StoreError("the store"),
        FULL,
        IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE")),
        OSError(errno.ENOSPC, "no space left"),
        PermissionError(errno.EACCES, "not allowed"),
        httpx.HTTPStatusError("who?", request=REQUEST, response=httpx.Response(403)),
        ZeroDivisionError(),
    ],
)
def test_it_needs_a_person(error: Exception) -> None:
    assert not is_transient(error)


def test_prefect_is_told_by_the_error_in_the_state() -> None:
    from flows.batch import try_again
    from flows.quiet_prefect import State, StateType

    def failed(error: Exception) -> State[object]:
        return State(type=StateType.FAILED, data=error)

    assert try_again(None, None, failed(LOCKED))
    assert not try_again(None, None, failed(FormFileError("a form")))
    assert not try_again(None, None, failed(FULL))
