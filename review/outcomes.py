"""What each outcome needs, and when it fits the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from models.queue import SETTLES_NUMBER, ItemFacts, Outcome
from models.records import Record
from review.errors import OutcomeIncomplete, OutcomeMissing

LONGEST_TEXT = 1000
"""Characters of a reason or a reference."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be filled in beside an outcome."""

    number: bool = False
    """The number on the paper (of the plenary), or that there is none."""
    reason: bool = False
    reference: bool = False
    """Where the D.HASIL record is: kecamatan, date, page, line."""


NEEDS: dict[Outcome, Needs] = {
    Outcome.AGREES: Needs(),
    Outcome.ENTRY_WRONG: Needs(number=True),
    Outcome.MACHINE_WRONG: Needs(number=True),
    Outcome.FORM_WRONG_ON_PAPER: Needs(reason=True),
    Outcome.CORRECTED_AT_PLENARY: Needs(number=True, reference=True),
    Outcome.UNREADABLE: Needs(reason=True),
    Outcome.WRONG_PHOTO: Needs(),
    Outcome.WRONG_TPS: Needs(reason=True),
}

WITHOUT_FIELD = (
    Outcome.AGREES,
    Outcome.UNREADABLE,
    Outcome.WRONG_PHOTO,
    Outcome.WRONG_TPS,
)
"""Outcomes of items about a photo or a page: no number is at stake. ``AGREES`` says that nothing
is wrong with it."""


class Finding(Record):
    """An outcome with what belongs to it, complete and fitting."""

    outcome: Outcome
    number: int | None = None
    """Votes the paper says (the plenary, for ``CORRECTED_AT_PLENARY``)."""
    empty: bool = False
    """The paper has no number there. Not zero."""
    reason: str = ""
    reference: str = ""

    def same_as(self, other: Finding) -> bool:
        """Whether two auditors found the same: outcome and number; words may differ."""
        return (self.outcome, self.number, self.empty) == (
            other.outcome,
            other.number,
            other.empty,
        )


def outcomes_for(item: ItemFacts) -> tuple[Outcome, ...]:
    """The outcomes an item may have, in the order they are shown."""
    return tuple(Outcome) if item.field else WITHOUT_FIELD


def parse_finding(
    item: ItemFacts,
    *,
    outcome: str,
    number: int | None,
    empty: bool,
    reason: str,
    reference: str,
) -> Finding:
    """A finding from what was filled in.

    Raises:
        OutcomeMissing: no outcome was chosen.
        OutcomeIncomplete: something is missing or does not fit; ``data["what"]`` says which:
            ``outcome``, ``number``, ``number_equals_entry``, ``number_differs_from_entry``,
            ``number_equals_reading``, ``reason``, ``reference``, ``no_entry``.

    """
    if not outcome:
        raise OutcomeMissing("no outcome was chosen")
    if outcome not in outcomes_for(item):
        raise _incomplete("outcome", f"{outcome[:40]!r} is no outcome of this item")
    chosen = Outcome(outcome)
    reason, reference = reason.strip()[:LONGEST_TEXT], reference.strip()[:LONGEST_TEXT]
    needs = NEEDS[chosen]
    if number is not None and empty:
        raise _incomplete("number", "there is a number and there is none: only one can be")
    if needs.number and number is None and not empty:
        raise _incomplete("number", f"{chosen} needs the number")
    if needs.reason and not reason:
        raise _incomplete("reason", f"{chosen} needs a reason")
    if needs.reference and not reference:
        raise _incomplete("reference", f"{chosen} needs a reference to the D.HASIL record")
    if chosen is Outcome.AGREES:
        number, empty = _agreed(item, number)
    elif chosen not in SETTLES_NUMBER and chosen is not Outcome.FORM_WRONG_ON_PAPER:
        number, empty = None, False
    finding = Finding(
        outcome=chosen, number=number, empty=empty, reason=reason, reference=reference
    )
    _check_fit(item, finding)
    return finding


def _agreed(item: ItemFacts, number: int | None) -> tuple[int | None, bool]:
    """To agree is to say the entry's number; without one, that the paper has none either."""
    if item.field is None:
        return None, False
    if item.entry is None:
        if number is not None:
            raise _incomplete("no_entry", "the system has no number to agree with")
        return None, True
    if number not in (None, item.entry):
        raise _incomplete("number_differs_from_entry", "the number is not the system's")
    return item.entry, False


def _check_fit(item: ItemFacts, finding: Finding) -> None:
    if finding.outcome is Outcome.ENTRY_WRONG:
        same = finding.number == item.entry and (finding.empty or finding.number is not None)
        if same:
            raise _incomplete("number_equals_entry", "the number is the one the system has")
    elif finding.outcome is Outcome.MACHINE_WRONG:
        if item.entry is not None and finding.number != item.entry:
            raise _incomplete(
                "number_differs_from_entry", "the number is not the system's: the entry is wrong"
            )
        if finding.number is not None and finding.number == item.reading:
            raise _incomplete("number_equals_reading", "the machine read that very number")


def _incomplete(what: str, message: str) -> OutcomeIncomplete:
    return OutcomeIncomplete(message, what=what)
