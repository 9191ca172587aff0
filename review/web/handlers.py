"""Pages for everything that was refused or went wrong: what happened, and what to do."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from models.errors import ChasilError
from models.people import User
from models.store.accounts import NoSuchUser
from review.errors import (
    HeldByOther,
    NoSuchItem,
    NoSuchPhoto,
    NoSuchRegion,
    NotAllowed,
    NotAPicture,
    NotYourAccount,
    OutsideRegion,
    Refused,
    Stale,
)
from review.web.parts import ForgedForm, SignInFirst, page, speaker_of, url

STATUS: dict[type[ChasilError], int] = {
    NotAllowed: 403,
    OutsideRegion: 403,
    NoSuchItem: 404,
    NoSuchPhoto: 404,
    NoSuchRegion: 404,
    NoSuchUser: 404,
    NotYourAccount: 403,
    NotAPicture: 415,
    Stale: 409,
    HeldByOther: 409,
}
"""All other refusals are 422: what was sent in is not complete or does not fit."""

LOG = logging.getLogger("chasil.review")


def add_handlers(app: FastAPI) -> None:
    """Let the app answer errors with pages."""
    app.add_exception_handler(SignInFirst, _sign_in)
    app.add_exception_handler(ForgedForm, _forged)
    app.add_exception_handler(ChasilError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


def explain(request: Request, error: ChasilError) -> tuple[str, str]:
    """What happened and what to do, in the browser's language; in English where no text is."""
    t = speaker_of(request)
    values = {"what": "", "by": ""} | {name: str(v) for name, v in error.data.items() if v}
    detailed = f"error.{error.code}.{values['what']}"
    key = detailed if t.has(f"{detailed}.what") else f"error.{error.code}"
    if not t.has(f"{key}.what"):
        return error.message, error.remedy
    if key == "error.held_by_other" and not values["by"]:
        values["by"] = "?"
    return t(f"{key}.what", **values), t(f"{key}.do", **values)


def error_page(request: Request, status: int, what: str, do: str) -> Response:
    """The page of an error."""
    user: User | None = getattr(request.state, "user", None)
    return page(request, "error.html", user=user, status=status, what=what, do=do)


async def _sign_in(request: Request, error: Exception) -> Response:  # noqa: ARG001
    wanted = error.wanted if isinstance(error, SignInFirst) else "/"
    return RedirectResponse(url("/sign-in", next=wanted), status_code=303)


async def _forged(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _named(request, 403, "forged_form")


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, ChasilError):
        raise error
    status = STATUS.get(type(error), 422 if isinstance(error, Refused) else 400)
    return error_page(request, status, *explain(request, error))


async def _not_valid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _named(request, 422, "not_valid")


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    name = {404: "no_such_page", 405: "no_such_page"}.get(status, "not_valid")
    return _named(request, status, name)


async def _fault(request: Request, error: Exception) -> Response:
    LOG.error("a page failed: %s %s", request.method, request.url.path, exc_info=error)
    return _named(request, 500, "fault")


def _named(request: Request, status: int, name: str) -> Response:
    t = speaker_of(request)
    return error_page(request, status, t(f"error.{name}.what"), t(f"error.{name}.do"))
