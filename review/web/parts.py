"""What every page needs: store, user, language, forms, templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from models.people import User
from models.store.accounts import Session
from models.store.store import Store
from review.desk import Desk
from review.passwords import csrf_token, is_csrf_token, new_token, token_hash
from review.permissions import Permission, allows, require
from review.pictures import Pictures
from review.texts import LANGUAGES, Speaker
from review.web.recent import Recent

SESSION_COOKIE = "chasil_session"
VISIT_COOKIE = "chasil_visit"
"""Of a browser that is not signed in: its sign-in form is tied to it."""
LANGUAGE_COOKIE = "chasil_language"

SESSION_HOURS = 12
IDLE_HOURS = 2
TOUCH_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Room:
    """What the app is made of; ``request.app.state.room``."""

    store: Store
    desk: Desk
    pictures: Pictures
    templates: Environment
    recent: Recent


class SignInFirst(Exception):
    """The page is for users; ``handlers`` sends the browser to the sign-in page."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class ForgedForm(Exception):
    """A form that did not come from a page of ours, or from one that is too old."""


@cache
def make_templates() -> Environment:
    """The templates, with everything escaped that is not marked as safe.

    All of them are compiled here, once, so that the first who look do not wait.
    """
    environment = Environment(
        loader=PackageLoader("review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["Permission"] = Permission
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)
    return environment


def room_of(request: Request) -> Room:
    """The app's parts."""
    room: Room = request.app.state.room
    return room


async def _room(request: Request) -> Room:
    return room_of(request)


RoomDep = Annotated[Room, Depends(_room)]
"""What waits for nothing is ``async``: FastAPI hands every plain function to another thread."""


def session_of(request: Request, room: RoomDep) -> Session | None:
    """The signed-in session, or ``None``. Kept for the request."""
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token or len(token) > 100:
        return None
    session = room.store.accounts.session(token_hash(token))
    now = datetime.now(UTC)
    if session is None or session.seen_at < now - timedelta(hours=IDLE_HOURS):
        return None
    # Seen in the future: the clock was set back, and idleness is counted from now.
    if abs(session.seen_at - now) > TOUCH_AFTER:
        room.store.accounts.touch_session(session.token_hash)
    return session


SessionDep = Annotated[Session | None, Depends(session_of)]


async def user_of(request: Request, session: SessionDep) -> User:
    """Who is signed in; raises ``SignInFirst``."""
    if session is None:
        wanted = request.url.path
        if request.method == "GET" and request.url.query:
            wanted += f"?{request.url.query}"
        raise SignInFirst(wanted if request.method == "GET" else "/")
    request.state.user = session.user
    return session.user


UserDep = Annotated[User, Depends(user_of)]


def needs(permission: Permission) -> Any:  # noqa: ANN401 - a dependency
    """Make a dependency that gives the user who has this permission, or raises ``NotAllowed``."""

    async def permitted(user: UserDep) -> User:
        require(user, permission)
        return user

    return Depends(permitted)


def speaker_of(request: Request) -> Speaker:
    """Speaks the language the browser chose."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return Speaker(chosen if chosen in LANGUAGES else LANGUAGES[0])


async def _speaker(request: Request) -> Speaker:
    return speaker_of(request)


SpeakerDep = Annotated[Speaker, Depends(_speaker)]


def form_cookie(request: Request) -> str:
    """The cookie a page's forms are tied to: the session's, or the visit's before signing in."""
    return request.cookies.get(SESSION_COOKIE) or request.cookies.get(VISIT_COOKIE) or ""


async def own_form(request: Request, csrf: Annotated[str, Form(max_length=64)] = "") -> None:
    """Let a POST through only if its form came from a page of ours in this browser.

    Raises:
        ForgedForm: it did not, or the page is from before the last sign-in or sign-out.

    """
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise ForgedForm
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForgedForm
    cookie = form_cookie(request)
    if not cookie or not is_csrf_token(csrf, cookie):
        raise ForgedForm


OwnForm = Depends(own_form)


def page(
    request: Request,
    template: str,
    *,
    user: User | None = None,
    status: int = 200,
    **values: object,
) -> HTMLResponse:
    """A page from a template.

    In every template: ``t`` (the speaker), ``user``, ``may(permission)``, ``csrf``, ``path`` (for
    the language switch), ``notice`` (a key under ``notice.``, or ``None``), ``url`` (a path with
    parameters).
    """
    room = room_of(request)
    t = speaker_of(request)
    visit = None
    cookie = form_cookie(request)
    if not cookie:
        visit = cookie = new_token()
    notice = request.query_params.get("notice", "")
    here = request.url.path if request.method == "GET" else "/"
    if request.method == "GET" and request.url.query:
        here += f"?{request.url.query}"
    html = room.templates.get_template(template).render(
        t=t,
        user=user,
        may=lambda permission: user is not None and allows(user, permission),
        csrf=csrf_token(cookie),
        path=here,
        notice=notice if t.has(f"notice.{notice}") else None,
        url=url,
        **values,
    )
    response = HTMLResponse(html, status_code=status)
    if visit is not None:
        set_cookie(request, response, VISIT_COOKIE, visit, hours=SESSION_HOURS)
    return response


def url(path: str, **parameters: object) -> str:
    """A path with those parameters that are not empty."""
    given = {
        name: value
        for name, value in parameters.items()
        if not (value is None or value is False or value == "")  # 0 is a value
    }
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def go_to(path: str, **parameters: object) -> RedirectResponse:
    """Send the browser to another page after a form (303, so that Back does not send it again)."""
    return RedirectResponse(url(path, **parameters), status_code=303)


def own_path(wanted: str) -> str:
    """The path, if it is one of this site; else the first page. No way out to other sites."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if plain and wanted.isprintable() and "\\" not in wanted else "/"


def set_cookie(
    request: Request, response: Response, name: str, value: str, *, hours: float
) -> None:
    """A cookie that scripts can't read and other sites' forms don't send."""
    response.set_cookie(
        name,
        value,
        max_age=round(hours * 3600),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
