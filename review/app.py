"""The web app: put together from the store and the routers of ``review.web``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from models.regions import RegionTable, load_regions
from models.store.store import Store
from review.desk import Desk
from review.pictures import Pictures
from review.web import (
    dashboard,
    items,
    kecamatan,
    people,
    photos,
    queueing,
    reports,
    room_settings,
    signing_in,
    trail_pages,
)
from review.web.handlers import add_handlers
from review.web.parts import Room, make_templates
from review.web.places import use_regions
from review.web.protection import Protection
from review.web.recent import Recent
from review.web.warm import warm_up

ROUTERS = (
    signing_in.router,
    queueing.router,
    items.router,
    photos.router,
    dashboard.router,
    kecamatan.router,
    reports.router,
    trail_pages.router,
    people.router,
    room_settings.router,
)
"""A new page is a module in ``review.web`` with a ``router``, named here."""


class ReviewApp(FastAPI):
    """FastAPI with the protection outside of everything, also of the page of a fault."""

    def build_middleware_stack(self) -> ASGIApp:
        """The app inside the protection."""
        return Protection(super().build_middleware_stack())


@asynccontextmanager
async def _opened(app: FastAPI) -> AsyncIterator[None]:
    await warm_up(app, app.state.room)
    yield


FRESH_SECONDS = 5.0
"""How old the figures of a dashboard may be."""


def create_app(
    store: Store,
    *,
    hosts: Iterable[str] = ("*",),
    fresh_seconds: float = FRESH_SECONDS,
    regions: RegionTable | None = None,
) -> FastAPI:
    """The app on an open store, which it does not close.

    Args:
        store: Photos, readings, queue, trail, accounts.
        hosts: Names under which the app may be asked for; others are refused, so that no foreign
            page can reach an app on this machine by a name of its own (DNS rebinding).
        fresh_seconds: How long a dashboard's figures are kept.
        regions: Names of regions, for all rooms of this process; the table that ships with chasil
            if not given.

    """
    app = ReviewApp(
        title="chasil review",
        docs_url=None,
        redoc_url=None,
        telemetry={"auto_configure": False},  # nothing leaves the machine
        lifespan=_opened,
    )
    use_regions(regions or load_regions())  # now, not while the first twenty wait for it
    app.state.room = Room(
        store=store,
        desk=Desk(store),
        pictures=Pictures(store.shelf),
        templates=make_templates(),
        recent=Recent(fresh_seconds),
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app.mount("/static", StaticFiles(directory=str(files("review") / "static")), name="static")
    app.state.routers = ROUTERS
    for router in ROUTERS:
        app.include_router(router)
    add_handlers(app)
    return app
