"""What the system's numbers did over time, held against paper and decisions. Arithmetic alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.records import FieldStatus, Record, TpsCode


class Course(StrEnum):
    """What became of a reported number between two moments."""

    CORRECTED = "corrected"
    """It was another than the true one, and is the true one now: quietly put right."""
    MOVED_AWAY = "moved_away"
    """It was the true one, and is another now."""
    STILL_WRONG = "still_wrong"
    """It was changed, from one wrong number to another."""
    NOT_CORRECTED = "not_corrected"
    """It is as wrong as it was."""
    CHANGED = "changed"
    """It was changed, and nobody knows yet which number is true."""
    FIRST_REPORTED = "first_reported"
    """Nothing was reported for this TPS and form before."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the true number of a field."""

    is_known: bool
    number: int | None
    """``None`` where the paper has none (or nothing is known)."""


UNKNOWN = Known(is_known=False, number=None)


def true_number(
    reading: int | None, status: str | None, *, is_decided: bool, decided: int | None
) -> Known:
    """The decided number; without a decision the one that is clearly on the paper."""
    if is_decided:
        return Known(is_known=True, number=decided)
    if status == FieldStatus.CLEAR and reading is not None:
        return Known(is_known=True, number=reading)
    return UNKNOWN


def course(before: int | None, after: int | None, true: Known, *, is_first: bool) -> Course | None:
    """What became of a number; ``None`` where there is nothing to say.

    Args:
        before: Votes at the earlier moment; ``None`` where none were reported.
        after: Votes at the later moment.
        true: What is known of the true number.
        is_first: Nothing at all was reported for the TPS and form at the earlier moment.

    """
    if is_first:
        return Course.FIRST_REPORTED
    if before == after:
        return Course.NOT_CORRECTED if true.is_known and after != true.number else None
    if not true.is_known:
        return Course.CHANGED
    if after == true.number:
        return Course.CORRECTED
    return Course.MOVED_AWAY if before == true.number else Course.STILL_WRONG


class NumberCourse(Record):
    """One reported number between two moments."""

    tps: TpsCode
    form: str
    field: str
    course: Course
    before: int | None
    after: int | None
    reading: int | None
    status: str | None
    """Of the reading, a ``FieldStatus``."""
    decided: int | None
    is_decided: bool
    after_at: datetime | None
    """When the newest revision that counts at the later moment speaks of."""
    after_source: str


@dataclass(frozen=True, slots=True)
class Field:
    """What paper and auditors say of one field."""

    reading: int | None
    status: str | None
    is_decided: bool
    decided: int | None


NOTHING_KNOWN = Field(None, None, is_decided=False, decided=None)


def courses(
    key: tuple[TpsCode, str],
    before: Mapping[str, int | None] | None,
    after: Mapping[str, int | None],
    fields: Mapping[str, Field],
    *,
    after_at: datetime | None,
    after_source: str,
) -> Iterator[NumberCourse]:
    """All numbers of one TPS and form of which there is something to say.

    Args:
        key: TPS and form.
        before: What counted at the earlier moment; ``None`` where nothing was reported yet.
        after: What counts at the later one.
        fields: What paper and auditors say.
        after_at: When the newest revision speaks of.
        after_source: Where it is from.

    """
    for name in dict.fromkeys((*(before or {}), *after)):
        field = fields.get(name, NOTHING_KNOWN)
        old, new = (before or {}).get(name), after.get(name)
        true = true_number(
            field.reading, field.status, is_decided=field.is_decided, decided=field.decided
        )
        said = course(old, new, true, is_first=before is None)
        if said is None:
            continue
        yield NumberCourse(
            tps=key[0],
            form=key[1],
            field=name,
            course=said,
            before=old,
            after=new,
            reading=field.reading,
            status=field.status,
            decided=field.decided,
            is_decided=field.is_decided,
            after_at=after_at,
            after_source=after_source,
        )
