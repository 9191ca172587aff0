"""What a Prefect server does by itself, once it was told to.

It tells a web address that a kecamatan is complete, and it notices parts of a large job whose
process died: Prefect shows them as running for ever otherwise.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import cast

from pydantic import SecretStr

from flows.link import KECAMATAN_COMPLETE
from flows.quiet_prefect import (
    Automation,
    CallWebhook,
    ChangeFlowRunState,
    EventTrigger,
    Posture,
    StateType,
    Webhook,
)

BLOCK_NAME = "chasil-kecamatan-complete"

PAYLOAD = json.dumps(
    {
        "kecamatan": "{{ event.payload.kecamatan }}",
        "name": "{{ event.payload.name }}",
        "tps": "{{ event.payload.tps }}",
        "run": "{{ event.payload.run }}",
    }
)
"""What is sent; Prefect fills the event in."""

PART_TAG = "chasil-part"
"""Of the flow runs that are parts of a large job."""

SILENT_PARTS = "chasil: parts whose process died"
"""Name of the automation."""

SECONDS_BETWEEN_HEARTBEATS = 30
"""Prefect 3.8.8 takes nothing shorter."""

LEAST_SECONDS_OF_SILENCE = 2.0 * SECONDS_BETWEEN_HEARTBEATS
"""One heartbeat may be late."""

PART_VARIABLES = {
    "env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(SECONDS_BETWEEN_HEARTBEATS)},
}
"""Job variables of a part, whatever its worker was started with."""


def crash_silent_parts(seconds: float) -> None:
    """Let the server mark a part as crashed of which it hears nothing more.

    This is Prefect's own way: each run sends an event every ``SECONDS_BETWEEN_HEARTBEATS``, and an
    automation waits for the next one. An automation that is there already with the same time is
    left alone, for it may be waiting.

    Args:
        seconds: From the last sign of life on; also for a process that is about to start.

    """
    wanted = Automation(
        name=SILENT_PARTS,
        description="Parts of process-all whose process or machine died are crashed, not running.",
        trigger=EventTrigger(
            after={f"prefect.flow-run.{one}" for one in ("Pending", "Running", "heartbeat")},
            expect={"prefect.flow-run.*"},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={
                "prefect.resource.role": "tag",
                "prefect.resource.id": f"prefect.tag.{PART_TAG}",
            },
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=seconds),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No sign of life for {seconds:.0f} s: its process or its machine died.",
            )
        ],
    )
    for old in _named(SILENT_PARTS):
        if old.enabled and old.trigger == wanted.trigger:
            return
        old.delete()
    wanted.create()


def tell_when_complete(url: str, name: str) -> None:
    """Make (or make anew) the automation, and the block that holds its address."""
    block = Webhook(method="POST", url=SecretStr(url))
    block.save(BLOCK_NAME, overwrite=True)
    document = block._block_document_id
    if document is None:
        raise RuntimeError(f"the block {BLOCK_NAME} was saved without an id")
    wanted = Automation(
        name=name,
        description="A POST for each kecamatan of which every TPS has all its pages.",
        trigger=EventTrigger(
            expect={KECAMATAN_COMPLETE},
            match={"prefect.resource.id": "chasil.kecamatan.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[CallWebhook(block_document_id=document, payload=PAYLOAD)],
    )
    for old in _named(name):
        old.delete()
    wanted.create()


def _named(name: str) -> list[Automation]:
    try:
        return [cast("Automation", Automation.read(name=name))]
    except ValueError:
        return []
