"""Why a reported number may differ from the paper: patterns that are known from real elections.

A cause is a guess from the numbers alone; it helps a person to look in the right place and never
decides anything. The most specific pattern that fits is named, in this
order: rows swapped, padding read as 8, leading 1 misread, digit added, digit lost, one digit off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations

from models.forms.votes import swappable_rows, template_of
from models.party_fields import rows_by_party
from models.records import Cause

BOXES = 3
"""Digit boxes a number on C.HASIL-PPWP has; those before the number hold x, 0, dash or nothing."""

LOOKS_LIKE_1 = "746"
"""What Sirekap made of a leading 1 in February 2024."""


def probable_cause(entry: int, reading: int | None, *, boxes: int = BOXES) -> Cause | None:
    """The most specific pattern that leads from the number on paper to the reported one.

    Args:
        entry: The reported number.
        reading: The number on paper; ``None`` for a field that was left blank or crossed out.
        boxes: How many digit boxes the field has.

    Returns:
        The cause, or ``None`` where no pattern fits or the numbers agree.

    """
    if entry == reading:
        return None
    if _padding_read_as_8(entry, reading, boxes):
        return Cause.PADDING_READ_AS_8
    if reading is None:
        return None
    reported, written = str(entry), str(reading)
    cause = None
    if _leading_1_misread(reported, written):
        cause = Cause.LEADING_1_MISREAD
    elif _one_removed(reported, written):
        cause = Cause.DIGIT_ADDED
    elif entry != 0 and _one_removed(written, reported):  # 0 is nothing typed, not 200 less its 2
        cause = Cause.DIGIT_LOST
    elif len(reported) == len(written) and _differing_places(reported, written) == 1:
        cause = Cause.ONE_DIGIT_OFF
    return cause


def swapped_rows(
    entry: Mapping[str, int | None], reading: Mapping[str, int | None], form: str | None = None
) -> frozenset[str]:
    """Fields whose numbers stand in one another's rows in the entry.

    Two rows that traded places, or all rows of a group in another order. Every sum stays as it
    was, so that no arithmetic over the entry can show it. Where a row may have traded places with
    either of two others, all three are named.

    Args:
        entry: Field to reported number.
        reading: Field to the number on paper.
        form: Id of the form, which says what rows it has (``models.forms.votes``). Parties'
            totals, and the candidates of one party, are such rows on every form.

    """
    swapped: set[str] = set()
    for rows in (*swappable_rows(template_of(form)), *_rows_of_parties(entry)):
        differing = {
            row: (reported, written)
            for row in rows
            if (reported := entry.get(row)) is not None
            and (written := reading.get(row)) is not None
            and reported != written
        }
        if sorted(one for one, _ in differing.values()) == sorted(
            other for _, other in differing.values()
        ):
            swapped |= differing.keys()
            continue
        for one, other in combinations(differing, 2):
            if differing[one] == differing[other][::-1]:
                swapped |= {one, other}
    return frozenset(swapped)


def moved_totals(entry: Mapping[str, int | None]) -> frozenset[str]:
    """Totals of parties that stand in another party's row of the same entry.

    A party's own row and its candidates make its total. Where they don't, and the totals of all
    parties for which they don't are just the sums that were expected, in another order, the totals
    were put into the wrong rows. No number needs to have been misread.

    Args:
        entry: Field to reported number.

    Returns:
        The fields of those totals; empty where the totals are off in another way.

    """
    off: dict[str, tuple[int, int]] = {}
    for rows in rows_by_party(entry).values():
        given = None if rows.total is None else entry[rows.total]
        terms = [entry[name] for name in (rows.alone, *rows.candidates) if name is not None]
        known = [number for number in terms if number is not None]
        if rows.total is None or given is None or not rows.candidates or len(known) < len(terms):
            continue
        if given != sum(known):
            off[rows.total] = (given, sum(known))
    same = Counter(given for given, _ in off.values()) == Counter(due for _, due in off.values())
    return frozenset(off) if same else frozenset()


def _rows_of_parties(fields: Collection[str]) -> Iterator[tuple[str, ...]]:
    parties = rows_by_party(fields)
    yield tuple(rows.total for rows in parties.values() if rows.total is not None)
    for rows in parties.values():
        yield tuple(rows.candidates)


def _padding_read_as_8(entry: int, reading: int | None, boxes: int) -> bool:
    """x24, 024 or -24 became 824: each box before the number turned into 8 or stayed nothing.

    Where the paper says 0 or nothing, all boxes may be padding.
    """
    reported = str(entry).zfill(boxes)
    number = "" if reading is None else str(reading)
    if len(reported) != boxes or len(number) > boxes:
        return False
    padding = reported[: boxes - len(number)]
    units = reported[boxes - len(number) :]
    if reading == 0 and units == "8":  # 000 → 888, but 8 alone is one digit off
        units = "0"
    return units == number and "8" in padding and set(padding) <= {"0", "8"}


def _leading_1_misread(reported: str, written: str) -> bool:
    return (
        len(reported) == len(written)
        and written[0] == "1"
        and reported[0] in LOOKS_LIKE_1
        and reported[1:] == written[1:]
    )


def _one_removed(longer: str, shorter: str) -> bool:
    """Whether taking one digit out of the longer number gives the shorter one."""
    return len(longer) > len(shorter) and any(
        int(longer[:place] + longer[place + 1 :]) == int(shorter) for place in range(len(longer))
    )


def _differing_places(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))
