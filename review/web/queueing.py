"""The queue's list, and the way to the next item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from models.forms.template import installed_forms
from models.people import User
from models.queue import WAITING, QueueItem
from models.records import Cause, ConflictKind
from review.permissions import Permission, allows
from review.web.elections import choices, forms_known
from review.web.filters import FiltersDep
from review.web.items import last_decided
from review.web.parts import OwnForm, Room, RoomDep, UserDep, go_to, needs, page, speaker_of
from review.web.places import (
    Names,
    candidate_names,
    field_label,
    place_of,
    region_name,
    region_table,
    regions_to_choose,
)
from review.web.telling import teller

router = APIRouter(default_response_class=HTMLResponse)

ROWS = 50


@router.get("/")
async def first_page(user: UserDep, notice: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Where work begins: the queue for who decides, the dashboard for who looks on."""
    works = allows(user, Permission.DECIDE)
    return go_to("/queue" if works else "/regions", notice=notice)


@router.get("/queue")
def queue(
    request: Request,
    room: RoomDep,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.VIEW)],
    after: Annotated[str, Query(max_length=64, pattern=r"^(-?[0-9.e+-]+_[0-9]{1,18})?$")] = "",
    last: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """Items, the most urgent first; those that wait, unless a status is chosen."""
    listed = filters.wanted(user, listed=True)
    if not listed.statuses:
        listed = replace(listed, statuses=WAITING)
    try:
        found = room.store.queue.items(listed, after=after or None, limit=ROWS)
    except ValueError:  # an address that was typed by hand
        return go_to("/queue", **filters.parameters())
    counts = room.store.queue.counts(filters.wanted(user))
    return page(
        request,
        "queue.html",
        user=user,
        filters=filters,
        items=found.items,
        after=found.after,
        counts=counts,
        now=datetime.now(UTC),
        kinds=[kind.value for kind in ConflictKind],
        causes=[cause.value for cause in Cause],
        forms=choices({*installed_forms(), *(one.form for one in forms_known(room, ""))}),
        regions=regions_to_choose(user.regions),
        region_known=filters.region in region_table(),
        region_name=place_of(filters.region)
        if len(filters.region) == 13
        else region_name(filters.region),
        last=last_decided(room, user, last),
        place_of=place_of,
        label_of=_labels(room, found.items),
        tell=teller(room, speaker_of(request), found.items),
        hides=allows(user, Permission.DECIDE),  # who works from this list answers blind
        nothing_yet=room.store.queue.refreshed_batch() is None,
    )


def _labels(room: Room, items: Sequence[QueueItem]) -> Callable[[QueueItem], str]:
    """Labels of some items, with the names of candidates among them."""
    names: dict[str | None, Names] = {}
    for form in {item.form for item in items}:
        fields = [item.field for item in items if item.form == form]
        names[form] = candidate_names(room, form, fields)
    return lambda item: field_label(item.form, item.field, names[item.form])


@router.post("/queue/next", dependencies=[OwnForm])
def next_item(
    room: RoomDep, filters: FiltersDep, user: Annotated[User, needs(Permission.DECIDE)]
) -> Response:
    """Take the most urgent item that waits for this user and go to it."""
    item = room.desk.next_item(user, filters.wanted(user))
    if item is None:
        return go_to("/queue", notice="nothing_left", **filters.parameters())
    return go_to(f"/items/{item.id}", **filters.parameters())
