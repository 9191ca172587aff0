"""A kecamatan for a plenary's projector, every TPS a row; and one TPS with all that is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from models.people import User
from models.queue import DecidedCell, ItemStatus, QueueItem, Total
from models.records import FieldStatus
from models.regions import Level
from models.store.item_filter import ItemFilter
from models.store.items import EntryRevision
from models.store.overview import CellMark, TpsMark
from models.trail import TrailRecord
from review.errors import NoSuchRegion
from review.item_state import may_see_decision, state_of
from review.permissions import (
    Permission,
    allows,
    must_not_see_waiting,
    require_region,
    require_within,
)
from review.texts import Speaker
from review.web.dashboard import path_down, totals_within
from review.web.parts import Room, RoomDep, SpeakerDep, needs, page
from review.web.places import field_label, form_of, region_name, region_table
from review.web.telling import teller

router = APIRouter(default_response_class=HTMLResponse)

KecamatanCode = Annotated[str, Path(pattern=r"^[0-9]{6}$")]
TpsCodePath = Annotated[str, Path(pattern=r"^[0-9]{13}$")]
Viewer = Annotated[User, needs(Permission.VIEW)]

SHOWN = (
    "suara_paslon_1",
    "suara_paslon_2",
    "suara_paslon_3",
    "suara_sah",
    "suara_tidak_sah",
    "suara_total",
)
"""Fields a plenary reads out."""

HIDDEN, DECIDED, DIFFERS, NO_ENTRY, NOT_SURE, SAME, NOTHING = (
    "hidden",
    "decided",
    "differs",
    "no_entry",
    "not_sure",
    "same",
    "nothing",
)


class Mark(NamedTuple):
    """How one cell stands, and the numbers that may be shown of it."""

    state: str
    entry: int | None
    other: int | None
    """What was decided, or else what the machine read."""


NO_CELL = Mark(NOTHING, None, None)
HIDDEN_CELL = Mark(HIDDEN, None, None)


@dataclass(frozen=True, slots=True)
class TpsLine:
    """One TPS as a row."""

    tps: str
    desa: str
    marks: tuple[Mark, ...]
    progress: TpsMark | None

    @property
    def differs(self) -> bool:
        """Whether any of its cells needs eyes."""
        return any(mark.state not in (SAME, NOTHING) for mark in self.marks)

    @property
    def stands(self) -> tuple[bool, int, int]:
        """Whether a photo of it was read, items that wait, items that are done."""
        one = self.progress
        return (one.pages_read > 0, one.items_waiting, one.items_done) if one else (False, 0, 0)


@lru_cache(maxsize=8192)
def mark_of(
    entry: int | None,
    reading: int | None,
    status: str | None,
    is_decided: bool,
    decided: int | None,
) -> Mark:
    """How a cell stands. A kecamatan has thousands of cells and a few hundred different ones."""
    if is_decided:
        return Mark(DECIDED, entry, decided)
    if reading is not None and entry is None:
        return Mark(NO_ENTRY, None, reading)
    if reading is not None and reading != entry:
        return Mark(DIFFERS, entry, reading)
    if status == FieldStatus.REVIEW or reading is None:
        empty = entry is None and reading is None and status != FieldStatus.REVIEW
        return Mark(NOTHING if empty else NOT_SURE, entry, None)
    return Mark(SAME, entry, reading)


def lines_of(
    cells: Iterable[CellMark],
    progress: Iterable[TpsMark],
    hidden: frozenset[tuple[str, str, str]],
    expected: Iterable[str],
    form: str,
) -> tuple[TpsLine, ...]:
    """Every TPS of a kecamatan as a row, also those that nothing is known of."""
    marks: dict[str, dict[str, Mark]] = {tps: {} for tps in expected}
    for tps, of, field, *stands in cells:
        if of == form:
            # An item that waits for whoever looks: nothing is told before the blind answer.
            is_hidden = (tps, of, field) in hidden
            marks.setdefault(tps, {})[field] = HIDDEN_CELL if is_hidden else mark_of(*stands)
    known = {one.tps: one for one in progress if one.form == form}
    for tps in known:
        marks.setdefault(tps, {})
    of_desa = cache(region_name)
    return tuple(
        TpsLine(
            tps,
            of_desa(tps[: Level.DESA]),
            tuple([of_tps.get(field, NO_CELL) for field in SHOWN]),
            known.get(tps),
        )
        for tps, of_tps in sorted(marks.items())
    )


def kecamatan_lines(room: Room, user: User, code: str) -> tuple[str, tuple[TpsLine, ...]]:
    """The form and the rows of one kecamatan, as this user may see them."""
    limits = user.regions
    cells = room.store.overview.marks(code, SHOWN, limits=limits)
    progress = room.store.overview.tps_marks(code, limits=limits)
    hidden: frozenset[tuple[str, str, str]] = frozenset()
    if must_not_see_waiting(user):
        hidden = room.store.overview.waiting_fields(code, limits=limits, fields=SHOWN)
    forms = sorted({cell.form for cell in cells} | {one.form for one in progress})
    form = forms[0] if forms else ""
    expected = [
        tps for tps in region_table().tps(code) if not limits or tps.startswith(tuple(limits))
    ]
    return form, lines_of(cells, progress, hidden, expected, form)


@router.get("/kecamatan/{code}")
def kecamatan(
    request: Request,
    room: RoomDep,
    user: Viewer,
    t: SpeakerDep,
    code: KecamatanCode,
    only: Annotated[str, Query(pattern="^(differs)?$")] = "",
) -> Response:
    """Every TPS of a kecamatan as a row, in large type."""
    require_region(user, code)
    hides = must_not_see_waiting(user)
    key = ("kecamatan", code, user.regions, hides, only, t.language)
    found = room.recent.get(key, lambda: _table(room, user, t, code, only))
    if not found.many:
        raise NoSuchRegion(f"no TPS of {code} is known", code=code)
    return page(
        request,
        "kecamatan.html",
        user=user,
        code=code,
        name=region_name(code),
        path_down=path_down(user, code),
        table=found.html,
        many=found.many,
        marked=found.marked,
        only=only,
        nothing_marked=only and not found.marked,
        hides=hides,
        known=found.is_known,
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """The table of a kecamatan, drawn once for all who look within some seconds."""

    html: Markup
    many: int
    marked: int
    is_known: bool
    """Whether anything is known of any of its TPS."""


def _table(room: Room, user: User, t: Speaker, code: str, only: str) -> Drawn:
    form, lines = kecamatan_lines(room, user, code)
    marked = [line for line in lines if line.differs]
    shown = marked if only else lines
    html = room.templates.get_template("kecamatan_table.html").render(
        t=t,
        name=region_name(code),
        fields=[(field, field_label(form, field)) for field in SHOWN],
        lines=shown,
        marks={mark for line in shown for mark in line.marks},
        states={line.stands for line in shown},
        only=only,
        totals=_totals(room, user, code, form),
        hides=must_not_see_waiting(user),
    )
    return Drawn(Markup(html), len(lines), len(marked), bool(form))  # noqa: S704 - by a template


def _totals(room: Room, user: User, code: str, form: str) -> list[Total | None]:
    if any(len(limit) > Level.DESA for limit in user.regions):
        return [None] * len(SHOWN)
    found = {one.field: one for one in totals_within(room, code, user.regions) if one.form == form}
    return [found.get(field) for field in SHOWN]


# One TPS


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field of a TPS: every entry, the reading, the decision."""

    form: str
    field: str
    label: str
    entries: tuple[int | None, ...]
    """By revision; ``None`` where it said nothing."""
    cell: DecidedCell | None
    hidden: bool


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item of a TPS, with the decisions this user may see."""

    item: QueueItem
    decision: TrailRecord | None


@router.get("/tps/{code}")
def tps(
    request: Request, room: RoomDep, user: Viewer, t: SpeakerDep, code: TpsCodePath
) -> Response:
    """All that is known of one TPS."""
    require_within(user, [code])
    store = room.store
    cells = store.queue.cells(code)
    revisions = store.entry_revisions(code)
    photos = store.queue.photos_of_tps(code)
    if not cells and not revisions and not photos and code not in region_table():
        raise NoSuchRegion(f"no TPS {code} is known", code=code)
    blind = must_not_see_waiting(user)
    hidden = store.overview.waiting_fields(code) if blind else frozenset()
    wanted = ItemFilter(tps=code, samples=allows(user, Permission.SEE_SAMPLE))
    items = [
        item for item in store.overview.items_by_place(wanted) if item.status is not ItemStatus.GONE
    ]
    return page(
        request,
        "tps.html",
        user=user,
        code=code,
        path_down=path_down(user, code),
        fields=_field_lines(cells, revisions, hidden),
        revisions=revisions,
        has_entries=any(cell.entry is not None for cell in cells),
        photos=photos,
        items=[ItemLine(item, _decision(room, user, item)) for item in items],
        tell=teller(room, t, items),
        blind=blind,
        field_label=field_label,
    )


def _field_lines(
    cells: Iterable[DecidedCell],
    revisions: Iterable[EntryRevision],
    hidden: frozenset[tuple[str, str, str]],
) -> list[FieldLine]:
    by_field = {(cell.form, cell.field): cell for cell in cells}
    entries = [revision.entry for revision in revisions]
    forms = sorted({form for form, _ in by_field} | {entry.form for entry in entries})
    lines = []
    for form in forms:
        known = form_of(form)
        names = list(known.field_names) if known else []
        names += sorted({field for of, field in by_field if of == form} - set(names))
        for field in names:
            said = tuple(
                entry.fields.get(field) if entry.form == form else None for entry in entries
            )
            cell = by_field.get((form, field))
            if cell is None and all(value is None for value in said):
                continue
            is_hidden = (cell.tps, form, field) in hidden if cell else False
            lines.append(FieldLine(form, field, field_label(form, field), said, cell, is_hidden))
    return lines


def _decision(room: Room, user: User, item: QueueItem) -> TrailRecord | None:
    """The newest decision that counts and that this user may see."""
    records = room.store.trail.of(f"item/{item.id}")
    state = state_of(records)
    supervisor = allows(user, Permission.SETTLE)
    seen = [
        one.sequence
        for one in state.decisions
        if may_see_decision(state, one, user.name, is_supervisor=supervisor)
    ]
    by_number = {record.sequence: record for record in records}
    return by_number[seen[-1]] if seen else None
