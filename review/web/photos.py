"""Photos and crops, named by the photo's SHA-256 and nothing else, for whoever may see its TPS."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from models.people import User
from review.errors import NoSuchPhoto
from review.permissions import Permission, require_within
from review.pictures import MOST_MARGIN, Box
from review.web.parts import Room, RoomDep, needs

router = APIRouter()

MADE_BY = "1"
"""Part of every ETag: raise it when pictures are made otherwise."""

KEEP_SECONDS = 600

Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Pixel = Annotated[float, Query(ge=-100_000, le=1_000_000, allow_inf_nan=False)]
PdfPage = Annotated[int | None, Query(ge=1, le=10_000)]
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}},
    304: {"description": "as before"},
}


@router.get("/photos/{sha256}", responses=JPEG, response_class=Response)
def photo(
    request: Request,
    room: RoomDep,
    sha256: Hash,
    user: Annotated[User, needs(Permission.VIEW)],
    page: PdfPage = None,
) -> Response:
    """The photo, upright; its full size in px in the headers ``X-Full-Width`` and ``-Height``."""
    _check(room, user, sha256)
    tag = f'"{MADE_BY}-{sha256}-{page or 0}"'
    if _has(request, tag):
        return _unchanged(tag)
    jpeg, (wide, high) = room.pictures.whole(sha256, page)
    answer = _jpeg(jpeg, tag)
    answer.headers["x-full-width"], answer.headers["x-full-height"] = str(wide), str(high)
    return answer


@router.get("/photos/{sha256}/crop", responses=JPEG, response_class=Response)
def crop(
    request: Request,
    room: RoomDep,
    sha256: Hash,
    user: Annotated[User, needs(Permission.VIEW)],
    x0: Pixel,
    y0: Pixel,
    x1: Pixel,
    y1: Pixel,
    margin: Annotated[float, Query(ge=0, le=MOST_MARGIN, allow_inf_nan=False)] = 0.25,
    turn: Annotated[int, Query(ge=0, le=3)] = 0,
    page: PdfPage = None,
) -> Response:
    """A part of the photo, in px of the upright photo at its full size.

    ``turn``: quarter turns clockwise that set the part upright.
    """
    _check(room, user, sha256)
    tag = f'"{MADE_BY}-{sha256}-{page or 0}-{x0}-{y0}-{x1}-{y1}-{margin}-{turn}"'
    if _has(request, tag):
        return _unchanged(tag)
    box = Box(x0, y0, x1, y1)
    jpeg = room.pictures.crop(sha256, box, margin=margin, pdf_page=page, turn=turn)
    return _jpeg(jpeg, tag)


def _check(room: Room, user: User, sha256: str) -> None:
    tps = room.store.queue.tps_of_photo(sha256)
    if not tps:
        raise NoSuchPhoto(f"photo {sha256[:12]}… never came in")
    require_within(user, tps)


def _has(request: Request, tag: str) -> bool:
    sent = request.headers.get("if-none-match", "")
    return tag in [one.strip().removeprefix("W/") for one in sent.split(",")]


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers=_headers(tag))


def _jpeg(content: bytes, tag: str) -> Response:
    return Response(content, media_type="image/jpeg", headers=_headers(tag))


def _headers(tag: str) -> dict[str, str]:
    return {"etag": tag, "cache-control": f"private, max-age={KEEP_SECONDS}"}
