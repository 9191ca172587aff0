"""Prefect as chasil uses it: import it from here, so that ``settings`` come before it."""

from __future__ import annotations

from flows.settings import prepare_prefect

prepare_prefect()

from prefect import flow, runtime, task  # noqa: E402
from prefect.artifacts import (  # noqa: E402
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.concurrency.sync import concurrency  # noqa: E402
from prefect.events import emit_event  # noqa: E402
from prefect.exceptions import ParameterTypeError  # noqa: E402
from prefect.settings import PREFECT_API_URL  # noqa: E402
from prefect.tasks import exponential_backoff  # noqa: E402

from flows.ending import try_events_briefly  # noqa: E402

if PREFECT_API_URL.value():
    try_events_briefly(PREFECT_API_URL.value())

__all__ = [
    "NO_CACHE",
    "ParameterTypeError",
    "concurrency",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "emit_event",
    "exponential_backoff",
    "flow",
    "runtime",
    "task",
    "update_progress_artifact",
]
