"""The auditor's desk: take an item, say what the paper says, see the rest, decide, undo, skip.

Every step is one transaction: it checks what holds now, writes the act into the trail, and sets
the item to what its acts say. So two auditors at one moment get one decision and one refusal.

What somebody said is on the disk before they are told so. A hold is not what anybody said: it gets
there with the next act (``at_once=False``), so that twenty who begin at once don't wait for the
disk twenty times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from models.people import User
from models.queue import ItemStatus, QueueItem
from models.store.acting import Acting
from models.store.item_filter import ItemFilter
from models.store.store import Store
from models.trail import Act, TrailRecord
from review.answers import PaperSays
from review.errors import AlreadyDone, HeldByOther, NoSuchItem, Refused, Stale
from review.item_state import (
    Decision,
    ItemState,
    check_may_answer,
    check_may_decide,
    check_may_work,
    may_see_decision,
    state_of,
    to_undo,
)
from review.outcomes import Finding
from review.permissions import Permission, allows, require, require_within
from review.settings import read_settings
from review.two_people import needs_second


@dataclass(frozen=True, slots=True)
class View:
    """What one user may see of one item."""

    item: QueueItem
    revealed: bool
    """Whether entry and reading may be shown."""
    own_answer: PaperSays | None
    decisions: tuple[Decision, ...]
    """Those that count and that this user may see."""
    history: tuple[TrailRecord, ...]
    """The acts that this user may see, the oldest first."""
    may_work: bool
    may_undo: bool
    held_by: str | None
    """Somebody else who is at work on it."""
    stage: ItemStatus


class Desk:
    """What auditors do; each method names the user who does it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Looking

    def view(self, user: User, number: int) -> View:
        """One item, with what this user may see of it. Changes nothing.

        Raises:
            NoSuchItem: there is none of that number.
            OutsideRegion: it is not the user's.

        """
        require(user, Permission.VIEW)
        with self._store.connections.reading() as connection:
            acting = Acting(connection)
            item = _item(acting, user, number)
            records = acting.records(item)
            longest = _longest_claim(acting)
        state = state_of(records)
        supervisor = _is_supervisor(user)
        works = allows(user, Permission.DECIDE)
        seen = tuple(
            one
            for one in state.decisions
            if may_see_decision(state, one, user.name, is_supervisor=supervisor)
        )
        revealed = (
            not works or item.field is None or user.name in state.answers or not item.is_waiting
        )
        return View(
            item=item,
            revealed=revealed,
            own_answer=state.answers.get(user.name),
            decisions=seen,
            history=_visible(records, state, seen, user.name) if revealed else (),
            may_work=works and _passes(check_may_work, item, state, user),
            may_undo=works and _can_undo(item, state, user),
            held_by=item.claimed_by if item.held_by_other(user.name, _now(), longest) else None,
            stage=item.status,
        )

    # Acts

    def next_item(self, user: User, wanted: ItemFilter) -> QueueItem | None:
        """Take the most urgent item that waits for this user; ``None`` where none does.

        What the user holds already but has not finished comes like any other, by its urgency.
        """
        require(user, Permission.DECIDE)
        mine, statuses = _for(user, wanted)
        with self._store.queue.acting(at_once=False) as acting:
            item = acting.next_item(user.name, mine, statuses, _now(), _longest_claim(acting))
            return None if item is None else _claim(acting, user, item)

    def peek(self, user: User, wanted: ItemFilter, *, after: int) -> QueueItem | None:
        """The item ``next_item`` would give once item ``after`` is done; takes nothing."""
        require(user, Permission.DECIDE)
        mine, statuses = _for(user, wanted)
        with self._store.connections.reading() as connection:
            acting = Acting(connection)
            longest = _longest_claim(acting)
            return acting.next_item(user.name, mine, statuses, _now(), longest, besides=after)

    def claim(self, user: User, number: int) -> QueueItem:
        """Take one item, so that others are told somebody is at work on it.

        Raises:
            HeldByOther: somebody else has it.
            AlreadyDone, SamePerson, ForSupervisor: it does not wait for this user.

        """
        with self._at_work(user, number, at_once=False) as (acting, item, state):
            check_may_work(item, state, user.name, is_supervisor=_is_supervisor(user))
            return _claim(acting, user, item)

    def keep(self, user: User, number: int, version: int) -> QueueItem:
        """Hold an item on while somebody is at work on it; a hold that ran out begins anew.

        Raises:
            Stale: the item is another now than on the page.
            HeldByOther, AlreadyDone, SamePerson, ForSupervisor: as ``claim``.

        """
        with self._at_work(user, number, at_once=False) as (acting, item, state):
            _check_version(item, version)
            check_may_work(item, state, user.name, is_supervisor=_is_supervisor(user))
            return _claim(acting, user, item)

    def answer(self, user: User, number: int, version: int, paper: PaperSays) -> QueueItem:
        """Keep a blind answer; from now on this user may see entry and reading.

        Raises:
            Stale: the item is another now than on the page.
            AnsweredAlready, HeldByOther, AlreadyDone, SamePerson, ForSupervisor: see ``errors``.

        """
        with self._at_work(user, number) as (acting, item, state):
            _check_version(item, version)
            check_may_answer(item, state, user.name, is_supervisor=_is_supervisor(user))
            held = _claim(acting, user, item)
            acting.append(
                who=user.name,
                act=Act.BLIND_ANSWERED,
                subject=_subject(item),
                after={"paper": paper.model_dump(mode="json"), "digest": item.digest},
            )
            acting.append(
                who=user.name,
                act=Act.REVEALED,
                subject=_subject(item),
                after={"entry": item.entry, "reading": item.reading},
            )
            return acting.change_item(held, has_acts=True)

    def decide(
        self, user: User, number: int, version: int, finding: Finding, *, attempt: str
    ) -> QueueItem:
        """Decide an item.

        Args:
            user: Who decides.
            number: The item's.
            version: The item's, as the page showed it.
            finding: What was found; see ``outcomes.parse_finding``.
            attempt: A name the page's form gave itself. The same form sent twice (a slow network,
                Back) decides once, and the second time is told so as if it had decided.

        Raises:
            Stale: somebody decided meanwhile, or the facts changed.
            BlindFirst, HeldByOther, AlreadyDone, SamePerson, ForSupervisor: see ``errors``.

        """
        with self._at_work(user, number) as (acting, item, state):
            own = state.decided_by(user.name)
            if own is not None and attempt and own.attempt == attempt:
                return item
            _check_version(item, version)
            check_may_decide(item, state, user.name, is_supervisor=_is_supervisor(user))
            second = (
                item.status is ItemStatus.OPEN
                and item.field is not None
                and needs_second(item, finding, read_settings(acting).second_person_votes)
            )
            answer = state.answers.get(user.name)
            record = acting.append(
                who=user.name,
                act=Act.DECIDED,
                subject=_subject(item),
                before={
                    "status": item.status.value,
                    "entry": item.entry,
                    "reading": item.reading,
                    "answer": answer.model_dump(mode="json") if answer else None,
                },
                after={
                    "finding": finding.model_dump(mode="json"),
                    "needs_second": second,
                    "attempt": attempt,
                    "digest": item.digest,
                },
                why=finding.reason or None,
            )
            acting.unskip(user.name, item)
            return _set_to(acting, item, replace_decisions(state, record))

    def undo(self, user: User, number: int, version: int, why: str = "") -> QueueItem:
        """Take the newest decision back, by a new record that says so.

        Raises:
            Stale: somebody decided meanwhile.
            NothingToUndo: there is no decision that this user may undo.

        """
        require(user, Permission.DECIDE)
        with self._store.queue.acting() as acting:
            item = _item(acting, user, number)
            _check_version(item, version)
            state = state_of(acting.records(item))
            undone = to_undo(item, state, user.name, is_supervisor=_is_supervisor(user))
            acting.append(
                who=user.name,
                act=Act.UNDONE,
                subject=_subject(item),
                before={"finding": undone.finding.model_dump(mode="json"), "by": undone.who},
                after={"undoes": undone.sequence},
                why=why.strip()[:1000] or None,
            )
            left = tuple(one for one in state.decisions if one.sequence != undone.sequence)
            return _set_to(acting, item, ItemState(state.answers, left))

    def skip(self, user: User, number: int) -> None:
        """Put an item aside: it comes back to this user when nothing else is left.

        Raises:
            AlreadyDone: nothing is left to decide.

        """
        require(user, Permission.DECIDE)
        with self._store.queue.acting() as acting:
            item = _item(acting, user, number)
            if not item.is_waiting:
                raise AlreadyDone(f"item {item.id} is {item.status}", status=item.status.value)
            acting.skip(user.name, item, _now())
            acting.append(who=user.name, act=Act.SKIPPED, subject=_subject(item))
            if item.claimed_by == user.name:
                acting.change_item(item, claimed_by=None, claimed_until=None)

    def exported(self, user: User, what: str, rows: int, **filters: str) -> None:
        """Note in the trail that a user took data out; call it before the file is sent."""
        require(user, Permission.EXPORT)
        with self._store.queue.acting() as acting:
            acting.append(
                who=user.name,
                act=Act.EXPORTED,
                subject=f"export/{what}",
                after={"rows": rows, **filters},
            )

    @contextmanager
    def _at_work(
        self, user: User, number: int, *, at_once: bool = True
    ) -> Iterator[tuple[Acting, QueueItem, ItemState]]:
        require(user, Permission.DECIDE)
        with self._store.queue.acting(at_once=at_once) as acting:
            item = _item(acting, user, number)
            state = state_of(acting.records(item))
            if item.is_waiting and item.held_by_other(user.name, _now(), _longest_claim(acting)):
                raise HeldByOther(
                    f"{item.claimed_by} is at work on item {item.id}", by=item.claimed_by
                )
            yield acting, item, state


def _for(user: User, wanted: ItemFilter) -> tuple[ItemFilter, list[ItemStatus]]:
    """The filter within the user's regions, and what the user may work on."""
    statuses = [ItemStatus.OPEN, ItemStatus.SECOND]
    if _is_supervisor(user):
        statuses.append(ItemStatus.SUPERVISOR)
    if wanted.statuses:
        statuses = [status for status in statuses if status in wanted.statuses]
    return replace(wanted, limits=user.regions), statuses


def replace_decisions(state: ItemState, record: TrailRecord) -> ItemState:
    """The state after one more decision."""
    added = state_of([record]).decisions
    return ItemState(state.answers, state.decisions + added)


def columns_of(state: ItemState) -> dict[str, object]:
    """What the queue keeps at hand of a state; ``audit verify`` compares it with the trail."""
    final = state.final
    decisions = state.decisions
    return {
        "status": state.status,
        "first_by": decisions[0].who if decisions else None,
        "second_by": decisions[1].who if len(decisions) > 1 else None,
        "outcome": final.finding.outcome if final else None,
        "number": final.finding.number if final else None,
        "decided_by": final.who if final else None,
        "decided_at": final.at if final else None,
    }


def _set_to(acting: Acting, item: QueueItem, state: ItemState) -> QueueItem:
    return acting.change_item(
        item,
        **columns_of(state),
        version=item.version + 1,
        changed=item.changed and state.status is not ItemStatus.DONE,
        has_acts=True,
        claimed_by=None,
        claimed_until=None,
    )


def _claim(acting: Acting, user: User, item: QueueItem) -> QueueItem:
    """Hold an item for a while; only a new hold is an act, not its renewal."""
    now = _now()
    until = now + _longest_claim(acting)
    is_new = item.claimed_by != user.name or (item.claimed_until or now) <= now
    if is_new:
        acting.append(
            who=user.name,
            act=Act.ITEM_CLAIMED,
            subject=_subject(item),
            before={"by": item.claimed_by} if item.claimed_by else None,
            after={"until": until.isoformat(timespec="seconds")},
        )
    acting.unskip(user.name, item)
    return acting.change_item(item, claimed_by=user.name, claimed_until=until)


def _longest_claim(acting: Acting) -> timedelta:
    return timedelta(minutes=read_settings(acting).claim_minutes)


def _item(acting: Acting, user: User, number: int) -> QueueItem:
    item = acting.item(number)
    if item is None:
        raise NoSuchItem(f"there is no item {number}", item=number)
    require_within(user, [item.tps])
    return item


def _check_version(item: QueueItem, version: int) -> None:
    if item.version != version:
        raise Stale(
            f"item {item.id} is at version {item.version}, the page showed {version}",
            by=item.decided_by or item.second_by or item.first_by,
        )


def _visible(
    records: tuple[TrailRecord, ...], state: ItemState, seen: tuple[Decision, ...], who: str
) -> tuple[TrailRecord, ...]:
    """A user's own acts and the program's; those of others once nothing is left to hide."""
    if state.status is ItemStatus.DONE or len(seen) > 1:
        return records
    shown = {one.sequence for one in seen}
    return tuple(
        record for record in records if record.who in (who, "chasil") or record.sequence in shown
    )


def _passes(check: _Check, item: QueueItem, state: ItemState, user: User) -> bool:
    try:
        check(item, state, user.name, is_supervisor=_is_supervisor(user))
    except Refused:
        return False
    return True


class _Check(Protocol):
    def __call__(
        self, item: QueueItem, state: ItemState, who: str, /, *, is_supervisor: bool
    ) -> object: ...


def _can_undo(item: QueueItem, state: ItemState, user: User) -> bool:
    return _passes(to_undo, item, state, user)


def _is_supervisor(user: User) -> bool:
    return allows(user, Permission.SETTLE)


def _subject(item: QueueItem) -> str:
    return f"item/{item.id}"


def _now() -> datetime:
    return datetime.now(UTC)
