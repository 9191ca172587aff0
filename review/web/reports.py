"""Data taken out: items as CSV and XLSX, and the record of a kecamatan as HTML and PDF.

Each is an act on the trail, so each is a POST.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from models.people import User
from models.queue import ItemStatus, QueueItem
from models.records import Cause, ConflictKind
from models.regions import Level
from models.store.item_filter import ItemFilter
from review.errors import NoSuchPhoto, NoSuchRegion, NotAPicture
from review.permissions import (
    Permission,
    allows,
    must_not_see_waiting,
    require_region,
)
from review.pictures import Box
from review.record import (
    MOST_CROPS,
    KecamatanRecord,
    RecordLine,
    SumLine,
    as_html,
    as_pdf,
)
from review.reports import Names, csv_lines, rows_of, xlsx_file
from review.texts import WIB, Speaker
from review.web.dashboard import over_enough
from review.web.elections import choices, votes_of
from review.web.evidence import around, quarter_turns
from review.web.parts import OwnForm, Room, RoomDep, SpeakerDep, needs, page
from review.web.places import NO_NAMES, field_label, place_of, region_name, region_table, with_kin
from review.web.telling import teller

router = APIRouter(default_response_class=HTMLResponse)

Exporter = Annotated[User, needs(Permission.EXPORT)]
Name = Annotated[str, Form(max_length=64, pattern=r"^[a-z0-9_-]*$")]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

CROP_MARGIN = 0.4

PIECE = 1 << 16


@router.get("/reports")
def reports(request: Request, room: RoomDep, user: Exporter) -> Response:
    """What can be taken out, and by which choice."""
    known = room.store.queue.progress("", Level.KECAMATAN, limits=user.regions)
    return page(
        request,
        "reports.html",
        user=user,
        kecamatan=[(one, region_name(one.code)) for one in known],
        kinds=[kind.value for kind in ConflictKind],
        causes=[cause.value for cause in Cause],
        statuses=[status.value for status in ItemStatus],
        nothing_yet=room.store.queue.refreshed_batch() is None,
        hides=must_not_see_waiting(user),
    )


@router.post("/reports/items", dependencies=[OwnForm])
def items(
    request: Request,
    room: RoomDep,
    user: Exporter,
    format: Annotated[str, Form(pattern="^(csv|xlsx)$")],  # noqa: A002 - the usual name
    region: Annotated[str, Form(max_length=13, pattern="^[0-9]*$")] = "",
    kind: Name = "",
    cause: Name = "",
    status: Name = "",
) -> Response:
    """Conflicts and decisions, one row each."""
    require_region(user, region)
    hides = must_not_see_waiting(user)
    wanted = ItemFilter(
        limits=user.regions,
        region=region,
        kind=kind or None,
        cause=cause or None,
        statuses=(ItemStatus(status),) if status in set(ItemStatus) else (),
        samples=allows(user, Permission.SEE_SAMPLE),
    )
    if hides and (kind or cause):
        # Which of the waiting ones are of a kind is part of what is not told yet.
        wanted = replace(wanted, statuses=(ItemStatus.DONE,))
    room.desk.exported(
        user,
        f"items.{format}",
        room.store.overview.count(wanted),
        region=region,
        kind=kind,
        cause=cause,
        status=status,
    )
    names = Names(region_name, field_label, str(request.base_url).rstrip("/"))
    waiting = room.store.overview.waiting_fields(region, limits=user.regions)
    rows = rows_of(room.store, wanted, names, waiting=with_kin(waiting) if hides else frozenset())
    name = f"chasil-{region or 'semua'}-{_today()}.{format}"
    if format == "csv":
        return StreamingResponse(
            csv_lines(rows), media_type="text/csv; charset=utf-8", headers=_attached(name)
        )
    return StreamingResponse(_pieces(xlsx_file(rows)), media_type=XLSX, headers=_attached(name))


@router.post("/reports/kecamatan/{code}", dependencies=[OwnForm])
def kecamatan_record(
    room: RoomDep,
    user: Exporter,
    t: SpeakerDep,
    code: Annotated[str, Path(pattern=r"^[0-9]{6}$")],
    format: Annotated[str, Form(pattern="^(html|pdf)$")],  # noqa: A002
) -> Response:
    """The record of a kecamatan, with crops, for a plenary."""
    require_region(user, code)
    record = record_of(room, user, t, code)
    if not record.total and code not in region_table():
        raise NoSuchRegion(f"no region {code} is known", code=code)
    room.desk.exported(user, f"record.{format}", len(record.lines), region=code)
    name = f"chasil-{code}-{_today()}.{format}"
    if format == "pdf":
        return Response(as_pdf(record, t), media_type="application/pdf", headers=_attached(name))
    content = as_html(record, room.templates, t)
    return Response(content, media_type="text/html; charset=utf-8", headers=_attached(name))


def record_of(room: Room, user: User, t: Speaker, code: str) -> KecamatanRecord:
    """Everything the record of a kecamatan shows to this user; what was decided comes first."""
    limits = user.regions
    hides = must_not_see_waiting(user)
    wanted = ItemFilter(limits=limits, region=code, samples=False)
    found = [
        item
        for item in room.store.overview.items_by_place(wanted)
        if item.status is not ItemStatus.GONE
    ]
    waiting = with_kin(room.store.overview.waiting_fields(code, limits=limits)) if hides else ()
    kept_back = {item.id for item in found if (item.tps, item.form, item.field) in waiting}
    decided = {item.id for item in found if item.status is ItemStatus.DONE}
    first = sorted(found, key=lambda item: (item.id not in decided, -item.priority))[:MOST_CROPS]
    crops = _crops(room, first)
    tell = teller(room, t, found)
    decisions = room.store.overview.last_decisions(decided) if decided else {}
    lines = []
    for item in found:
        decision = decisions.get(item.id)
        finding = (decision.after or {}).get("finding", {}) if decision else {}
        hidden = item.id in kept_back
        lines.append(
            RecordLine(
                item,
                place_of(item.tps),
                field_label(item.form, item.field) or item.photo or "–",
                hidden,
                "" if hidden else finding.get("reason", ""),
                "" if hidden else finding.get("reference", ""),
                crops.get(item.id),
                "" if hidden else tell(item),
            )
        )
    sums = []
    if all(len(limit) <= Level.DESA for limit in limits):
        forms = choices(room.store.overview.forms(code))
        for form in (one.form for one in forms):
            votes = votes_of(
                form, room.store.queue.totals(code, limits=limits, form=form), NO_NAMES
            )
            votes = over_enough(votes) if hides else votes
            sums += [
                SumLine(
                    field_label(form, row.field),
                    row.total.entry,
                    row.total.audited,
                    row.total.entry_known,
                    row.total.audited_known,
                )
                for row in votes.main
            ]
    return KecamatanRecord(
        code=code,
        name=region_name(code),
        made_at=datetime.now(UTC),
        made_by=user.name,
        done=len(decided),
        total=len(found),
        sums=sums,
        lines=lines,
        without_crop=len(found) - len(first),
    )


def _crops(room: Room, items: list[QueueItem]) -> dict[int, bytes]:
    """The crop of each item's field, where a photo shows it; photo by photo, to open each once."""
    batch = room.store.latest_batch()
    recipe = batch.recipe if batch else ""
    crops: dict[int, bytes] = {}
    for item in sorted(items, key=lambda one: (one.sha256 or "", one.pdf_page or 0)):
        if item.sha256 is None or item.field is None:
            continue
        read = room.store.queue.page_reading(item.sha256, item.pdf_page, recipe)
        field = read.fields.get(item.field) if read else None
        boxes = [one.box for one in field.witnesses.values() if one.box] if field else []
        if not boxes:
            continue
        try:
            crops[item.id] = room.pictures.crop(
                item.sha256,
                Box(*around(boxes)),
                margin=CROP_MARGIN,
                pdf_page=item.pdf_page,
                turn=quarter_turns(read),
            )
        except (NoSuchPhoto, NotAPicture):  # the line says "–": it has no picture
            continue
    return crops


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _today() -> str:
    return f"{datetime.now(WIB):%Y%m%d-%H%M}"


def _attached(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
