"""The trail: every act that changes anything, one record each, chained by hashes.

A record's hash is SHA-256 over the canonical JSON of all its other parts, and one of these parts
is the hash of the record before it. So a record cannot be altered, removed, moved or slipped in
without breaking the chain at that place. Removing the newest records leaves a shorter chain that
is whole; only something kept elsewhere shows it: the head that the store keeps beside the chain,
and an ``Anchor`` written down on paper or sent to somebody.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from models.errors import ChasilError
from models.records import Record, Sha256

BEFORE_THE_FIRST = "0" * 64
"""What the first record names as the hash before it."""

Facts = dict[str, Any]
"""Plain JSON: texts, whole numbers, true and false, ``None``, lists and objects of them."""


class Act(StrEnum):
    """What may be done."""

    QUEUE_REFRESHED = "queue_refreshed"
    ITEM_CHANGED = "item_changed"
    """Reading or entry are others now; what was answered and decided before no longer counts."""
    ITEM_KEPT = "item_kept"
    """Reading or entry are others now, in a way that does not touch what was decided."""
    ITEM_CLAIMED = "item_claimed"
    BLIND_ANSWERED = "blind_answered"
    REVEALED = "revealed"
    DECIDED = "decided"
    UNDONE = "undone"
    SKIPPED = "skipped"
    USER_ADDED = "user_added"
    ROLE_CHANGED = "role_changed"
    REGION_LIMITED = "region_limited"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an act
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of an act
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    LINK_MADE = "link_made"
    """A supervisor made a link that signs a user in once."""
    EXPORTED = "exported"
    SETTING_CHANGED = "setting_changed"


class TrailRecord(Record):
    """One act."""

    sequence: int
    """From 1, without gaps."""
    at: AwareDatetime
    who: str
    """User's name; ``terminal:NAME`` for the command line, ``chasil`` for the program itself."""
    act: str
    subject: str
    """What was acted on: ``item/17``, ``user/budi``, ``setting/second_person_votes``."""
    before: Facts | None
    after: Facts | None
    why: str | None
    previous: Sha256
    hash: Sha256


class Anchor(Record):
    """A place in the chain that somebody wrote down: the chain must still pass through it."""

    sequence: int
    hash: Sha256

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


class BadAnchor(ChasilError):
    """What was given as an anchor is none."""

    code = "anchor"
    remedy = "Give it as `chasil audit verify` printed it: NUMBER:HASH, with 64 characters of hash."


class Break(Record):
    """Where a chain is broken, and what is wrong there."""

    sequence: int
    """The first record that does not fit; for records missing at the end, the last one there."""
    kind: str
    """``altered``, ``missing``, ``out_of_order``, ``not_linked``, ``cut_off``, ``not_anchored``."""
    message: str


def parse_anchor(text: str) -> Anchor:
    """``17:abc…`` as an anchor; raises ``BadAnchor``."""
    match = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())
    if match is None:
        raise BadAnchor(f"{text!r} is no anchor")
    return Anchor(sequence=int(match[1]), hash=match[2])


def canonical(value: object) -> str:
    """The one JSON text of a value: keys sorted, no spaces, UTF-8 as it is, no NaN."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def moment(at: datetime) -> str:
    """A moment as it goes into the hash: in UTC, always with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def hash_of(
    *,
    sequence: int,
    at: datetime,
    who: str,
    act: str,
    subject: str,
    before: Facts | None,
    after: Facts | None,
    why: str | None,
    previous: str,
) -> str:
    """SHA-256 (hex) over the canonical JSON of a record without its hash."""
    content = {
        "sequence": sequence,
        "at": moment(at),
        "who": who,
        "act": act,
        "subject": subject,
        "before": before,
        "after": after,
        "why": why,
        "previous": previous,
    }
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def rehash(record: TrailRecord) -> str:
    """The hash a record ought to have."""
    return hash_of(
        sequence=record.sequence,
        at=record.at,
        who=record.who,
        act=record.act,
        subject=record.subject,
        before=record.before,
        after=record.after,
        why=record.why,
        previous=record.previous,
    )


def first_break(
    records: Iterable[TrailRecord], *, head: Anchor | None, anchors: Iterable[Anchor] = ()
) -> Break | None:
    """Walk a chain and name the first place where it does not hold; ``None`` where it is whole.

    Args:
        records: All records, in the order of their numbers.
        head: Number and hash of the newest record as the store keeps it beside the chain;
            ``None`` where there is no record yet.
        anchors: Places written down earlier.

    """
    expected, previous = 1, BEFORE_THE_FIRST
    wanted = {anchor.sequence: anchor.hash for anchor in anchors}
    for record in records:
        broken = _misfit(record, expected, previous, wanted.pop(record.sequence, record.hash))
        if broken:
            return broken
        expected, previous = expected + 1, record.hash
    last = Anchor(sequence=expected - 1, hash=previous)
    return _wrong_end(last, head, max(wanted, default=0))


def _misfit(record: TrailRecord, expected: int, previous: str, anchored: str) -> Break | None:
    """What is wrong with one record, given where the chain stands before it."""
    found = None
    if record.sequence > expected:
        return Break(
            sequence=expected,
            kind="missing",
            message=f"Record {expected} was removed: after {expected - 1} comes {record.sequence}.",
        )
    if record.sequence < expected:
        found = "out_of_order", f"stands where {expected} should be."
    elif record.previous != previous:
        found = (
            "not_linked",
            "does not follow the record before it: one of the two was exchanged, moved or "
            "slipped in.",
        )
    elif rehash(record) != record.hash:
        found = "altered", "was altered: its content does not give its hash."
    elif anchored != record.hash:
        found = (
            "not_anchored",
            "is not the one that was written down: the chain was made anew up to there.",
        )
    if found is None:
        return None
    kind, what = found
    return Break(sequence=record.sequence, kind=kind, message=f"Record {record.sequence} {what}")


def _wrong_end(last: Anchor, head: Anchor | None, anchored: int) -> Break | None:
    """What is wrong with the end of a chain that holds in itself."""
    known = max(anchored, head.sequence if head else 0)
    if known > last.sequence:
        return Break(
            sequence=last.sequence,
            kind="cut_off",
            message=f"The chain ends with record {last.sequence}, but there was a record {known}: "
            "the newest ones were removed.",
        )
    if last.sequence and head != last:
        return Break(
            sequence=last.sequence,
            kind="not_linked",
            message=f"Record {last.sequence} is not the newest one that the store knows of: "
            "something was added or exchanged at the end without going through chasil.",
        )
    return None
