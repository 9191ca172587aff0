"""One item: what the paper says first, then the rest, then the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, Response

from models.people import User
from models.queue import QueueItem
from models.records import BoxPx, FieldReading, PageReading, Witness
from review.answers import Says, parse_answer, parse_number
from review.desk import View
from review.errors import OutcomeIncomplete, Refused
from review.outcomes import NEEDS, outcomes_for, parse_finding
from review.passwords import new_token
from review.permissions import Permission
from review.web.filters import FiltersDep
from review.web.handlers import STATUS, explain
from review.web.parts import OwnForm, Room, RoomDep, go_to, needs, page, url
from review.web.places import field_label, page_number, place_of

router = APIRouter(default_response_class=HTMLResponse)

ItemNumber = Annotated[int, Path(ge=1, le=2**53)]
Version = Annotated[int, Form(ge=1, le=2**31)]
Short = Annotated[str, Form(max_length=64)]
Long = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an item rests on, as far as it may be shown."""

    photo: str | None
    """Address of the photo; ``None`` where there is none."""
    crop: str | None
    """Address of the field's crop."""
    box: BoxPx | None
    """The field in the upright full-size photo."""
    page: PageReading | None
    field: FieldReading | None
    witnesses: tuple[tuple[str, Witness, str | None], ...]
    """Name, reading, address of the crop."""


def evidence_of(room: Room, item: QueueItem) -> Evidence:
    """The photo, the field's place in it, and what each witness read there."""
    if item.sha256 is None:
        return Evidence(None, None, None, None, None, ())
    batch = room.store.latest_batch()
    found = room.store.queue.page_reading(item.sha256, item.pdf_page, batch.recipe if batch else "")
    photo = url(f"/photos/{item.sha256}", page=item.pdf_page)
    field = found.fields.get(item.field) if found and item.field else None
    if field is None:
        return Evidence(photo, None, None, found, None, ())
    boxes = [witness.box for witness in field.witnesses.values() if witness.box]
    box = around(boxes) if boxes else None
    return Evidence(
        photo,
        crop_address(item, box),
        box,
        found,
        field,
        tuple(
            (name, witness, crop_address(item, witness.box))
            for name, witness in field.witnesses.items()
        ),
    )


def crop_address(item: QueueItem, box: BoxPx | None, margin: float = 0.5) -> str | None:
    """Address of a crop of the item's photo; ``None`` without a box."""
    if box is None:
        return None
    x0, y0, x1, y1 = (round(value, 1) for value in box)
    return url(
        f"/photos/{item.sha256}/crop",
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        margin=margin,
        page=item.pdf_page,
    )


def around(boxes: list[BoxPx]) -> BoxPx:
    """The smallest box round all of them."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def show(
    request: Request,
    room: Room,
    user: User,
    number: int,
    filters: FiltersDep,
    *,
    problem: Refused | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    """The item's page; after a refusal with what was typed, so that nothing is lost."""
    view = room.desk.view(user, number)
    item = view.item
    counts = room.store.queue.counts(filters.wanted(user))
    status = 200 if problem is None else STATUS.get(type(problem), 422)
    return page(
        request,
        "item.html",
        user=user,
        status=status,
        view=view,
        item=item,
        evidence=evidence_of(room, item),
        counts=counts,
        filters=filters,
        place=place_of(item.tps),
        label=field_label(item.form, item.field),
        page_number=page_number(item.form, item.field),
        outcomes=outcomes_for(item),
        needs=NEEDS,
        says=[one.value for one in Says if one is not Says.NUMBER],
        attempt=new_token()[:22],
        problem=explain(request, problem) if problem else None,
        typed=_NOTHING_TYPED | _first_typed(view) | (typed or {}),
    )


_NOTHING_TYPED = dict.fromkeys(
    ("paper", "says", "number", "empty", "outcome", "reason", "reference"), ""
)


def _first_typed(view: View) -> dict[str, str]:
    """What stands in the decision's form at first: the auditor's own number, and no outcome."""
    answer = view.own_answer
    number = "" if answer is None or answer.number is None else str(answer.number)
    empty = "yes" if answer is not None and answer.says is Says.EMPTY else ""
    return {"number": number, "empty": empty}


@router.get("/items/{number}")
def item(
    request: Request,
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.VIEW)],
) -> Response:
    """One item, with what this user may see of it. Takes nothing."""
    return show(request, room, user, number, filters)


@router.post("/items/{number}/open", dependencies=[OwnForm])
def open_item(
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.DECIDE)],
) -> Response:
    """Take an item from the list."""
    room.desk.claim(user, number)
    return go_to(f"/items/{number}", **filters.parameters())


@router.post("/items/{number}/answer", dependencies=[OwnForm])
def answer(
    request: Request,
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.DECIDE)],
    version: Version,
    paper: Short = "",
    says: Short = "",
) -> Response:
    """Keep what the paper says; then entry and reading are shown."""
    try:
        room.desk.answer(user, number, version, parse_answer(paper, says))
    except Refused as refused:
        return show(
            request,
            room,
            user,
            number,
            filters,
            problem=refused,
            typed={"paper": paper, "says": says},
        )
    return go_to(f"/items/{number}", **filters.parameters())


@router.post("/items/{number}/decide", dependencies=[OwnForm])
def decide(
    request: Request,
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.DECIDE)],
    version: Version,
    outcome: Short = "",
    paper: Short = "",
    empty: Short = "",
    reason: Long = "",
    reference: Long = "",
    attempt: Short = "",
) -> Response:
    """Decide, and go on to the next item."""
    try:
        seen = room.desk.view(user, number).item
        finding = parse_finding(
            seen,
            outcome=outcome,
            number=_number(paper),
            empty=empty == "yes",
            reason=reason,
            reference=reference,
        )
        room.desk.decide(user, number, version, finding, attempt=attempt)
    except Refused as refused:
        typed = {
            "number": paper,
            "empty": empty,
            "outcome": outcome,
            "reason": reason,
            "reference": reference,
        }
        return show(request, room, user, number, filters, problem=refused, typed=typed)
    following = room.desk.next_item(user, filters.wanted(user))
    if following is None:
        return go_to("/queue", notice="nothing_left", **filters.parameters())
    return go_to(f"/items/{following.id}", notice="decided", last=number, **filters.parameters())


def _number(typed: str) -> int | None:
    try:
        return parse_number(typed)
    except Refused as refused:
        raise OutcomeIncomplete(refused.message, what="number") from refused


@router.post("/items/{number}/undo", dependencies=[OwnForm])
def undo(
    request: Request,
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.DECIDE)],
    version: Version,
    why: Long = "",
) -> Response:
    """Take the newest decision back."""
    try:
        room.desk.undo(user, number, version, why)
    except Refused as refused:
        return show(request, room, user, number, filters, problem=refused)
    return go_to(f"/items/{number}", notice="undone", **filters.parameters())


@router.post("/items/{number}/skip", dependencies=[OwnForm])
def skip(
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.DECIDE)],
) -> Response:
    """Put the item aside and go on to the next one."""
    room.desk.skip(user, number)
    following = room.desk.next_item(user, filters.wanted(user))
    if following is None:
        return go_to("/queue", notice="nothing_left", **filters.parameters())
    return go_to(f"/items/{following.id}", notice="skipped", **filters.parameters())
