"""Sign in, by password or one-time link; sign out; another password; another language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from models.store.store import Store
from review.passwords import (
    WeakPassword,
    hash_password,
    is_password,
    new_token,
    renewed,
    token_hash,
)
from review.texts import LANGUAGES
from review.web.handlers import error_page, explain
from review.web.parts import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    SESSION_HOURS,
    VISIT_COOKIE,
    OwnForm,
    RoomDep,
    SessionDep,
    SpeakerDep,
    UserDep,
    go_to,
    own_path,
    page,
    set_cookie,
)

router = APIRouter(default_response_class=HTMLResponse)

WINDOW = timedelta(minutes=15)
"""Failed sign-ins of the last quarter of an hour count."""

MOST_FAILURES_FROM_HERE = 5
"""Under one name from one address."""

MOST_FAILURES_OF_NAME = 50
"""Under one name from anywhere; higher, so that nobody can lock another out by guessing badly."""

MOST_FAILURES_OF_ADDRESS = 30
"""From one address under any names: an office shares one."""

Text = Annotated[str, Form(max_length=1000)]


@router.get("/sign-in")
def sign_in_page(
    request: Request,
    session: SessionDep,
    next: Annotated[str, Query(max_length=2000)] = "/",  # noqa: A002 - the usual name in a URL
) -> Response:
    """The sign-in form; who is signed in goes on."""
    if session is not None:
        return go_to(own_path(next))
    return page(request, "sign_in.html", next=own_path(next), name="", problem=None)


@router.post("/sign-in", dependencies=[OwnForm])
def sign_in(
    request: Request,
    room: RoomDep,
    t: SpeakerDep,
    name: Text = "",
    password: Text = "",
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002
) -> Response:
    """Sign in by name and password."""
    accounts = room.store.accounts
    name = name.strip().lower()
    address = request.client.host if request.client else "?"
    problem = None
    if _too_many(room.store, name, address):
        problem, status = t("sign_in.wait", minutes=round(WINDOW.total_seconds() / 60)), 429
    else:
        stored = accounts.password_hash(name)
        if not is_password(password, stored):
            accounts.add_failure(name, address, forget_before=datetime.now(UTC) - 4 * WINDOW)
            problem, status = t("sign_in.wrong"), 401
        elif stored is not None and (newer := renewed(password, stored)):
            accounts.rehash(name, newer)
    if problem is not None:
        response: Response = page(
            request, "sign_in.html", status=status, next=own_path(next), name=name, problem=problem
        )
        return response
    token = new_token()
    accounts.begin_session(name, token_hash(token), _session_end(), how="password")
    return _signed_in(request, token, own_path(next))


@router.get("/sign-in/link")
def sign_in_by_link(
    request: Request, room: RoomDep, t: SpeakerDep, token: Annotated[str, Query(max_length=100)]
) -> Response:
    """Sign in by the link that ``chasil review`` printed; it works once."""
    mine = new_token()
    name = room.store.accounts.use_link(token_hash(token), token_hash(mine), _session_end())
    if name is None:
        return error_page(request, 410, t("error.link.what"), t("error.link.do"))
    return _signed_in(request, mine, "/")


@router.post("/sign-out", dependencies=[OwnForm])
def sign_out(room: RoomDep, session: SessionDep) -> Response:
    """End this browser's session."""
    if session is not None:
        room.store.accounts.end_session(session.token_hash)
    response = go_to("/sign-in", notice="signed_out")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.get("/password")
def password_page(request: Request, user: UserDep) -> Response:
    """The form for another password."""
    return page(request, "password.html", user=user, problem=None)


@router.post("/password", dependencies=[OwnForm])
def change_password(
    request: Request,
    room: RoomDep,
    t: SpeakerDep,
    user: UserDep,
    old: Text = "",
    new: Text = "",
    again: Text = "",
) -> Response:
    """Change one's own password; all sessions end, this one begins anew."""
    accounts = room.store.accounts
    address = request.client.host if request.client else "?"
    stored = accounts.password_hash(user.name)
    problem = None
    hashed = ""
    if _too_many(room.store, user.name, address):
        problem = t("sign_in.wait", minutes=round(WINDOW.total_seconds() / 60))
    elif user.has_password and not is_password(old, stored):
        accounts.add_failure(user.name, address, forget_before=datetime.now(UTC) - 4 * WINDOW)
        problem = t("password.wrong_old")
    elif new != again:
        problem = t("password.not_the_same")
    else:
        try:
            hashed = hash_password(new, user.name)
        except WeakPassword as error:
            problem = " ".join(explain(request, error))
    if problem is not None:
        return page(request, "password.html", user=user, status=422, problem=problem)
    accounts.set_password(user.name, hashed, by=user.name)
    token = new_token()
    accounts.begin_session(user.name, token_hash(token), _session_end(), how="password")
    return _signed_in(request, token, "/", notice="password_changed")


@router.get("/language/{code}")
def choose_language(
    request: Request,
    code: str,
    next: Annotated[str, Query(max_length=2000)] = "/",  # noqa: A002
) -> Response:
    """Speak another language from now on."""
    response = go_to(own_path(next))
    if code in LANGUAGES:
        set_cookie(request, response, LANGUAGE_COOKIE, code, hours=24 * 365)
    return response


def _signed_in(request: Request, token: str, wanted: str, **parameters: object) -> RedirectResponse:
    response = go_to(wanted, **parameters)
    set_cookie(request, response, SESSION_COOKIE, token, hours=SESSION_HOURS)
    response.delete_cookie(VISIT_COOKIE, path="/")
    return response


def _session_end() -> datetime:
    return datetime.now(UTC) + timedelta(hours=SESSION_HOURS)


def _too_many(store: Store, name: str, address: str) -> bool:
    since = datetime.now(UTC) - WINDOW
    failures = store.accounts.failures
    return (
        failures(since, name=name[:64], address=address[:64]) >= MOST_FAILURES_FROM_HERE
        or failures(since, name=name[:64], address=None) >= MOST_FAILURES_OF_NAME
        or failures(since, name=None, address=address[:64]) >= MOST_FAILURES_OF_ADDRESS
    )
