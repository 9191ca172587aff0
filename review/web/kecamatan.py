"""A kecamatan for a plenary's projector, every TPS a row; and one TPS with all that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from pydantic import StringConstraints

from models.elections import SHARED_FIELDS, election_of
from models.party_fields import in_printed_order, rows_by_party
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
from review.web.elections import (
    FormName,
    candidates_for_columns,
    choices,
    chosen_form,
    column_label,
    column_number,
    columns_of,
    forms_known,
)
from review.web.parts import Room, RoomDep, SpeakerDep, needs, page, url
from review.web.places import (
    candidate_names,
    field_label,
    form_of,
    party_name,
    region_name,
    region_table,
    row_label,
    with_kin,
)
from review.web.telling import teller

router = APIRouter(default_response_class=HTMLResponse)

KecamatanCode = Annotated[str, Path(pattern=r"^[0-9]{6}$")]
TpsCodePath = Annotated[str, Path(pattern=r"^[0-9]{13}$")]
ColumnNumber = Annotated[str, StringConstraints(max_length=15, pattern=r"^[0-9]{1,15}$")]
Viewer = Annotated[User, needs(Permission.VIEW)]

MOST_CHOSEN = 100
"""Columns an address may name."""

BROKEN, REPORTED, HIDDEN, DECIDED, DIFFERS, NO_ENTRY, NOT_SURE, SAME, NOTHING = (
    "broken",
    "reported",
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
    waits: bool = False
    """Something that is not among the columns waits, and may be told."""

    @property
    def differs(self) -> bool:
        """Whether any of its cells needs eyes."""
        return self.waits or any(mark.state not in (SAME, NOTHING, REPORTED) for mark in self.marks)

    @property
    def stands(self) -> tuple[bool, int, int]:
        """Whether a photo of it was read, items that wait, items that are done."""
        one = self.progress
        return (one.pages_read > 0, one.items_waiting, one.items_done) if one else (False, 0, 0)


def _reported(entry: int | None, waits: bool) -> Mark:
    """How a cell stands where there is nothing to hold its entry against but sums."""
    state = NOTHING if entry is None else REPORTED
    return Mark(BROKEN if waits else state, entry, None)


@lru_cache(maxsize=8192)
def mark_of(
    entry: int | None,
    reading: int | None,
    status: str | None,
    is_decided: bool,
    decided: int | None,
    is_unread: bool = False,
    waits: bool = False,
) -> Mark:
    """How a cell stands. A kecamatan has thousands of cells and a few hundred different ones.

    Args:
        entry: The reported number.
        reading: The number on paper.
        status: How sure the reading is.
        is_decided: An auditor said what the number is.
        decided: That number.
        is_unread: No photo of this form was read anywhere here, so that the machine says nothing.
        waits: An item about the cell waits; only of interest where nothing was read.

    """
    if is_decided:
        return Mark(DECIDED, entry, decided)
    if is_unread:
        return _reported(entry, waits)
    if reading is not None and entry is None:
        return Mark(NO_ENTRY, None, reading)
    if reading is not None and reading != entry:
        return Mark(DIFFERS, entry, reading)
    is_sure = reading is not None and status != FieldStatus.REVIEW
    empty = entry is None and reading is None and status != FieldStatus.REVIEW
    return Mark(
        SAME if is_sure else NOTHING if empty else NOT_SURE, entry, reading if is_sure else None
    )


def lines_of(
    cells: Iterable[CellMark],
    progress: Iterable[TpsMark],
    waiting: frozenset[tuple[str, str, str]],
    expected: Iterable[str],
    form: str,
    fields: Sequence[str],
    *,
    hides: bool,
) -> tuple[TpsLine, ...]:
    """Every TPS of a kecamatan as a row, also those that nothing is known of.

    Args:
        cells: Of that form, in any order.
        progress: Of its TPS.
        waiting: TPS, form and field of what waits.
        expected: TPS that ought to be there.
        form: Id of the form.
        fields: One a column.
        hides: Whoever looks must not see what waits.

    """
    known = {one.tps: one for one in progress if one.form == form}
    is_unread = not any(one.pages_read for one in known.values())
    marks: dict[str, dict[str, Mark]] = {tps: {} for tps in (*expected, *known)}
    for tps, of, field, *stands in cells:
        if of == form:
            # An item that waits for whoever looks: nothing is told before the blind answer.
            waits = (tps, of, field) in waiting
            marks.setdefault(tps, {})[field] = (
                HIDDEN_CELL if waits and hides else mark_of(*stands, is_unread, is_unread and waits)
            )
    of_desa = cache(region_name)
    return tuple(
        TpsLine(
            tps,
            of_desa(tps[: Level.DESA]),
            tuple([of_tps.get(field, NO_CELL) for field in fields]),
            known.get(tps),
            is_unread and not hides and tps in known and known[tps].items_waiting > 0,
        )
        for tps, of_tps in sorted(marks.items())
    )


def kecamatan_lines(
    room: Room, user: User, code: str, form: str, fields: Sequence[str]
) -> tuple[TpsLine, ...]:
    """The rows of one kecamatan for one form, as this user may see them."""
    limits = user.regions
    progress = room.store.overview.tps_marks(code, limits=limits, form=form)
    known = [one.tps for one in progress]
    cells = (
        room.store.overview.marks(code, fields, limits=limits, form=form, tps=known)
        if known
        else []
    )
    hides = must_not_see_waiting(user)
    waiting: frozenset[tuple[str, str, str]] = frozenset()
    if hides or not any(one.pages_read for one in progress):
        waiting = room.store.overview.waiting_fields(code, limits=limits, fields=fields)
    if hides:
        waiting = with_kin(waiting)
    expected = [
        tps for tps in region_table().tps(code) if not limits or tps.startswith(tuple(limits))
    ]
    return lines_of(cells, progress, waiting, expected, form, fields, hides=hides)


@router.get("/kecamatan/{code}")
def kecamatan(
    request: Request,
    room: RoomDep,
    user: Viewer,
    t: SpeakerDep,
    code: KecamatanCode,
    only: Annotated[str, Query(pattern="^(differs)?$")] = "",
    form: FormName = "",
    column: Annotated[list[ColumnNumber] | None, Query(max_length=MOST_CHOSEN)] = None,
) -> Response:
    """Every TPS of a kecamatan as a row, in large type; of one election."""
    require_region(user, code)
    hides = must_not_see_waiting(user)
    forms = forms_known(room, code)
    chosen = chosen_form(forms, form)
    asked = tuple(sorted(set(column or ())))
    key = ("kecamatan", code, user.regions, hides, only, t.language, chosen, asked)
    found = room.recent.get(key, lambda: _table(room, user, t, code, only, chosen, asked))
    if not found.many:
        raise NoSuchRegion(f"no TPS of {code} is known", code=code)
    named = chosen if len(forms) > 1 else ""
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
        forms=forms,
        form=chosen,
        named=named,
        asked=asked,
        columns=found.columns,
        here=lambda one: url(f"/kecamatan/{code}", form=one, only=only),
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """The table of a kecamatan, drawn once for all who look within some seconds."""

    html: Markup
    many: int
    marked: int
    is_known: bool
    """Whether anything is known of any of its TPS."""
    columns: tuple[tuple[str, str, bool], ...]
    """Number, label, and whether it is shown, of all parties or persons that may be a column."""


def _table(
    room: Room, user: User, t: Speaker, code: str, only: str, form: str, asked: Sequence[str]
) -> Drawn:
    totals = totals_within(room, code, user.regions, form)
    fields = columns_of(form, totals, asked)
    may_be = candidates_for_columns(form, totals)
    names = candidate_names(room, form, may_be)
    lines = kecamatan_lines(room, user, code, form, fields)
    marked = [line for line in lines if line.differs]
    shown = marked if only else lines
    html = room.templates.get_template("kecamatan_table.html").render(
        t=t,
        name=region_name(code),
        fields=[(field, column_label(form, field, names)) for field in fields],
        lines=shown,
        marks={mark for line in shown for mark in line.marks},
        states={line.stands for line in shown},
        only=only,
        totals=_totals(user, totals, fields),
        hides=must_not_see_waiting(user),
        named=form if len(forms_known(room, code)) > 1 else "",
    )
    return Drawn(
        Markup(html),  # noqa: S704 - by a template
        len(lines),
        len(marked),
        bool(form),
        tuple(
            (column_number(field), column_label(form, field, names), field in fields)
            for field in may_be
        ),
    )


def _totals(user: User, totals: Iterable[Total], fields: Sequence[str]) -> list[Total | None]:
    if any(len(limit) > Level.DESA for limit in user.regions):
        return [None] * len(fields)
    found = {one.field: one for one in totals}
    return [found.get(field) for field in fields]


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

    @property
    def needs_eyes(self) -> bool:
        """Whether it waits for an answer, was decided, or reads otherwise than it was reported."""
        cell = self.cell
        if cell is None or self.hidden:
            return self.hidden
        return cell.is_decided or (cell.reading is not None and cell.reading != cell.entry)


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item of a TPS, with the decisions this user may see."""

    item: QueueItem
    decision: TrailRecord | None
    hidden: bool
    """Its number waits for a blind answer, here or on a copy of the form."""


@router.get("/tps/{code}")
def tps(
    request: Request,
    room: RoomDep,
    user: Viewer,
    t: SpeakerDep,
    code: TpsCodePath,
    form: FormName = "",
) -> Response:
    """All that is known of one TPS; its numbers of one election."""
    require_within(user, [code])
    store = room.store
    every_revision = store.entry_revisions(code)
    photos = store.queue.photos_of_tps(code)
    reported = {one.entry.form for one in every_revision}
    forms = choices(store.overview.forms(code) | reported)
    chosen = chosen_form(forms, form)
    revisions = [one for one in every_revision if one.entry.form == chosen]
    cells = store.queue.cells(code, form=chosen)
    if not forms and not photos and code not in region_table():
        raise NoSuchRegion(f"no TPS {code} is known", code=code)
    blind = must_not_see_waiting(user)
    hidden = with_kin(store.overview.waiting_fields(code)) if blind else frozenset()
    wanted = ItemFilter(tps=code, samples=allows(user, Permission.SEE_SAMPLE))
    items = [
        item for item in store.overview.items_by_place(wanted) if item.status is not ItemStatus.GONE
    ]
    names = candidate_names(room, chosen, [cell.field for cell in cells])
    lines = _field_lines(chosen, cells, revisions, hidden, names)
    return page(
        request,
        "tps.html",
        user=user,
        code=code,
        path_down=path_down(user, code),
        groups=_groups(lines),
        revisions=revisions,
        has_entries=any(cell.entry is not None for cell in cells),
        photos=photos,
        items=[_item_line(room, user, item, hidden) for item in items],
        tell=teller(room, t, items),
        blind=blind,
        item_label=lambda item: field_label(item.form, item.field, names),
        forms=forms,
        form=chosen,
        here=lambda one: url(f"/tps/{code}", form=one),
    )


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Some fields of a TPS: those of the form at large, or the rows of one party."""

    name: str
    """The party; empty for the first group, which is always open."""
    lines: tuple[FieldLine, ...]
    total: FieldLine | None
    needs_eyes: bool
    """Something in it waits or differs: then it is open from the start."""


def _groups(lines: Sequence[FieldLine]) -> tuple[FieldGroup, ...]:
    """The form at large with the parties' totals first, then each party's own rows."""
    by_field = {line.field: line for line in lines}
    parties = rows_by_party(by_field)
    within = {
        field
        for party, rows in parties.items()
        if party is not None
        for field in (rows.alone, *rows.candidates)
        if field is not None
    }
    first = tuple(line for line in lines if line.field not in within)
    groups = [FieldGroup("", first, None, True)] if first else []
    for party, rows in parties.items():
        below = tuple(
            by_field[field] for field in (rows.alone, *rows.candidates) if field in within
        )
        if party is not None and below:
            total = by_field.get(rows.total or "")
            eyes = any(line.needs_eyes for line in below)
            groups.append(FieldGroup(party_name(party), below, total, eyes))
    return tuple(groups)


def _field_lines(
    form: str,
    cells: Iterable[DecidedCell],
    revisions: Iterable[EntryRevision],
    hidden: frozenset[tuple[str, str, str]],
    names: Mapping[str, str],
) -> list[FieldLine]:
    by_field = {cell.field: cell for cell in cells}
    entries = [revision.entry for revision in revisions]
    known = form_of(form)
    printed = list(known.field_names if known else SHARED_FIELDS if election_of(form) else ())
    others = {*by_field, *(field for entry in entries for field in entry.fields)} - set(printed)
    lines = []
    for field in (*printed, *in_printed_order(sorted(others))):
        said = tuple(entry.fields.get(field) for entry in entries)
        cell = by_field.get(field)
        if cell is None and all(value is None for value in said):
            continue
        is_hidden = (cell.tps, form, field) in hidden if cell else False
        label = row_label(form, field, names)
        lines.append(FieldLine(form, field, label, said, cell, is_hidden))
    return lines


def _item_line(
    room: Room, user: User, item: QueueItem, waiting: frozenset[tuple[str, str, str]]
) -> ItemLine:
    hidden = (item.tps, item.form, item.field) in waiting
    # What auditors decided on a copy is the number that is still to be answered on the original.
    return ItemLine(item, None if hidden else _decision(room, user, item), hidden)


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
