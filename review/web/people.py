"""Accounts, for supervisors: add, role, region limit, disable, a new link to sign in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, Response

from models.errors import ChasilError
from models.people import Role, User
from review import managing
from review.permissions import Permission
from review.web.handlers import STATUS, explain
from review.web.parts import OwnForm, Room, RoomDep, go_to, needs, page
from review.web.places import region_name, region_table

router = APIRouter(default_response_class=HTMLResponse)

Supervisor = Annotated[User, needs(Permission.MANAGE_USERS)]
UserName = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9._-]+$")]
Short = Annotated[str, Form(max_length=64)]
Long = Annotated[str, Form(max_length=500)]
RoleForm = Annotated[Role, Form()]


@router.get("/users")
def users(request: Request, room: RoomDep, user: Supervisor) -> Response:
    """All accounts."""
    return _show(request, room, user)


@router.post("/users", dependencies=[OwnForm])
def add(
    request: Request,
    room: RoomDep,
    user: Supervisor,
    role: RoleForm,
    name: Short = "",
    regions: Long = "",
) -> Response:
    """Make an account, and show the link that signs it in once."""
    name = name.strip().lower()
    try:
        added, token = managing.add_user(room.store, user, name, role, _codes(regions))
    except ChasilError as error:
        typed = {"name": name, "role": role.value, "regions": regions}
        return _show(request, room, user, problem=error, typed=typed)
    return _show(request, room, user, link=(added.name, _link_address(request, token)))


@router.post("/users/{name}/link", dependencies=[OwnForm])
def link(request: Request, room: RoomDep, user: Supervisor, name: UserName) -> Response:
    """Make a new link that signs an account in once."""
    try:
        token = managing.make_link(room.store, user, name)
    except ChasilError as error:
        return _show(request, room, user, problem=error)
    return _show(request, room, user, link=(name, _link_address(request, token)))


@router.post("/users/{name}/reset", dependencies=[OwnForm])
def reset(request: Request, room: RoomDep, user: Supervisor, name: UserName) -> Response:
    """Take a forgotten password away, and make a link with which another one can be made."""
    try:
        token = managing.reset_password(room.store, user, name)
    except ChasilError as error:
        return _show(request, room, user, problem=error)
    return _show(request, room, user, link=(name, _link_address(request, token)))


@router.post("/users/{name}/role", dependencies=[OwnForm])
def change_role(
    request: Request, room: RoomDep, user: Supervisor, name: UserName, role: RoleForm
) -> Response:
    """Give an account another role."""
    return _done(request, room, user, lambda: managing.set_role(room.store, user, name, role))


@router.post("/users/{name}/limit", dependencies=[OwnForm])
def limit(
    request: Request, room: RoomDep, user: Supervisor, name: UserName, regions: Long = ""
) -> Response:
    """Limit an account to regions."""
    return _done(
        request,
        room,
        user,
        lambda: managing.set_regions(room.store, user, name, _codes(regions)),
    )


@router.post("/users/{name}/disable", dependencies=[OwnForm])
def disable(request: Request, room: RoomDep, user: Supervisor, name: UserName) -> Response:
    """Close an account and end its sessions."""
    return _done(request, room, user, lambda: managing.set_disabled(room.store, user, name, True))


@router.post("/users/{name}/enable", dependencies=[OwnForm])
def enable(request: Request, room: RoomDep, user: Supervisor, name: UserName) -> Response:
    """Open a closed account again."""
    return _done(request, room, user, lambda: managing.set_disabled(room.store, user, name, False))


def _done(request: Request, room: Room, user: User, change: Callable[[], User]) -> Response:
    try:
        change()
    except ChasilError as error:
        return _show(request, room, user, problem=error)
    return go_to("/users", notice="user_changed")


def _show(
    request: Request,
    room: Room,
    user: User,
    *,
    problem: ChasilError | None = None,
    typed: dict[str, str] | None = None,
    link: tuple[str, str] | None = None,
) -> Response:
    """The page; after a refusal with what was typed."""
    known = room.store.accounts.users()
    status = 200 if problem is None else STATUS.get(type(problem), 422)
    return page(
        request,
        "users.html",
        user=user,
        status=status,
        accounts=[(one, managing.manageable(user, one)) for one in known],
        roles=[role.value for role in Role],
        problem=explain(request, problem) if problem else None,
        typed={"name": "", "role": Role.AUDITOR.value, "regions": " ".join(user.regions)}
        | (typed or {}),
        link=link,
        hours=managing.LINK_HOURS,
        region_names=_names,
    )


def _names(codes: tuple[str, ...]) -> str:
    return ", ".join(
        f"{code} {region_name(code)}" if code in region_table() else code for code in codes
    )


def _codes(typed: str) -> list[str]:
    return typed.replace(",", " ").replace(";", " ").split()


def _link_address(request: Request, token: str) -> str:
    return f"{str(request.base_url).rstrip('/')}/sign-in/link?token={token}"
