"""A run's link to Prefect's server: names, progress, artifacts, events. It may break.

The store is the ledger, the server only shows what happens. So a server that dies in the middle
of a run is told once, and the run goes on without it; nothing here can hold it up for long
(see ``flows.settings`` for the times). What the server rejects is a fault and is raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5

import httpx

from flows.quiet_prefect import (
    ObjectNotFound,
    concurrency,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    emit_event,
    get_client,
    runtime,
    update_progress_artifact,
)
from models.errors import ChasilError

T = TypeVar("T")

STORE_LIMIT = "chasil-store"
"""Name of the global concurrency limit that bounds how many runs write to the store at once."""

SECONDS_BETWEEN_UPDATES = 5.0

SECONDS_FOR_A_SLOT = 600.0
"""How long a run waits for its turn to write before it writes all the same."""

KECAMATAN_COMPLETE = "chasil.kecamatan.complete"
EVENTS_NAMESPACE = UUID("5b1d5a0c-7d1b-4bb0-9a53-6a8c1f1f4b0e")


class ServerLost(ChasilError):
    """Prefect's server went away while a run was on."""

    code = "prefect_server_lost"
    remedy = (
        "What was read is in the store. Start the server again (`prefect server start`) or unset "
        "PREFECT_API_URL, and give the same command: it goes on from here."
    )


class Link:
    """One flow run's link."""

    def __init__(self, say: Callable[[str], object]) -> None:
        """``say`` is told, once, that the server is lost."""
        self._say = say
        self._lost = False
        self._artifact: UUID | None = None
        self._updated = 0.0
        self._gate: bool | None = None

    @property
    def lost(self) -> bool:
        """Whether the server stopped answering."""
        return self._lost

    def name_run(self, name: str) -> None:
        """Give the flow run a name."""

        def rename() -> None:
            with get_client(sync_client=True) as client:
                client.update_flow_run(UUID(str(runtime.flow_run.id)), name=name)

        if runtime.flow_run.id:
            self._try(rename)

    def progress(self, done: int, total: int) -> None:
        """Show how many of the photos are done; a call at most every 5 s, and one at the end."""
        now = time.monotonic()
        if done < total and now - self._updated < SECONDS_BETWEEN_UPDATES:
            return
        self._updated = now
        share = 100.0 * done / max(total, 1)
        said = f"{done:,} of {total:,} photos"
        artifact = self._artifact
        if artifact is None:
            self._artifact = self._try(
                lambda: UUID(str(create_progress_artifact(share, key="progress", description=said)))
            )
        else:
            self._try(lambda: update_progress_artifact(artifact, share, description=said))

    def table(self, key: str, rows: Sequence[dict[str, object]], description: str) -> None:
        """Show a table."""
        self._try(lambda: create_table_artifact(key=key, table=list(rows), description=description))

    def markdown(self, key: str, text: str, description: str) -> None:
        """Show a text."""
        self._try(lambda: create_markdown_artifact(key=key, markdown=text, description=description))

    def kecamatan_complete(self, code: str, name: str, tps: int, run: int) -> None:
        """Tell all who listen that each TPS of a kecamatan has its pages."""
        if self._lost:
            return
        emit_event(
            KECAMATAN_COMPLETE,
            resource={
                "prefect.resource.id": f"chasil.kecamatan.{code}",
                "prefect.resource.name": name,
                "chasil.kecamatan": code,
            },
            payload={"kecamatan": code, "name": name, "tps": tps, "run": run},
            id=uuid5(EVENTS_NAMESPACE, f"{code} {run} {datetime.now().astimezone().date()}"),
        )

    @contextmanager
    def turn_to_write(self) -> Iterator[None]:
        """Wait for a slot of the limit ``chasil-store``, where a server has such a limit.

        Only runs of a deployment do: a person's own run is alone, or waits for the database.
        """
        if self._gate is None:
            self._gate = bool(runtime.deployment.id) and bool(self._try(_limit_exists))
        if not self._gate or self._lost:
            yield
            return
        entered = written = False
        try:
            with concurrency(STORE_LIMIT, timeout_seconds=SECONDS_FOR_A_SLOT):
                entered = True
                yield
                written = True
        except TimeoutError:
            if entered:
                raise
            self._say(f"no slot of {STORE_LIMIT} came free in {SECONDS_FOR_A_SLOT:.0f} s")
            yield
        except httpx.TransportError:
            if entered and not written:
                raise
            self._broken()
            if not entered:
                yield

    def _try(self, call: Callable[[], T]) -> T | None:
        if self._lost:
            return None
        try:
            return call()
        except httpx.TransportError:
            self._broken()
        except httpx.HTTPStatusError as error:
            if error.response.status_code < 500:
                raise
            self._broken()
        return None

    def _broken(self) -> None:
        self._lost = True
        self._say(
            "Prefect's server does not answer any more. The run goes on; it is not shown there."
        )


def _limit_exists() -> bool:
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(STORE_LIMIT)
        except ObjectNotFound:
            return False
        return True
