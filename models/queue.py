"""One item of the auditors' queue, as it is stored and shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from models.records import Probability, Record, Sha256, TpsCode

SAMPLE = "sample"
"""Kind of an item that no conflict made: a clear, agreeing field that measures the machine."""


class ItemStatus(StrEnum):
    """Whom an item waits for."""

    OPEN = "open"
    """For a first auditor."""
    SECOND = "second"
    """For a second auditor, who has not seen the first one's answer."""
    SUPERVISOR = "supervisor"
    """Two auditors disagree."""
    DONE = "done"
    GONE = "gone"
    """It was no conflict any more before anybody decided it."""


LONGEST_CLAIM = timedelta(minutes=240)
"""What supervisors may choose at most."""

WAITING = (ItemStatus.OPEN, ItemStatus.SECOND, ItemStatus.SUPERVISOR)


class Outcome(StrEnum):
    """What an auditor found."""

    AGREES = "agrees"
    """The paper says what the system says: nothing to put right."""
    ENTRY_WRONG = "entry_wrong"
    """The paper says another number than the system, or none at all."""
    MACHINE_WRONG = "machine_wrong"
    """The machine misread the paper; what the system has is right."""
    FORM_WRONG_ON_PAPER = "form_wrong_on_paper"
    """What is written there was written or added up wrongly at the TPS."""
    CORRECTED_AT_PLENARY = "corrected_at_plenary"
    """A plenary put the number right (D.HASIL): photo and entry may rightly differ."""
    UNREADABLE = "unreadable"
    WRONG_PHOTO = "wrong_photo"
    """Another form or page, or no form at all."""
    WRONG_TPS = "wrong_tps"
    """The sheet is of another TPS."""


SETTLES_NUMBER = frozenset(
    {
        Outcome.AGREES,
        Outcome.ENTRY_WRONG,
        Outcome.MACHINE_WRONG,
        Outcome.CORRECTED_AT_PLENARY,
    }
)
"""After these the field's number is known, also where it is "none". ``FORM_WRONG_ON_PAPER`` only
settles it where a number is given."""


class ItemFacts(Record):
    """What makes an item: a conflict, or a field of the sample."""

    key: Sha256
    """The same in every run: TPS × form × field × kind × rule (without field: and photo)."""
    digest: Sha256
    """Of the reading and the entry the item rests on: another digest, other facts."""
    tps: TpsCode | None
    form: str | None
    field: str | None
    kind: str
    """A ``ConflictKind``, or ``SAMPLE``."""
    rule: str | None
    cause: str | None
    entry: int | None
    reading: int | None
    confidence: Probability | None
    field_status: str | None
    """A ``FieldStatus``; ``None`` for items that are not about one field."""
    votes: int | None
    priority: float
    photo: str | None
    sha256: Sha256 | None
    pdf_page: int | None
    detail: str


class QueueItem(ItemFacts):
    """An item with its state. What was decided is told by the trail; this is its newest word."""

    id: int
    version: int
    """Raised by every decision, undo and change of facts: who decides names the one he saw."""
    status: ItemStatus
    changed: bool
    """Reading or entry changed after somebody had answered or decided; so it is open again."""
    first_by: str | None
    """Who made the first decision that counts."""
    second_by: str | None
    outcome: Outcome | None
    """Of the decision that ended it."""
    number: int | None
    """Votes the paper (or the plenary) says, as decided; ``None`` where it says none."""
    decided_by: str | None
    decided_at: datetime | None
    claimed_by: str | None
    claimed_until: datetime | None

    @property
    def settles_number(self) -> bool:
        """Whether the field's number is decided by this item."""
        return self.status is ItemStatus.DONE and (
            self.outcome in SETTLES_NUMBER or self.number is not None
        )

    @property
    def is_waiting(self) -> bool:
        """Whether somebody must still decide."""
        return self.status in WAITING

    def held_by_other(self, who: str, now: datetime, longest: timedelta = LONGEST_CLAIM) -> bool:
        """Whether somebody else is at work on it.

        A claim that reaches further ahead than any can (``longest``) is from before the clock was
        set back; it holds nobody up.
        """
        return (
            self.claimed_by is not None
            and self.claimed_by != who
            and self.claimed_until is not None
            and now < self.claimed_until <= now + longest
        )


class Cell(Record):
    """One field of one TPS: what the system says and what the machine read. Kept for sums."""

    tps: TpsCode
    form: str
    field: str
    entry: int | None
    reading: int | None
    confidence: Probability | None
    status: str | None
    """A ``FieldStatus``; ``None`` where no photo shows the field."""
    sha256: Sha256 | None
    pdf_page: int | None


class DecidedCell(Cell):
    """A cell with what auditors decided about it."""

    is_decided: bool
    """An auditor said what the number is; ``decided`` is ``None`` where the paper has none."""
    decided: int | None

    @property
    def audited(self) -> int | None:
        """The decided number; the reported one where nothing was decided."""
        return self.decided if self.is_decided else self.entry


class TpsProgress(Record):
    """How far one form of one TPS has come."""

    tps: TpsCode
    form: str
    pages_read: int
    fields_clear: int
    fields_review: int
    fields_blank: int
    fields_not_in_view: int
    has_entry: bool
    items_waiting: int
    items_done: int


class RegionProgress(Record):
    """How far the TPS below one region have come."""

    code: str
    tps: int
    """TPS that anything is known of."""
    with_photos: int
    read: int
    """TPS with at least one page read."""
    clear: int
    """TPS whose fields were all read, clear or blank, and that have no conflict."""
    in_conflict: int
    """TPS with items still waiting."""
    decided: int
    """TPS that had items, all of them done."""
    items_waiting: int
    items_done: int


class Total(Record):
    """Sums of one field over the TPS of a region, each with how many TPS it is known for."""

    form: str
    field: str
    entry: int
    entry_known: int
    reading: int
    reading_known: int
    audited: int
    """Of the decided numbers, and of the entries where nothing was decided."""
    audited_known: int
    decided_known: int
    """TPS for which an auditor decided this field."""
    reading_compared: int
    """TPS with both an entry and a reading; only these are in the next two."""
    reading_minus_entry: int
    reading_differs: int
    """TPS where the two differ."""
    decided_compared: int
    """TPS with both an entry and a decided number; only these are in the next one."""
    decided_minus_entry: int
