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
from prefect.automations import Automation  # noqa: E402
from prefect.blocks.webhook import Webhook  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.client.schemas.objects import FlowRun, State, StateType  # noqa: E402
from prefect.concurrency.sync import concurrency  # noqa: E402
from prefect.context import FlowRunContext  # noqa: E402
from prefect.deployments import run_deployment  # noqa: E402
from prefect.events import emit_event  # noqa: E402
from prefect.events.actions import CallWebhook, ChangeFlowRunState  # noqa: E402
from prefect.events.clients import PrefectEventsClient  # noqa: E402
from prefect.events.schemas.automations import EventTrigger, Posture  # noqa: E402
from prefect.events.worker import EventsWorker  # noqa: E402
from prefect.exceptions import ObjectNotFound, ParameterTypeError  # noqa: E402
from prefect.settings import PREFECT_API_URL  # noqa: E402
from prefect.states import Cancelled  # noqa: E402
from prefect.tasks import exponential_backoff  # noqa: E402

__all__ = [
    "NO_CACHE",
    "PREFECT_API_URL",
    "Automation",
    "CallWebhook",
    "Cancelled",
    "ChangeFlowRunState",
    "EventTrigger",
    "EventsWorker",
    "FlowRun",
    "FlowRunContext",
    "ObjectNotFound",
    "ParameterTypeError",
    "Posture",
    "PrefectEventsClient",
    "State",
    "StateType",
    "Webhook",
    "concurrency",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "emit_event",
    "exponential_backoff",
    "flow",
    "get_client",
    "run_deployment",
    "runtime",
    "task",
    "update_progress_artifact",
]
