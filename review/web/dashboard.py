"""How far the work is: the regions, from the provinsi down to the TPS, with counts and sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from models.forms.votes import holds_votes
from models.people import User
from models.queue import ItemStatus, RegionProgress, Total
from models.regions import Level
from models.store.item_filter import ItemFilter
from models.store.overview import ItemSum
from review.charts import Chart, bar_chart
from review.errors import NoSuchRegion
from review.permissions import Permission, must_not_see_waiting, overlaps, require_region
from review.sampling import Estimate, estimate
from review.texts import Speaker
from review.web.elections import FormName, Votes, chosen_form, forms_known, votes_of
from review.web.parts import Room, RoomDep, SpeakerDep, go_to, needs, page, url
from review.web.places import candidate_names, form_of, region_name, region_table

router = APIRouter(default_response_class=HTMLResponse)

MOST_BARS = 40

FEWEST_TPS = 5
"""Sums over fewer TPS tell single numbers: whoever answers them blind must not see these sums."""

RegionCode = Annotated[str, Path(pattern=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10})$")]
Viewer = Annotated[User, needs(Permission.VIEW)]


@dataclass(frozen=True, slots=True)
class Child:
    """One region below, with how many TPS it ought to have."""

    code: str
    name: str
    tps: int
    progress: RegionProgress | None
    """``None`` where nothing is known of any of its TPS."""

    def piece(self, name: str) -> int:
        """One count; nothing known counts nothing."""
        return getattr(self.progress, name) if self.progress else 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a dashboard shows of one region."""

    at: datetime
    children: tuple[Child, ...]
    sums: tuple[ItemSum, ...]
    votes: Votes
    """Sums of one form from entries, readings and decisions, and where they differ."""
    sample: Estimate
    sample_regions: tuple[str, ...]


@router.get("/regions")
def top(
    request: Request, room: RoomDep, user: Viewer, t: SpeakerDep, form: FormName = ""
) -> Response:
    """The dashboard of the smallest region that holds all this user may see."""
    code = ""
    while len(code) < Level.DESA:
        below = [child for child in _known_below(room, user, code) if overlaps(user, child)]
        if len(below) != 1:
            break
        code = below[0]
    if code:
        return go_to(f"/regions/{code}", form=form)
    return _show(request, room, user, t, "", form)


@router.get("/regions/{code}")
def region(
    request: Request,
    room: RoomDep,
    user: Viewer,
    t: SpeakerDep,
    code: RegionCode,
    form: FormName = "",
) -> Response:
    """The dashboard of one region, with the votes of one election."""
    return _show(request, room, user, t, code, form)


def _show(
    request: Request, room: Room, user: User, t: Speaker, code: str, asked: str = ""
) -> Response:
    require_region(user, code)
    forms = forms_known(room, code)
    form = chosen_form(forms, asked)
    found = room.recent.get(
        ("dashboard", code, user.regions, form), lambda: figures(room, code, user.regions, form)
    )
    if code and not found.children and code not in region_table():
        raise NoSuchRegion(f"no region {code} is known", code=code)
    return page(
        request,
        "dashboard.html",
        user=user,
        code=code,
        name=region_name(code) if code else "",
        path_down=path_down(user, code),
        level=_level_below(code).name.lower(),
        found=found,
        whole=_whole(found.children),
        counts=room.store.queue.counts(ItemFilter(limits=user.regions, region=code)),
        progress_chart=_progress_chart(found.children),
        kind_chart=_item_chart(found.sums, "kind", t),
        cause_chart=_item_chart(found.sums, "cause", t),
        votes_chart=_votes_chart(found.sums, t),
        forms=forms,
        form=form,
        here=lambda one: url(f"/regions/{code}" if code else "/regions", form=one),
        votes=over_enough(found.votes) if must_not_see_waiting(user) else found.votes,
        hides_sums=must_not_see_waiting(user) and _tells_single_numbers(found),
        nothing_yet=room.store.queue.refreshed_batch() is None,
        address=address_of,
    )


def _tells_single_numbers(found: Figures) -> bool:
    """Whether the sums are over so few TPS that numbers which wait for an answer could be told."""
    read = sum(one.piece("read") for one in found.children)
    return (read or found.votes.known_for) < FEWEST_TPS


def over_enough(votes: Votes) -> Votes:
    """The sums without those of a row that few TPS have: such a sum tells single numbers."""

    def enough(total: Total) -> bool:
        known = (total.entry_known, total.reading_known, total.audited_known)
        return all(many == 0 or many >= FEWEST_TPS for many in known)

    parties = (
        replace(
            party,
            rows=tuple(row for row in party.rows if enough(row.total)),
            total=party.total if party.total and enough(party.total) else None,
        )
        for party in votes.parties
    )
    return Votes(
        tuple(row for row in votes.main if enough(row.total)),
        tuple(party for party in parties if party.rows),
    )


def figures(room: Room, code: str, limits: tuple[str, ...], form: str) -> Figures:
    """Count everything of one region, within the limits; progress and votes of one form."""
    queue = room.store.queue
    level = _level_below(code)
    known = queue.progress(code, level, limits=limits, form=form or None)
    progress = {one.code: one for one in known}
    totals = totals_within(room, code, limits, form)
    table = region_table()
    children = []
    for child in sorted(
        set(progress) | {one.code for one in table.at(level, code) if len(one.code) == level}
    ):
        expected = {tps for limit in limits or ("",) for tps in _tps_within(child, limit)}
        of_child = progress.get(child)
        if expected or of_child:
            many = max(len(expected), of_child.tps if of_child else 0)
            children.append(Child(child, region_name(child), many, of_child))
    return Figures(
        at=datetime.now(UTC),
        children=tuple(children),
        sums=room.store.overview.item_sums(ItemFilter(limits=limits, region=code)),
        votes=votes_of(form, totals, candidate_names(room, form, [one.field for one in totals])),
        sample=estimate(queue.sample_counts(limits)),
        sample_regions=limits,
    )


def totals_within(room: Room, code: str, limits: tuple[str, ...], form: str) -> tuple[Total, ...]:
    """Sums of one form within the limits, also where a limit is a single TPS.

    Sums by desa can't tell those; their cells do.
    """
    if not form:
        return ()
    if all(len(limit) <= Level.DESA for limit in limits) and len(code) <= Level.DESA:
        return room.store.queue.totals(code, limits=limits, form=form)
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for cell in room.store.queue.cells(code, limits=limits, form=form):
        if not holds_votes(form_of(cell.form), cell.field):
            continue
        found = sums.setdefault((cell.form, cell.field), dict.fromkeys(_SUMS, 0))
        for name, value in (
            ("entry", cell.entry),
            ("reading", cell.reading),
            ("audited", cell.audited),
        ):
            found[name] += value or 0
            found[f"{name}_known"] += value is not None
        for name, value in (
            ("reading", cell.reading),
            ("decided", cell.decided if cell.is_decided else None),
        ):
            if value is not None and cell.entry is not None:
                found[f"{name}_compared"] += 1
                found[f"{name}_minus_entry"] += value - cell.entry
        found["reading_differs"] += None not in (cell.reading, cell.entry) and (
            cell.reading != cell.entry
        )
        found["decided_known"] += cell.is_decided
    return tuple(Total(form=form, field=field, **sums[form, field]) for form, field in sorted(sums))


_SUMS = tuple(name for name in Total.model_fields if name not in ("form", "field"))


def path_down(user: User, code: str) -> tuple[tuple[str, str], ...]:
    """Code and name of the regions above a code and of itself, as far as the user may see them."""
    steps = [code[:level] for level in Level if level <= len(code)]
    return tuple((step, region_name(step)) for step in steps if overlaps(user, step))


def address_of(code: str) -> str:
    """Where a region's page is."""
    return f"/tps/{code}" if len(code) == Level.TPS else f"/regions/{code}"


def _known_below(room: Room, user: User, code: str) -> list[str]:
    level = _level_below(code)
    known = {one.code for one in room.store.queue.progress(code, level, limits=user.regions)}
    return sorted(known)


def _level_below(code: str) -> Level:
    return next(level for level in Level if level > len(code))


def _tps_within(code: str, limit: str) -> tuple[str, ...]:
    """TPS of the table below both of two codes."""
    if code.startswith(limit):
        return region_table().tps(code)
    return region_table().tps(limit) if limit.startswith(code) else ()


def _whole(children: tuple[Child, ...]) -> dict[str, int]:
    names = ("with_photos", "read", "clear", "in_conflict", "decided")
    return {"tps": sum(one.tps for one in children)} | {
        name: sum(one.piece(name) for one in children) for name in names
    }


PROGRESS_GROUPS = ("clear", "decided", "in_conflict", "rest")


def _progress_chart(children: tuple[Child, ...]) -> Chart:
    rows = []
    for one in children[:MOST_BARS]:
        counted = [one.piece(name) for name in PROGRESS_GROUPS[:-1]]
        rows.append((one.name, (*counted, max(one.tps - sum(counted), 0))))
    return bar_chart(PROGRESS_GROUPS, rows)


def _item_chart(sums: tuple[ItemSum, ...], by: str, t: Speaker) -> Chart:
    found: dict[str, list[int]] = {}
    for one in sums:
        if one.status is ItemStatus.GONE:
            continue
        key = getattr(one, by) or "none"
        counts = found.setdefault(key, [0, 0])
        counts[0 if one.status is ItemStatus.DONE else 1] += one.items
    rows = sorted(found.items(), key=lambda row: (-sum(row[1]), row[0]))
    return bar_chart(("done", "waiting"), [(t.name(by, key), counts) for key, counts in rows])


def _votes_chart(sums: tuple[ItemSum, ...], t: Speaker) -> Chart:
    found: dict[str, list[int]] = {}
    for one in sums:
        if one.status is ItemStatus.GONE or not one.votes:
            continue
        counts = found.setdefault(one.kind, [0, 0])
        counts[0 if one.status is ItemStatus.DONE else 1] += one.votes
    rows = sorted(found.items(), key=lambda row: (-sum(row[1]), row[0]))
    return bar_chart(("done", "waiting"), [(t.name("kind", key), counts) for key, counts in rows])
