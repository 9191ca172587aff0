"""A process that used Prefect ends in time, whatever became of the server.

Prefect hands its events to a thread, which waits at the end of the process until the last one is
with the server: for ever, where the server is gone or hangs. ``end_in_time`` gives it some seconds
and then lets go of the rest, with one line on the standard error. With a temporary server it also
sees to it that the events are out before that server is stopped, so that none is left over.

Pinned to prefect 3.8.8: it reaches into ``EventsWorker``, which has no bounded way to end.
"""

from __future__ import annotations

import logging
import sys
import threading
from concurrent.futures import TimeoutError as OutOfTime

from flows.quiet_prefect import PREFECT_API_URL, EventsWorker, PrefectEventsClient

SECONDS_FOR_LAST_EVENTS = 15.0
SECONDS_TO_LET_GO = 5.0

TRIES_AN_EVENT = 2
"""Times the events' connection is made again for one event. Prefect's 10 sleep a second each, so
that the events of a long run would take hours at a dead server. What was not sent stays in the
client's hand and is sent with the next event that gets through."""

_registered = threading.Event()


class _Once(logging.Filter):
    """Lets Prefect tell once that events don't get through, and not for each event anew."""

    def __init__(self) -> None:
        super().__init__()
        self._told = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to let the record through."""
        if str(record.msg).startswith("Service %r failed to process item"):
            return False  # the whole event, after the connection's own warning
        if str(record.msg).startswith("Unable to connect to"):
            told, self._told = self._told, True
            return not told
        return True


def try_events_briefly(address: str) -> None:
    """Let events to the server at ``address`` (its API's URL) be given up soon."""
    EventsWorker.set_client_override(
        PrefectEventsClient, api_url=address, reconnection_attempts=TRIES_AN_EVENT
    )


def end_in_time() -> None:
    """Bound the end of this process; call it in a flow. More than once does no harm."""
    if _registered.is_set():
        return
    _registered.set()
    EventsWorker.instance()  # its own, unbounded wait is registered by now, and ours comes first
    threading._register_atexit(_let_events_go)  # type: ignore[attr-defined]


def _let_events_go() -> None:
    workers: list[EventsWorker] = list(EventsWorker._instances.values())  # type: ignore[misc]
    for worker in workers:
        task, loop = worker._task, worker._loop
        left = worker._queue.qsize()
        ended = worker._drain(at_exit=True)
        try:
            ended.result(SECONDS_FOR_LAST_EVENTS)
        except OutOfTime:
            print(  # noqa: T201 - logging is closed by now
                f"Prefect's server did not take the last {left} events of this run. They only "
                "show it on Prefect's page; the store has everything.",
                file=sys.stderr,
            )
            if task is not None and loop is not None:
                loop.call_soon_threadsafe(task.cancel)
                ended.result(SECONDS_TO_LET_GO)


_once = _Once()
for _name in ("prefect.events.clients", "prefect._internal.concurrency"):
    logging.getLogger(_name).addFilter(_once)
if PREFECT_API_URL.value():
    try_events_briefly(PREFECT_API_URL.value())
