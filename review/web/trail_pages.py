"""The trail, for supervisors: who did what, when, from what, to what, why; and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from models.people import User
from models.store.trail import TrailFilter
from models.trail import Act, Anchor, Break, TrailRecord
from review.permissions import Permission
from review.replay import Mismatch, mismatches
from review.texts import WIB, Speaker
from review.web.parts import OwnForm, Room, RoomDep, needs, page, speaker_of

router = APIRouter(default_response_class=HTMLResponse)

ROWS = 50

MISMATCHES_SHOWN = 10

Supervisor = Annotated[User, needs(Permission.SEE_TRAIL)]

BLIND_ACTS = frozenset(
    {Act.BLIND_ANSWERED, Act.REVEALED, Act.DECIDED, Act.UNDONE, Act.ITEM_CHANGED}
)
"""What they say is hidden while their item waits: the next one to look at it must not know."""


class TrailChoice:
    """The filters as they stand in the address; empty ones limit nothing."""

    def __init__(
        self,
        who: Annotated[str, Query(max_length=64)] = "",
        act: Annotated[str, Query(max_length=32)] = "",
        subject: Annotated[str, Query(max_length=96)] = "",
        since: Annotated[str, Query(max_length=10)] = "",
        until: Annotated[str, Query(max_length=10)] = "",
    ) -> None:
        self.who = who.strip()
        self.act = act if act in set(Act) else ""
        self.subject = subject.strip()
        self.since = since if _day(since) else ""
        self.until = until if _day(until) else ""

    def parameters(self) -> dict[str, str]:
        """As parameters of a link."""
        return {
            "who": self.who,
            "act": self.act,
            "subject": self.subject,
            "since": self.since,
            "until": self.until,
        }

    def wanted(self, user: User) -> TrailFilter:
        """The same for the store, within the user's regions."""
        last = _day(self.until)
        # A day has no end where the calendar has none.
        after = last + timedelta(days=1) if last and last < date.max else None
        return TrailFilter(
            who=self.who,
            act=self.act,
            subject=self.subject,
            since=_midnight(_day(self.since)),
            until=_midnight(after),
            limits=user.regions,
        )


ChoiceDep = Annotated[TrailChoice, Depends()]


@dataclass(frozen=True, slots=True)
class Line:
    """One act as the page shows it."""

    record: TrailRecord
    hidden: bool
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the chain holds, and up to where it was looked at."""

    broken: Break | None
    head: Anchor | None
    differing: tuple[Mismatch, ...] = ()
    """Items that say something else than the trail, the first few."""


@router.get("/trail")
def trail(
    request: Request,
    room: RoomDep,
    user: Supervisor,
    choice: ChoiceDep,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """The newest acts first."""
    return _show(request, room, user, choice, before=before)


@router.post("/trail/verify", dependencies=[OwnForm])
def verify(request: Request, room: RoomDep, user: Supervisor, choice: ChoiceDep) -> Response:
    """Walk the whole chain, compare every item with it, and say whether both hold."""
    head = room.store.trail.head()
    broken = room.store.trail.verify()
    differing = () if broken else tuple(islice(mismatches(room.store), MISMATCHES_SHOWN))
    return _show(request, room, user, choice, verdict=Verdict(broken, head, differing))


def _show(
    request: Request,
    room: Room,
    user: User,
    choice: TrailChoice,
    *,
    before: int | None = None,
    verdict: Verdict | None = None,
) -> Response:
    records = room.store.trail.search(choice.wanted(user), before=before, limit=ROWS + 1)
    return page(
        request,
        "trail.html",
        user=user,
        choice=choice,
        lines=_lines(room, user, speaker_of(request), records[:ROWS]),
        after=records[ROWS - 1].sequence if len(records) > ROWS else None,
        acts=[act.value for act in Act],
        names=[one.name for one in room.store.accounts.users()],
        verdict=verdict,
    )


def _lines(room: Room, user: User, t: Speaker, records: tuple[TrailRecord, ...]) -> list[Line]:
    numbers = {
        int(record.subject.removeprefix("item/"))
        for record in records
        if record.subject.startswith("item/")
    }
    items = room.store.overview.items(numbers)
    waiting = {f"item/{number}" for number, item in items.items() if item.is_waiting and item.field}
    lines = []
    for record in records:
        hidden = record.subject in waiting and record.act in BLIND_ACTS and record.who != user.name
        lines.append(
            Line(
                record,
                hidden,
                () if hidden else tuple(_facts(record.before, t)),
                () if hidden else tuple(_facts(record.after, t)),
            )
        )
    return lines


NOT_SHOWN = frozenset({"digest", "attempt", "keys_and_digests", "reason"})
"""Parts for programs; and the reason, which has a column of its own."""

NAMED = {
    "says": "says",
    "outcome": "outcome",
    "status": "status",
    "role": "role",
    "kind": "kind",
}
"""Parts whose values have names among the texts."""


def _facts(facts: dict[str, Any] | None, t: Speaker) -> list[tuple[str, str]]:
    """What a record tells, in words: ``{"finding": {"number": 3}}`` as ``number`` and ``3``."""
    told = []
    for path, value in _flat(facts):
        name = path.rpartition(".")[2]
        if path.endswith("says") and value == "number":
            continue
        key = path if t.has(f"fact.{path}") else name
        shown = t.name(NAMED[name], value) if name in NAMED else value
        told.append((t.name("fact", key), shown))
    return told


def _flat(facts: Any, prefix: str = "") -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """``{"finding": {"number": 3}}`` as ``finding.number`` and ``3``; what is empty is left out."""
    if isinstance(facts, dict):
        return [
            pair
            for key, value in facts.items()
            if key not in NOT_SHOWN
            for pair in _flat(value, f"{prefix}.{key}" if prefix else key)
        ]
    if isinstance(facts, list):
        facts = " ".join(map(str, facts))
    if facts is None or facts == "" or facts is False:
        return []
    return [(prefix, "✔" if facts is True else str(facts))]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date | None) -> datetime | None:
    """When a day begins in WIB, the time that pages show."""
    if day is None:
        return None
    local = datetime.combine(day, time(), WIB)
    # The first day of the calendar begins before time does, in UTC.
    return local.astimezone(UTC) if day > date.min else datetime.min.replace(tzinfo=UTC)
