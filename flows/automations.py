"""What a Prefect server does by itself: tell a web address that a kecamatan is complete."""

from __future__ import annotations

import json
from typing import cast

from pydantic import SecretStr

from flows.link import KECAMATAN_COMPLETE
from flows.quiet_prefect import Automation, CallWebhook, EventTrigger, Posture, Webhook

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
