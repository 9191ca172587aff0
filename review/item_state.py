"""Where an item stands: worked out from its acts alone, and what may be done with it next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from models.queue import ItemStatus, QueueItem
from models.trail import Act, TrailRecord
from review.answers import PaperSays
from review.errors import (
    AlreadyDone,
    AnsweredAlready,
    BlindFirst,
    ForSupervisor,
    NothingToUndo,
    SamePerson,
)
from review.outcomes import Finding


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that counts (it was not undone, and the facts are still the same)."""

    sequence: int
    at: datetime
    who: str
    finding: Finding
    needs_second: bool
    attempt: str
    """What the page's form named itself: the same form sent twice decides once."""


@dataclass(frozen=True, slots=True)
class ItemState:
    """An item's answers and decisions since its facts last changed."""

    answers: dict[str, PaperSays] = field(default_factory=dict)
    """User to blind answer; the first one counts."""
    decisions: tuple[Decision, ...] = ()
    """One; two where a second auditor was needed; three where a supervisor settled it."""

    @property
    def status(self) -> ItemStatus:
        """Whom the item waits for."""
        if not self.decisions:
            return ItemStatus.OPEN
        if len(self.decisions) == 1:
            return ItemStatus.SECOND if self.decisions[0].needs_second else ItemStatus.DONE
        first, second = self.decisions[:2]
        if len(self.decisions) == 2 and not first.finding.same_as(second.finding):
            return ItemStatus.SUPERVISOR
        return ItemStatus.DONE

    @property
    def final(self) -> Decision | None:
        """The decision that ended it; ``None`` while it waits."""
        return self.decisions[-1] if self.status is ItemStatus.DONE else None

    def decided_by(self, who: str) -> Decision | None:
        """A user's own decision that counts, or ``None``."""
        return next((one for one in self.decisions if one.who == who), None)


def state_of(records: Iterable[TrailRecord]) -> ItemState:
    """Follow an item's acts, the oldest first."""
    answers: dict[str, PaperSays] = {}
    decisions: list[Decision] = []
    for record in records:
        after = record.after or {}
        if record.act == Act.BLIND_ANSWERED:
            answers.setdefault(record.who, PaperSays.model_validate(after["paper"]))
        elif record.act == Act.DECIDED:
            decisions.append(
                Decision(
                    sequence=record.sequence,
                    at=record.at,
                    who=record.who,
                    finding=Finding.model_validate(after["finding"]),
                    needs_second=after["needs_second"],
                    attempt=after["attempt"],
                )
            )
        elif record.act == Act.UNDONE:
            decisions = [one for one in decisions if one.sequence != after["undoes"]]
        elif record.act == Act.ITEM_CHANGED:
            answers, decisions = {}, []
    return ItemState(answers, tuple(decisions))


def check_may_work(item: QueueItem, state: ItemState, who: str, *, is_supervisor: bool) -> None:
    """Raise where a user can't be the one who decides next.

    Raises:
        AlreadyDone: nothing is left to decide.
        SamePerson: the user has decided it.
        ForSupervisor: only a supervisor may.

    """
    if not item.is_waiting:
        raise AlreadyDone(f"item {item.id} is {item.status}", status=item.status.value)
    if state.decided_by(who) is not None:
        raise SamePerson(f"{who} has decided item {item.id} already")
    if item.status is ItemStatus.SUPERVISOR and not is_supervisor:
        raise ForSupervisor(f"two auditors disagree on item {item.id}")


def check_may_answer(item: QueueItem, state: ItemState, who: str, *, is_supervisor: bool) -> None:
    """As ``check_may_work``; also ``AnsweredAlready``."""
    check_may_work(item, state, who, is_supervisor=is_supervisor)
    if who in state.answers:
        raise AnsweredAlready(f"{who} has answered item {item.id} already")


def check_may_decide(item: QueueItem, state: ItemState, who: str, *, is_supervisor: bool) -> None:
    """As ``check_may_work``; also ``BlindFirst``. Items without a field have nothing to answer."""
    check_may_work(item, state, who, is_supervisor=is_supervisor)
    if item.field is not None and who not in state.answers:
        raise BlindFirst(f"{who} has not said what the paper says on item {item.id}")


def to_undo(item: QueueItem, state: ItemState, who: str, *, is_supervisor: bool) -> Decision:
    """The decision an undo takes back: the newest one, by whoever made it or a supervisor.

    Once two have decided and the item is done, both answers are open to see: then only a
    supervisor undoes, for nobody could look a second time without knowing the first answer.

    Raises:
        NothingToUndo: there is none, or it is another's.

    """
    newest = state.decisions[-1] if state.decisions else None
    seen_by_all = state.status is ItemStatus.DONE and len(state.decisions) > 1
    own = newest is not None and newest.who == who and not seen_by_all
    if newest is None or not (own or is_supervisor):
        raise NothingToUndo(f"no decision of {who} on item {item.id} can be undone")
    return newest


def may_see_decision(
    state: ItemState, decision: Decision, who: str, *, is_supervisor: bool
) -> bool:
    """Whether a user may see a decision.

    While a second look is due, only its author may. Two that disagree are also open to a
    supervisor who has given a blind answer. When the item is done, everybody may.
    """
    if decision.who == who or state.status is ItemStatus.DONE:
        return True
    return state.status is ItemStatus.SUPERVISOR and is_supervisor and who in state.answers
