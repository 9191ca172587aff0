"""Prefect as chasil uses it: import it from here, so that ``settings`` come before it."""

from __future__ import annotations

from flows.settings import prepare_prefect

prepare_prefect()

from prefect import flow, task  # noqa: E402
from prefect.artifacts import create_markdown_artifact, create_table_artifact  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402

__all__ = ["NO_CACHE", "create_markdown_artifact", "create_table_artifact", "flow", "task"]
