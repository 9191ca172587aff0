"""Whether a decision still stands when the facts it rested on are others. Rules alone, no store.

A person decided what the *paper* says (or the plenary), and with it whether the entry is right. So
only two things touch a decision: an entry that is not what was decided, and paper that speaks
against it. In the order in which they are asked, where a number ``N`` was decided:

================================================  ==========================================
entry is another now, and not N                   reopened: ``entry_not_as_decided``
another photo, read as another number, not N      reopened: ``other_photo_other_number``
the same photo, clearly read as another, not N    reopened: ``clearly_read_otherwise``
entry is another now, and is N                    kept: ``corrected_as_decided``
another photo, nothing against N                  kept: ``other_photo``
another reading, N or not clear                   kept: ``reading_changed``
================================================  ==========================================

A number of the plenary (``corrected_at_plenary``) is not the paper's: no reading speaks against it.
Where no number was decided:

================================================  ==========================================
another photo                                     reopened: ``other_photo``
unreadable, and clearly read now                  reopened: ``now_read``
form wrong on paper, entry or reading another     reopened: ``facts_changed``
else (the photo is as useless as it was)          kept: ``still_unsettled``
================================================  ==========================================

Where two auditors disagree, or somebody has only answered, another photo starts a new round; else
what they said about the photo stays. An item about a whole photo or page is reopened when what is
said about it is another sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.queue import SETTLES_NUMBER, Outcome
from models.records import FieldStatus


class Reason(StrEnum):
    """Why an item was reopened, or why its decision stands."""

    ENTRY_NOT_AS_DECIDED = "entry_not_as_decided"
    OTHER_PHOTO_OTHER_NUMBER = "other_photo_other_number"
    CLEARLY_READ_OTHERWISE = "clearly_read_otherwise"
    NOW_READ = "now_read"
    FACTS_CHANGED = "facts_changed"
    CORRECTED = "corrected_as_decided"
    OTHER_PHOTO = "other_photo"
    READING_CHANGED = "reading_changed"
    STILL_UNSETTLED = "still_unsettled"
    CAME_BACK = "came_back"
    """It was gone before anybody finished it, and is there again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was decided."""

    outcome: Outcome
    number: int | None
    """Votes; ``None`` where none was decided, or where the paper has none (see ``settles``)."""

    @property
    def settles(self) -> bool:
        """Whether the number is known from it, also where it is "none"."""
        return self.outcome in SETTLES_NUMBER or self.number is not None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a field's item rests on."""

    entry: int | None
    reading: int | None
    sha256: str | None
    """The photo."""
    status: str | None
    """A ``FieldStatus``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the item."""

    reopens: bool
    reason: Reason


def judge(found: Found | None, before: Facts, after: Facts) -> Verdict:
    """Whether a decision about a field stands; the facts differ.

    Args:
        found: The decision that counts; ``None`` where there is none yet, or two disagree.
        before: What it rested on.
        after: What is known now.

    """
    other_photo = before.sha256 != after.sha256
    if found is None:
        if other_photo:
            return Verdict(True, Reason.OTHER_PHOTO)
        return Verdict(False, Reason.STILL_UNSETTLED)
    if not found.settles:
        return _judge_unsettled(found, before, after)
    # Another photo that reads what was refuted is a second piece of paper that says so.
    against = after.reading not in (None, found.number) and (
        other_photo or after.reading != before.reading
    )
    if found.outcome is Outcome.CORRECTED_AT_PLENARY:
        against = False
    corrected = before.entry != after.entry
    verdict = Verdict(False, Reason.READING_CHANGED)
    if corrected and after.entry != found.number:
        verdict = Verdict(True, Reason.ENTRY_NOT_AS_DECIDED)
    elif against and other_photo:
        verdict = Verdict(True, Reason.OTHER_PHOTO_OTHER_NUMBER)
    elif against and after.status == FieldStatus.CLEAR:
        verdict = Verdict(True, Reason.CLEARLY_READ_OTHERWISE)
    elif corrected:
        verdict = Verdict(False, Reason.CORRECTED)
    elif other_photo:
        verdict = Verdict(False, Reason.OTHER_PHOTO)
    return verdict


def _judge_unsettled(found: Found, before: Facts, after: Facts) -> Verdict:
    if before.sha256 != after.sha256:
        return Verdict(True, Reason.OTHER_PHOTO)
    changed = (before.entry, before.reading) != (after.entry, after.reading)
    if found.outcome is Outcome.FORM_WRONG_ON_PAPER and changed:
        return Verdict(True, Reason.FACTS_CHANGED)
    is_read = after.status == FieldStatus.CLEAR and after.reading is not None
    if found.outcome is Outcome.UNREADABLE and is_read and before.reading != after.reading:
        return Verdict(True, Reason.NOW_READ)
    return Verdict(False, Reason.STILL_UNSETTLED)


def still_waits(found: Found | None, entry: int | None) -> bool:
    """Whether an item that is no conflict any more must wait for a person all the same.

    Somebody decided a number (in a round that counts no more, or as the first of two), and the
    system has another one: that the machine agrees with the system does not settle it.
    """
    return found is not None and found.settles and entry != found.number
