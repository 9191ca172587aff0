"""One item: what the paper says first, then the rest, then the decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from models.people import User
from models.queue import ItemStatus, QueueItem
from review.answers import Says, parse_answer, parse_number
from review.desk import View
from review.errors import NotConfirmed, OutcomeIncomplete, Refused
from review.outcomes import NEEDS, outcomes_for, parse_finding
from review.passwords import new_token
from review.permissions import Permission
from review.settings import current_settings
from review.web.arithmetic import entry_states, rules_of
from review.web.evidence import evidence_of
from review.web.filters import FiltersDep
from review.web.handlers import STATUS, explain
from review.web.history import Line, in_words
from review.web.parts import OwnForm, Room, RoomDep, go_to, needs, page, speaker_of
from review.web.places import candidate_names, field_label, page_number, place_of
from review.web.telling import told

router = APIRouter(default_response_class=HTMLResponse)

KEPT_TIMES = 4
"""How often a page asks to hold its item on within the time that a hold lasts."""

ItemNumber = Annotated[int, Path(ge=1, le=2**53)]
Version = Annotated[int, Form(ge=1, le=2**31)]
Seen = Annotated[int, Form(ge=0, le=2**53)]
"""The newest act that the page showed."""
Short = Annotated[str, Form(max_length=64)]
Long = Annotated[str, Form(max_length=2000)]


def show(
    request: Request,
    room: Room,
    user: User,
    number: int,
    filters: FiltersDep,
    *,
    problem: Refused | None = None,
    typed: dict[str, str] | None = None,
    seen: int | None = None,
    last: int | None = None,
) -> Response:
    """The item's page; after a refusal with what was typed, so that nothing is lost.

    Args:
        request: The request.
        room: The app's parts.
        user: Who looks.
        number: The item's.
        filters: Of the queue the user works on.
        problem: Why something was refused.
        typed: What was sent in.
        seen: The newest act that the page showed from which something was sent in.
        last: The item this user decided before, to undo that.

    """
    view = room.desk.view(user, number)
    item = view.item
    t = speaker_of(request)
    evidence = evidence_of(room, item)
    history = in_words(t, view.history)
    counts = room.store.queue.counts(filters.wanted(user))
    status = 200 if problem is None else STATUS.get(type(problem), 422)
    return page(
        request,
        "item.html",
        user=user,
        status=status,
        view=view,
        item=item,
        evidence=evidence,
        rules=rules_of(room, user, item) if view.revealed else (),
        entry_states=entry_states(room, item) if view.revealed else (),
        history=history,
        meanwhile=_meanwhile(history, seen) if problem else [],
        last=last_decided(room, user, last),
        counts=counts,
        filters=filters,
        place=place_of(item.tps),
        label=field_label(item.form, item.field, candidate_names(room, item.form, [item.field])),
        page_number=page_number(item.form, item.field),
        outcomes=outcomes_for(item),
        needs=NEEDS,
        says={"empty": "e", "unreadable": "x", "not_shown": "n"},
        keep_seconds=current_settings(room.store).claim_minutes * 60 // KEPT_TIMES,
        told=told(room, t, item, evidence.page) if view.revealed else "",
        attempt=new_token()[:22],
        problem=explain(request, problem) if problem else None,
        typed=_NOTHING_TYPED | _first_typed(view) | (typed or {}),
    )


def _meanwhile(history: list[Line], seen: int | None) -> list[Line]:
    """What happened since the page was made that something was sent from."""
    if seen is None:
        return []
    return [line for line in history if line.sequence > seen]


def last_decided(room: Room, user: User, number: int | None) -> QueueItem | None:
    """The item a user decided before, if that can still be undone."""
    if number is None:
        return None
    try:
        view = room.desk.view(user, number)
    except Refused:
        return None
    return view.item if view.may_undo else None


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
    last: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """One item, with what this user may see of it. Takes nothing."""
    return show(request, room, user, number, filters, last=last)


@router.get("/items/{number}/next", response_class=JSONResponse)
def following(
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.DECIDE)],
) -> dict[str, list[str]]:
    """Addresses of the pictures of the item that comes after this one. Takes nothing."""
    item = room.desk.peek(user, filters.wanted(user), after=number)
    return {"pictures": evidence_of(room, item).addresses if item else []}


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


@router.post("/items/{number}/keep", dependencies=[OwnForm], response_class=JSONResponse)
def keep(
    request: Request,
    room: RoomDep,
    number: ItemNumber,
    user: Annotated[User, needs(Permission.DECIDE)],
    version: Version,
) -> JSONResponse:
    """Hold the item on: the page asks while somebody types, turns and looks."""
    try:
        room.desk.keep(user, number, version)
    except Refused as refused:
        what, do = explain(request, refused)
        return JSONResponse({"what": what, "do": do}, STATUS.get(type(refused), 422))
    return JSONResponse({})


@router.post("/items/{number}/answer", dependencies=[OwnForm])
def answer(
    request: Request,
    room: RoomDep,
    number: ItemNumber,
    filters: FiltersDep,
    user: Annotated[User, needs(Permission.DECIDE)],
    version: Version,
    seen: Seen = 0,
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
            seen=seen,
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
    seen: Seen = 0,
    outcome: Short = "",
    paper: Short = "",
    empty: Short = "",
    reason: Long = "",
    reference: Long = "",
    attempt: Short = "",
    enter: Short = "",
) -> Response:
    """Decide, and go on to the next item.

    ``enter``: of the button that a browser presses when Enter is typed in a field.
    """
    try:
        if enter:
            raise NotConfirmed("Enter alone decides nothing")
        finding = parse_finding(
            room.desk.view(user, number).item,
            outcome=outcome,
            number=_number(paper),
            empty=empty == "yes",
            reason=reason,
            reference=reference,
        )
        decided = room.desk.decide(user, number, version, finding, attempt=attempt)
    except Refused as refused:
        typed = {
            "number": paper,
            "empty": empty,
            "outcome": outcome,
            "reason": reason,
            "reference": reference,
        }
        return show(request, room, user, number, filters, problem=refused, typed=typed, seen=seen)
    return _to_next(room, user, filters, _SAVED.get(decided.status, "decided"), last=number)


_SAVED = {
    ItemStatus.SECOND: "decided_second",
    ItemStatus.SUPERVISOR: "decided_supervisor",
}


def _to_next(
    room: Room, user: User, filters: FiltersDep, notice: str, *, last: int | None = None
) -> Response:
    item = room.desk.next_item(user, filters.wanted(user))
    if item is None:
        return go_to("/queue", notice="nothing_left", last=last, **filters.parameters())
    return go_to(f"/items/{item.id}", notice=notice, last=last, **filters.parameters())


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
    return _to_next(room, user, filters, "skipped")
