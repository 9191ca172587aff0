"""From what the witnesses saw to one number: what is written, never what ought to be there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recognisers.recogniser import LABELS
from models.records import BubbleColumn, DigitBox, FieldStatus, ReviewReason
from pipeline.weigh import Thresholds, bubbles_answer, digits_answer, weigh

SURE = Thresholds(clear=0.99)
BOX = (0.0, 0.0, 10.0, 10.0)


def box(label: str, confidence: float = 0.9999, second: str = "other") -> DigitBox:
    rest = 1 - confidence
    probabilities = dict.fromkeys(LABELS, 0.0)
    probabilities[label] = confidence
    probabilities[second if second != label else "0"] += rest
    return DigitBox(label=label, confidence=confidence, probabilities=probabilities, box=BOX)


def boxes(text: str, confidence: float = 0.9999) -> list[DigitBox]:
    names = {"b": "blank", "-": "dash", "?": "other"}
    return [box(names.get(sign, sign), confidence) for sign in text]


def column(value: int | None, state: str = "one") -> BubbleColumn:
    fills = [0.02] * 10
    if value is not None:
        fills[value] = 0.97
    if state == "several":
        fills[(value or 0) + 1] = 0.9
    if state == "faint":
        fills = [0.02] * 9 + [0.3]
    known = value if state == "one" else None
    return BubbleColumn(value=known, state=state, fills=tuple(fills), box=BOX)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("123", 123),
        ("024", 24),
        ("x24", 24),
        ("b24", 24),
        ("-24", 24),
        ("xx3", 3),
        ("bx3", 3),
        ("x0b"[:2] + "0", 0),
        ("000", 0),
        ("bb0", 0),
        ("999", 999),
    ],
)
def test_what_stands_before_a_number_means_no_digit(written: str, value: int) -> None:
    reading = weigh(boxes(written), (), (), SURE)
    assert reading.value == value
    assert reading.status is FieldStatus.CLEAR
    assert reading.reasons == ()


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1x3", ReviewReason.DIGIT_AFTER_GAP),
        ("12x", ReviewReason.DIGIT_AFTER_GAP),
        ("1bb", ReviewReason.DIGIT_AFTER_GAP),
        ("0x4", ReviewReason.DIGIT_AFTER_GAP),
        ("?23", ReviewReason.NOT_A_DIGIT),
        ("1?3", ReviewReason.NOT_A_DIGIT),
        ("xxx", ReviewReason.NO_UNITS),
        ("---", ReviewReason.NO_UNITS),
        ("xxb", ReviewReason.NO_UNITS),
    ],
)
def test_what_is_no_number_goes_to_a_person_with_its_reason(
    written: str, reason: ReviewReason
) -> None:
    reading = weigh(boxes(written), (), (), SURE)
    assert reading.value is None
    assert reading.status is FieldStatus.REVIEW
    assert reason in reading.reasons


def test_an_empty_field_is_blank_and_not_zero() -> None:
    reading = weigh(boxes("bbb"), (), (), SURE)
    assert reading.status is FieldStatus.BLANK
    assert reading.value is None


def test_a_perhaps_empty_field_goes_to_a_person() -> None:
    faint = [box("blank"), box("blank"), box("blank", 0.97, second="1")]
    assert weigh(faint, (), (), SURE).status is FieldStatus.REVIEW


def test_doubt_between_paddings_costs_nothing() -> None:
    torn = box("x", 0.5, second="blank")
    reading = weigh([torn, *boxes("24")], (), (), SURE)
    assert (reading.value, reading.status) == (24, FieldStatus.CLEAR)


def test_doubt_between_padding_and_a_digit_goes_to_a_person() -> None:
    eight = box("x", 0.9, second="8")
    reading = weigh([eight, *boxes("24")], (), (), SURE)
    assert (reading.value, reading.status) == (24, FieldStatus.REVIEW)
    assert reading.reasons == (ReviewReason.LOW_CONFIDENCE,)


def test_agreeing_bubbles_raise_confidence() -> None:
    digits = [box("x"), box("2", 0.97, second="3"), box("4")]
    alone = weigh(digits, (), (), SURE)
    both = weigh(digits, (column(0), column(2), column(4)), (), SURE)
    assert alone.status is FieldStatus.REVIEW
    assert both.status is FieldStatus.CLEAR
    assert both.confidence > alone.confidence


def test_disagreeing_bubbles_never_change_the_number() -> None:
    reading = weigh(boxes("x24"), (column(0), column(2), column(9)), (), SURE)
    assert reading.value == 24
    assert reading.status is FieldStatus.REVIEW
    assert reading.reasons == (ReviewReason.WITNESSES_DISAGREE,)
    assert reading.witnesses["bubbles"].value == 29


@pytest.mark.parametrize("state", ["several", "faint"])
def test_unclear_bubbles_send_the_field_to_a_person(state: str) -> None:
    reading = weigh(boxes("x24"), (column(0), column(2), column(4, state)), (), SURE)
    assert reading.status is FieldStatus.REVIEW
    assert ReviewReason.BUBBLES_UNCLEAR in reading.reasons


def test_bubbles_that_nobody_filled_say_nothing() -> None:
    empty = column(None, "none")
    answer = bubbles_answer((empty, empty, empty))
    assert not answer.used
    reading = weigh(boxes("x24"), (empty, empty, empty), (), SURE)
    assert (reading.value, reading.status) == (24, FieldStatus.CLEAR)


def test_a_gap_in_the_bubbles_is_unclear() -> None:
    assert bubbles_answer((column(1), column(None, "none"), column(4))).unclear
    assert bubbles_answer((column(None, "none"), column(2), column(4))).value == 24


def test_doubts_of_earlier_steps_are_kept() -> None:
    reading = weigh(boxes("123"), (), (ReviewReason.CELL_OUT_OF_PLACE,), SURE)
    assert reading.status is FieldStatus.REVIEW
    assert reading.reasons == (ReviewReason.CELL_OUT_OF_PLACE,)


@given(
    st.lists(
        st.lists(st.floats(0.001, 1.0), min_size=len(LABELS), max_size=len(LABELS)),
        min_size=3,
        max_size=3,
    )
)
def test_confidence_is_the_probability_of_the_number(rows: list[list[float]]) -> None:
    """Against brute force over all combinations, by another way of reading them."""
    seen = []
    for row in rows:
        p = np.array(row) / sum(row)
        best = int(np.argmax(p))
        seen.append(
            DigitBox(
                label=LABELS[best],
                confidence=float(p[best]),
                probabilities=dict(zip(LABELS, p.tolist(), strict=True)),
                box=BOX,
            )
        )
    answer = digits_answer(seen)
    masses: dict[int, float] = {}
    short = {"x": " ", "blank": " ", "dash": " ", "other": "?"}
    for a in LABELS:
        for b in LABELS:
            for c in LABELS:
                text = "".join(short.get(label, label) for label in (a, b, c)).lstrip(" ")
                if text.isdigit():
                    p_all = (
                        seen[0].probabilities[a]
                        * seen[1].probabilities[b]
                        * seen[2].probabilities[c]
                    )
                    masses[int(text)] = masses.get(int(text), 0.0) + p_all
    if answer.value is not None:
        assert answer.confidence == pytest.approx(masses[answer.value])
        assert answer.confidence == pytest.approx(max(masses.values()))
    elif not answer.blank:
        assert max(masses.values()) < 0.5 + 1e-9
