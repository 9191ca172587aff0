"""Keeps what is costly to count for a few seconds, so that many who look cost as much as one."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")

MOST_KEPT = 200


STALE = 6
"""So many times its seconds a value may be old at most, while a new one is being made."""

log = logging.getLogger(__name__)


class Recent:
    """Values by key, as a rule not older than some seconds.

    Whoever asks for an older one gets it at once while a thread makes a new one; one that is
    ``STALE`` times as old is waited for. Two who wait for one value wait for one count.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The kept value, or a new one."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
            kept = self._kept.get(key)
        age = self._age(kept)
        if kept is not None and age < STALE * self._seconds:
            if age >= self._seconds and making.acquire(blocking=False):
                threading.Thread(target=self._renew, args=(key, make, making), daemon=True).start()
            return cast("T", kept[1])
        with making:
            with self._lock:
                kept = self._kept.get(key)
            if kept is not None and self._age(kept) < self._seconds:
                return cast("T", kept[1])
            return self._make(key, make)

    def _renew(self, key: Hashable, make: Callable[[], T], making: threading.Lock) -> None:
        """Make a value in the background; where that fails, whoever asks too late is told."""
        try:
            self._make(key, make)
        except Exception:
            log.exception("could not renew %s", key)
        finally:
            making.release()

    def _make(self, key: Hashable, make: Callable[[], T]) -> T:
        value = make()
        with self._lock:
            self._kept[key] = (time.monotonic(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                old, _ = self._kept.popitem(last=False)
                self._making.pop(old, None)
        return value

    def _age(self, kept: tuple[float, Any] | None) -> float:
        return float("inf") if kept is None else time.monotonic() - kept[0]
