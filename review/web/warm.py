"""Does once, before the doors open, what the first request would wait for.

FastAPI puts a route together when it is first asked for, and SQLAlchemy a query: 60 ms of the first
"next item", and twenty auditors who begin at nine o'clock would all stand behind it.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select
from starlette.types import Message

from models.people import Role, User
from models.store.engine import CONNECTIONS
from models.store.item_filter import ItemFilter
from review.web.parts import Room


async def warm_up(app: FastAPI, room: Room) -> None:
    """Knock at every door as nobody who is signed in, and look at the queue. Changes nothing."""
    _look(room)
    for router in app.state.routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    await _knock(app, method, route.path)


def _look(room: Room) -> None:
    with ExitStack() as opened:
        for _ in range(CONNECTIONS):
            connection = opened.enter_context(room.store.connections.reading())
            connection.execute(select(1))
    nobody = User(
        name="nobody",
        role=Role.SUPERVISOR,
        regions=(),
        disabled=False,
        created_at=datetime.now(UTC),
        has_password=False,
    )
    room.desk.peek(nobody, ItemFilter(), after=0)
    room.store.accounts.session("")
    room.store.queue.counts(ItemFilter())
    room.store.trail.of("item/0")
    room.store.trail.head()


async def _knock(app: FastAPI, method: str, path: str) -> None:
    """Ask for a page without a session; what is answered does not matter."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        return None

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 0),
            "server": ("localhost", 0),
        },
        receive,
        send,
    )
