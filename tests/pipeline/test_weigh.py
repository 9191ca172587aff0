"""From what the witnesses saw to one number: what is written, never what ought to be there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recognisers.recogniser import LABELS
from models.records import BubbleColumn, DigitBox, FieldStatus, ReviewReason, Witness
from models.reliability import Reliabilities, SumReliability, WitnessReliability
from pipeline.weigh import belief, weigh
from pipeline.witnesses.bubbles import bubbles_answer
from pipeline.witnesses.digits import digits_answer

SURE = Reliabilities(
    recognisers={},
    witnesses={
        "digits": WitnessReliability(power=1.0, wrong=0.0005, sure=0.9),
        "bubbles": WitnessReliability(power=1.0, wrong=0.01, sure=0.5),
        "tally": WitnessReliability(power=1.0, wrong=0.02, sure=0.7),
        "words": WitnessReliability(power=1.0, wrong=0.1, sure=0.85),
    },
    slip=0.005,
    sums={},
    other_sums=SumReliability(wrong=0.03, ways=40.0),
    clear=0.99,
    blank=0.99,
)
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
    reading = weigh(boxes(written), (), {}, (), SURE)
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
    reading = weigh(boxes(written), (), {}, (), SURE)
    assert reading.value is None
    assert reading.status is FieldStatus.REVIEW
    assert reason in reading.reasons


def test_an_empty_field_is_blank_and_not_zero() -> None:
    reading = weigh(boxes("bbb"), (), {}, (), SURE)
    assert reading.status is FieldStatus.BLANK
    assert reading.value is None


def test_a_perhaps_empty_field_goes_to_a_person() -> None:
    faint = [box("blank"), box("blank"), box("blank", 0.97, second="1")]
    assert weigh(faint, (), {}, (), SURE).status is FieldStatus.REVIEW


def test_doubt_between_paddings_costs_nothing() -> None:
    torn = box("x", 0.5, second="blank")
    reading = weigh([torn, *boxes("24")], (), {}, (), SURE)
    assert (reading.value, reading.status) == (24, FieldStatus.CLEAR)


def test_doubt_between_padding_and_a_digit_goes_to_a_person() -> None:
    eight = box("x", 0.9, second="8")
    reading = weigh([eight, *boxes("24")], (), {}, (), SURE)
    assert (reading.value, reading.status) == (24, FieldStatus.REVIEW)
    assert reading.reasons == (ReviewReason.LOW_CONFIDENCE,)


def test_agreeing_bubbles_raise_confidence() -> None:
    digits = [box("x"), box("2", 0.97, second="3"), box("4")]
    alone = weigh(digits, (), {}, (), SURE)
    both = weigh(digits, (column(0), column(2), column(4)), {}, (), SURE)
    assert alone.status is FieldStatus.REVIEW
    assert both.status is FieldStatus.CLEAR
    assert both.confidence > alone.confidence


def test_disagreeing_bubbles_never_change_the_number() -> None:
    reading = weigh(boxes("x24"), (column(0), column(2), column(9)), {}, (), SURE)
    assert reading.value == 24
    assert reading.status is FieldStatus.REVIEW
    assert reading.reasons == (ReviewReason.WITNESSES_DISAGREE,)
    assert reading.witnesses["bubbles"].value == 29


@pytest.mark.parametrize("state", ["several", "faint"])
def test_unclear_bubbles_send_the_field_to_a_person(state: str) -> None:
    reading = weigh(boxes("x24"), (column(0), column(2), column(4, state)), {}, (), SURE)
    assert reading.status is FieldStatus.REVIEW
    assert ReviewReason.BUBBLES_UNCLEAR in reading.reasons


def test_bubbles_that_nobody_filled_say_nothing() -> None:
    empty = column(None, "none")
    answer = bubbles_answer((empty, empty, empty))
    assert not answer.used
    reading = weigh(boxes("x24"), (empty, empty, empty), {}, (), SURE)
    assert (reading.value, reading.status) == (24, FieldStatus.CLEAR)


def test_a_gap_in_the_bubbles_is_unclear() -> None:
    assert bubbles_answer((column(1), column(None, "none"), column(4))).unclear
    assert bubbles_answer((column(None, "none"), column(2), column(4))).value == 24


def witness(value: int | None, confidence: float = 0.99) -> Witness:
    distribution = () if value is None else ((value, confidence),)
    return Witness(value=value, confidence=confidence, box=BOX, distribution=distribution)


@pytest.mark.parametrize("name", ["tally", "words"])
def test_a_sure_witness_that_says_another_number_is_never_averaged_away(name: str) -> None:
    others = {"tally": witness(24), "words": witness(24)} | {name: witness(25)}
    reading = weigh(boxes("x24"), (column(0), column(2), column(4)), others, (), SURE)
    assert reading.value == 24
    assert reading.status is FieldStatus.REVIEW
    assert reading.reasons == (ReviewReason.WITNESSES_DISAGREE,)


def test_digits_that_say_another_number_than_all_else_stand_and_go_to_a_person() -> None:
    others = {"tally": witness(25), "words": witness(25)}
    doubtful = [*boxes("x2"), box("4", 0.95, second="5")]
    reading = weigh(doubtful, (column(0), column(2), column(5)), others, (), SURE)
    assert reading.value == 24
    assert reading.reasons == (ReviewReason.WITNESSES_DISAGREE,)
    assert reading.confidence < 0.5


def test_a_weak_witness_costs_a_strong_one_next_to_nothing() -> None:
    alone = weigh(boxes("x24"), (), {}, (), SURE)
    beside = weigh(boxes("x24"), (), {"words": witness(924, 0.6)}, (), SURE)
    assert (beside.value, beside.status) == (24, FieldStatus.CLEAR)
    assert beside.confidence > alone.confidence - 0.005


def test_a_witness_that_is_unsure_of_its_own_number_is_not_heard() -> None:
    alone = weigh(boxes("x24"), (), {}, (), SURE)
    garbled = Witness(
        value=18, confidence=0.06, box=BOX, distribution=((18, 0.06), (94, 0.05), (17, 0.05))
    )
    assert weigh(boxes("x24"), (), {"tally": garbled}, (), SURE).confidence == alone.confidence


def test_a_witness_that_saw_nothing_says_nothing() -> None:
    alone = weigh(boxes("x24"), (), {}, (), SURE)
    beside = weigh(boxes("x24"), (), {"words": witness(None), "tally": witness(None)}, (), SURE)
    assert beside.confidence == alone.confidence


def test_the_other_witnesses_tell_apart_what_the_digits_leave_in_doubt() -> None:
    doubtful = [box("x"), box("2"), box("4", 0.6, second="9")]
    alone = weigh(doubtful, (), {}, (), SURE)
    beside = weigh(doubtful, (), {"tally": witness(29), "words": witness(29)}, (), SURE)
    assert (alone.value, alone.status) == (24, FieldStatus.REVIEW)
    assert beside.value == 29
    assert beside.confidence > 0.99


def test_an_empty_field_beside_a_tally_goes_to_a_person() -> None:
    reading = weigh(boxes("bbb"), (), {"tally": witness(24)}, (), SURE)
    assert reading.status is FieldStatus.REVIEW
    assert reading.value is None
    assert ReviewReason.WITNESSES_DISAGREE in reading.reasons


@given(
    st.dictionaries(st.integers(0, 999), st.floats(0.001, 1.0), min_size=1, max_size=6),
    st.dictionaries(st.integers(0, 999), st.floats(0.001, 1.0), max_size=6),
)
def test_beliefs_are_probabilities_over_what_was_read(
    digits: dict[int, float], tally: dict[int, float]
) -> None:
    def of(chances: dict[int, float]) -> Witness:
        total = sum(chances.values()) * 1.01
        shares = tuple((number, chance / total) for number, chance in chances.items())
        return Witness(
            value=shares[0][0] if shares else None, confidence=0.5, box=BOX, distribution=shares
        )

    seen = belief({"digits": of(digits), "tally": of(tally)}, SURE)
    assert set(seen.probabilities) == set(digits) | set(tally)
    assert sum(seen.probabilities.values()) + seen.elsewhere == pytest.approx(1)


def test_doubts_of_earlier_steps_are_kept() -> None:
    reading = weigh(boxes("123"), (), {}, (ReviewReason.CELL_OUT_OF_PLACE,), SURE)
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


def test_a_form_that_was_not_measured_needs_a_second_witness() -> None:
    written = boxes("x42")
    alone = weigh(written, (), {}, [ReviewReason.NOT_MEASURED], SURE)
    assert alone.value == 42
    assert alone.status is FieldStatus.REVIEW
    assert ReviewReason.NOT_MEASURED in alone.reasons
    words = Witness(value=42, confidence=0.999, box=BOX, distribution=((42, 0.999),))
    both = weigh(written, (), {"words": words}, [ReviewReason.NOT_MEASURED], SURE)
    assert both.status is FieldStatus.CLEAR
