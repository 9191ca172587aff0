"""What became of a reported number, from what is known to be true."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.entry_changes import UNKNOWN, Course, Field, Known, course, courses, true_number

NUMBERS = st.none() | st.integers(0, 3)


def is_true(number: int | None) -> Known:
    return Known(is_known=True, number=number)


def test_each_course() -> None:
    true = is_true(31)
    assert course(831, 31, true, is_first=False) is Course.CORRECTED
    assert course(None, 31, true, is_first=False) is Course.CORRECTED
    assert course(31, 831, true, is_first=False) is Course.MOVED_AWAY
    assert course(31, None, true, is_first=False) is Course.MOVED_AWAY
    assert course(831, 131, true, is_first=False) is Course.STILL_WRONG
    assert course(831, 831, true, is_first=False) is Course.NOT_CORRECTED
    assert course(31, 31, true, is_first=False) is None
    assert course(831, 31, UNKNOWN, is_first=False) is Course.CHANGED
    assert course(831, 831, UNKNOWN, is_first=False) is None
    assert course(None, 31, true, is_first=True) is Course.FIRST_REPORTED
    # The paper has no number, as somebody decided: null is right.
    assert course(7, None, is_true(None), is_first=False) is Course.CORRECTED


@given(before=NUMBERS, after=NUMBERS, true=NUMBERS, known=st.booleans())
def test_what_a_course_says_holds(
    before: int | None, after: int | None, true: int | None, known: bool
) -> None:
    found = course(before, after, Known(known, true if known else None), is_first=False)
    ends_right = known and after == true
    assert (found is Course.CORRECTED) == (ends_right and before != after)
    assert (found is Course.MOVED_AWAY) == (known and before == true and after != true)
    if found is None:
        assert before == after
        assert ends_right or not known


def test_only_what_is_clear_or_decided_is_true() -> None:
    assert true_number(31, "clear", is_decided=False, decided=None) == is_true(31)
    assert true_number(31, "review", is_decided=False, decided=None) == UNKNOWN
    assert true_number(None, "blank", is_decided=False, decided=None) == UNKNOWN
    assert true_number(31, "clear", is_decided=True, decided=37) == is_true(37)
    assert true_number(31, "clear", is_decided=True, decided=None) == is_true(None)


def test_a_field_that_is_reported_later_for_the_first_time_is_told() -> None:
    paper = {"b": Field(5, "clear", is_decided=False, decided=None)}
    (found,) = courses(
        ("3216032003001", "form"), {"a": 1}, {"a": 1, "b": 5}, paper, after_at=None, after_source=""
    )
    assert (found.field, found.course, found.before, found.after) == (
        "b",
        Course.CORRECTED,
        None,
        5,
    )
