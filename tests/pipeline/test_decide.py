"""The form as a whole: sums move confidence, and never a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recognisers.recogniser import LABELS
from models.records import (
    DigitBox,
    FieldReading,
    FieldStatus,
    FormReading,
    ReviewReason,
    Witness,
)
from models.reliability import SumReliability, WitnessReliability, unmeasured
from models.rules import Verdict, evaluate_reading
from pipeline.decide import decide
from pipeline.weigh import weigh, weigh_again

BOX = (0.0, 0.0, 10.0, 10.0)
KNOWN = unmeasured({}).model_copy(
    update={
        "witnesses": {
            "digits": WitnessReliability(power=1.0, wrong=0.0003, sure=0.9),
            "bubbles": WitnessReliability(power=1.0, wrong=0.01, sure=0.5),
            "tally": WitnessReliability(power=1.0, wrong=0.02, sure=0.7),
            "words": WitnessReliability(power=1.0, wrong=0.05, sure=0.9),
        },
        "slip": 0.004,
        "other_sums": SumReliability(wrong=0.03, ways=40.0),
        "clear": 0.995,
        "blank": 0.99,
    }
)


def boxes(text: str, doubt: tuple[int, str, float] | None = None) -> list[DigitBox]:
    """Sure boxes, one of them doubtful: its place, what it may be instead, and the chance."""
    found = []
    for place, sign in enumerate(text):
        chances = dict.fromkeys(LABELS, 0.0) | {sign: 0.99995, "other": 0.00005}
        if doubt and doubt[0] == place:
            chances |= {sign: 1 - doubt[2], doubt[1]: doubt[2], "other": 0.0}
        best = max(chances, key=lambda label: chances[label])
        found.append(DigitBox(label=best, confidence=chances[best], probabilities=chances, box=BOX))
    return found


def written(text: str, doubt: tuple[int, str, float] | None = None, **others: int) -> FieldReading:
    more = {
        name: Witness(value=value, confidence=0.99, box=BOX, distribution=((value, 0.99),))
        for name, value in others.items()
    }
    return weigh(boxes(text, doubt), (), more, (), KNOWN)


def form(**fields: FieldReading) -> FormReading:
    return FormReading(tps="3216010001001", form="c-hasil-ppwp-2024", fields=fields, pages={})


def votes(total: FieldReading, first: FieldReading | None = None) -> FormReading:
    return form(
        suara_paslon_1=first or written("100", tally=100),
        suara_paslon_2=written("050", tally=50),
        suara_paslon_3=written("020", tally=20),
        suara_sah=total,
    )


def test_a_sum_that_holds_clears_what_the_digits_left_in_doubt() -> None:
    doubtful = written("170", (2, "6", 0.04))
    assert doubtful.status is FieldStatus.REVIEW
    total = decide(votes(doubtful), KNOWN).fields["suara_sah"]
    assert (total.value, total.status) == (170, FieldStatus.CLEAR)
    assert total.witnessed == doubtful.confidence < total.confidence


def test_a_sum_never_puts_another_number_in_place() -> None:
    """The paper may well say 176 and be wrong; only a person can tell."""
    read = written("176", (2, "0", 0.2))
    total = decide(votes(read), KNOWN).fields["suara_sah"]
    assert total.value == 176
    assert total.status is FieldStatus.REVIEW
    assert ReviewReason.SUMS_POINT_ELSEWHERE in total.reasons


def test_a_form_that_does_not_add_up_comes_out_as_written_and_flagged() -> None:
    reading = decide(votes(written("171", words=171)), KNOWN)
    assert reading.numbers()["suara_sah"] == 171
    broken = [one for one in evaluate_reading(reading) if one.verdict is Verdict.VIOLATED]
    assert [one.rule for one in broken] == ["paslon_sum_is_suara_sah"]


def test_one_misread_number_of_a_sum_goes_to_a_person() -> None:
    first = written("106", (2, "0", 0.01))
    reading = decide(votes(written("170", words=170), first), KNOWN)
    assert reading.fields["suara_paslon_1"].status is FieldStatus.REVIEW
    assert reading.fields["suara_paslon_1"].value == 106


def test_what_may_be_another_fields_cells_has_no_say() -> None:
    astray = weigh(boxes("106"), (), {}, (ReviewReason.CELL_OUT_OF_PLACE,), KNOWN)
    before = votes(written("170", (2, "6", 0.04)), astray)
    after = decide(before, KNOWN)
    assert after.fields["suara_sah"].confidence == before.fields["suara_sah"].confidence
    assert after.fields["suara_paslon_1"] == astray


def test_a_field_without_a_number_stays_as_it_is() -> None:
    blank = weigh(boxes("170")[:0] + [_blank()] * 3, (), {}, (), KNOWN)
    unseen = FieldReading(value=None, confidence=0.0, status=FieldStatus.NOT_IN_VIEW)
    reading = decide(form(suara_sah=blank, suara_total=unseen), KNOWN)
    assert reading.fields == {"suara_sah": blank, "suara_total": unseen}
    assert blank.status is FieldStatus.BLANK


def _blank() -> DigitBox:
    chances = dict.fromkeys(LABELS, 0.0) | {"blank": 1.0}
    return DigitBox(label="blank", confidence=1.0, probabilities=chances, box=BOX)


@given(
    numbers=st.lists(st.integers(0, 250), min_size=3, max_size=3),
    off=st.integers(-5, 5),
    doubt=st.floats(0.0, 0.45),
)
def test_deciding_twice_is_deciding_once(numbers: list[int], off: int, doubt: float) -> None:
    total = max(0, sum(numbers) + off)
    fields = {
        f"suara_paslon_{k + 1}": written(f"{number:03d}", (2, str((number + 3) % 10), doubt))
        for k, number in enumerate(numbers)
    }
    once = decide(form(**fields, suara_sah=written(f"{total:03d}")), KNOWN)
    assert decide(once, KNOWN) == once
    for name, field in once.fields.items():
        assert field.value is None or field.value in dict(field.witnesses["digits"].distribution)
        assert name in once.fields


@pytest.mark.parametrize("names", [None, ("tally",), ()])
def test_a_field_can_be_weighed_again_from_its_record(names: tuple[str, ...] | None) -> None:
    field = written("123", tally=124)
    again = weigh_again(field, KNOWN, names)
    assert again.value == 123
    assert (again == field) is (names != ())
    assert ("tally" in again.witnesses) is (names != ())
