"""When a decision still stands although the facts it rested on are others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.queue import SETTLES_NUMBER, Outcome
from models.reopening import Facts, Found, Reason, Verdict, judge, still_waits

A, B = "a" * 64, "b" * 64

NUMBERS = st.none() | st.integers(0, 3)
FACTS = st.builds(
    Facts,
    entry=NUMBERS,
    reading=NUMBERS,
    sha256=st.sampled_from([A, B]),
    status=st.sampled_from(["clear", "review", "blank"]),
)
FOUND = st.builds(Found, st.sampled_from(list(Outcome)), NUMBERS)


def facts(entry: int | None, reading: int | None, sha256: str = A, status: str = "clear") -> Facts:
    return Facts(entry, reading, sha256, status)


WRONG_31 = Found(Outcome.ENTRY_WRONG, 31)
MISREAD_31 = Found(Outcome.MACHINE_WRONG, 31)
PLENARY_31 = Found(Outcome.CORRECTED_AT_PLENARY, 31)
UNREADABLE = Found(Outcome.UNREADABLE, None)
FORM_WRONG = Found(Outcome.FORM_WRONG_ON_PAPER, None)


@pytest.mark.parametrize(
    ("found", "before", "after", "reopens", "reason"),
    [
        (WRONG_31, facts(831, 31), facts(31, 31), False, Reason.CORRECTED),
        (WRONG_31, facts(831, 31), facts(131, 31), True, Reason.ENTRY_NOT_AS_DECIDED),
        (WRONG_31, facts(831, 31), facts(None, 31), True, Reason.ENTRY_NOT_AS_DECIDED),
        (WRONG_31, facts(831, 37), facts(831, 31), False, Reason.READING_CHANGED),
        (WRONG_31, facts(831, 31), facts(831, 31, B), False, Reason.OTHER_PHOTO),
        (WRONG_31, facts(831, 31), facts(831, None, B, "blank"), False, Reason.OTHER_PHOTO),
        (WRONG_31, facts(831, 31), facts(831, 44, B), True, Reason.OTHER_PHOTO_OTHER_NUMBER),
        # A second photo repeats the reading that was refuted.
        (MISREAD_31, facts(31, 37), facts(31, 37, B), True, Reason.OTHER_PHOTO_OTHER_NUMBER),
        (WRONG_31, facts(831, 31), facts(831, 37), True, Reason.CLEARLY_READ_OTHERWISE),
        (WRONG_31, facts(831, 31), facts(831, 37, A, "review"), False, Reason.READING_CHANGED),
        # Put right, but a new photo says otherwise: the correction is no comfort.
        (WRONG_31, facts(831, 31), facts(31, 44, B), True, Reason.OTHER_PHOTO_OTHER_NUMBER),
        (MISREAD_31, facts(31, 37), facts(37, 37), True, Reason.ENTRY_NOT_AS_DECIDED),
        (MISREAD_31, facts(31, 37), facts(31, 31), False, Reason.READING_CHANGED),
        (PLENARY_31, facts(37, 37), facts(31, 37), False, Reason.CORRECTED),
        (PLENARY_31, facts(37, 37), facts(37, 44, B), False, Reason.OTHER_PHOTO),
        (UNREADABLE, facts(5, None), facts(7, None), False, Reason.STILL_UNSETTLED),
        (UNREADABLE, facts(5, None), facts(5, 7), True, Reason.NOW_READ),
        (UNREADABLE, facts(5, None), facts(5, None, B), True, Reason.OTHER_PHOTO),
        (FORM_WRONG, facts(5, 5), facts(7, 5), True, Reason.FACTS_CHANGED),
        (
            Found(Outcome.WRONG_PHOTO, None),
            facts(5, 7),
            facts(5, 9),
            False,
            Reason.STILL_UNSETTLED,
        ),
        (None, facts(5, 7), facts(9, 7), False, Reason.STILL_UNSETTLED),
        (None, facts(5, 7), facts(5, 7, B), True, Reason.OTHER_PHOTO),
    ],
)
def test_each_rule(
    found: Found | None, before: Facts, after: Facts, reopens: bool, reason: Reason
) -> None:
    assert judge(found, before, after) == Verdict(reopens, reason)


@given(FOUND, FACTS, FACTS)
def test_no_decision_stands_beside_a_new_entry_that_contradicts_it(
    found: Found, before: Facts, after: Facts
) -> None:
    verdict = judge(found, before, after)
    if found.settles and after.entry not in (before.entry, found.number):
        assert verdict.reopens
    if verdict.reason is Reason.CORRECTED:
        assert after.entry == found.number != before.entry
        assert not verdict.reopens


@given(FOUND, FACTS, FACTS)
def test_what_only_repeats_the_decision_never_reopens_it(
    found: Found, before: Facts, after: Facts
) -> None:
    if found.outcome not in SETTLES_NUMBER:
        return
    agreeing = Facts(found.number, found.number, after.sha256, after.status)
    assert not judge(found, before, agreeing).reopens


def test_an_item_that_is_no_conflict_any_more() -> None:
    assert still_waits(WRONG_31, 34)
    assert still_waits(WRONG_31, None)
    assert not still_waits(WRONG_31, 31)
    assert not still_waits(UNREADABLE, 31)
    assert not still_waits(None, 31)
