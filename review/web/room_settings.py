"""How the room works: supervisors see and change it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from models.people import User
from review.errors import BadSetting
from review.permissions import Permission
from review.settings import Settings, change_setting, current_settings
from review.web.handlers import explain
from review.web.parts import OwnForm, RoomDep, go_to, needs, page

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/settings")
def settings(
    request: Request,
    room: RoomDep,
    user: Annotated[User, needs(Permission.CHANGE_SETTINGS)],
) -> Response:
    """All settings."""
    now = current_settings(room.store)
    return page(
        request,
        "settings.html",
        user=user,
        settings=now.model_dump(),
        changed_from=Settings().model_dump(),
        problem=None,
        refused="",
    )


@router.post("/settings", dependencies=[OwnForm])
def change(
    request: Request,
    room: RoomDep,
    user: Annotated[User, needs(Permission.CHANGE_SETTINGS)],
    name: Annotated[str, Form(max_length=64)] = "",
    value: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Change one."""
    try:
        change_setting(room.store, user, name, value.strip().replace(",", "."))
    except BadSetting as error:
        return page(
            request,
            "settings.html",
            user=user,
            status=422,
            settings=current_settings(room.store).model_dump() | _typed(name, value),
            changed_from=Settings().model_dump(),
            problem=explain(request, error),
            refused=name,
        )
    return go_to("/settings", notice="setting_changed")


def _typed(name: str, value: str) -> dict[str, str]:
    """What was typed stays in its field."""
    return {name: value} if name in Settings.model_fields else {}
