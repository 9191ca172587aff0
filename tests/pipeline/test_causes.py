from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.records import Cause
from pipeline.causes import probable_cause, swapped_rows

VOTES = st.integers(0, 999)


@pytest.mark.parametrize(
    ("paper", "entry", "cause"),
    [
        (24, 824, Cause.PADDING_READ_AS_8),
        (4, 884, Cause.PADDING_READ_AS_8),
        (4, 84, Cause.PADDING_READ_AS_8),
        (4, 804, Cause.PADDING_READ_AS_8),
        (0, 888, Cause.PADDING_READ_AS_8),
        (0, 80, Cause.PADDING_READ_AS_8),
        (None, 888, Cause.PADDING_READ_AS_8),
        (None, 8, Cause.PADDING_READ_AS_8),
        (None, 24, None),
        (None, 0, None),
        (124, 724, Cause.LEADING_1_MISREAD),
        (124, 424, Cause.LEADING_1_MISREAD),
        (12, 62, Cause.LEADING_1_MISREAD),
        (124, 824, Cause.ONE_DIGIT_OFF),
        (24, 124, Cause.DIGIT_ADDED),
        (24, 244, Cause.DIGIT_ADDED),
        (24, 240, Cause.DIGIT_ADDED),
        (124, 24, Cause.DIGIT_LOST),
        (105, 5, Cause.DIGIT_LOST),
        (124, 14, Cause.DIGIT_LOST),
        (200, 0, None),
        (0, 8, Cause.ONE_DIGIT_OFF),
        (24, 29, Cause.ONE_DIGIT_OFF),
        (24, 42, None),
        (99, 100, None),
        (24, 24, None),
        (24, 8824, None),
    ],
)
def test_known_patterns(paper: int | None, entry: int, cause: Cause | None) -> None:
    assert probable_cause(entry, paper) is cause


def test_more_boxes_leave_more_room_for_padding() -> None:
    assert probable_cause(8824, 24, boxes=4) is Cause.PADDING_READ_AS_8


@given(VOTES)
def test_agreement_has_no_cause(votes: int) -> None:
    assert probable_cause(votes, votes) is None


@given(st.integers(0, 99))
def test_any_padding_read_as_8_is_told(votes: int) -> None:
    assert probable_cause(int("8" + str(votes).zfill(2)), votes) is Cause.PADDING_READ_AS_8


@given(st.integers(0, 9_999), st.integers(0, 2), st.integers(0, 9))
def test_one_other_digit_is_always_explained(votes: int, place: int, digit: int) -> None:
    written = str(votes)
    place %= len(written)
    entry = int(written[:place] + str(digit) + written[place + 1 :])
    cause = probable_cause(entry, votes, boxes=4)
    assert (cause is None) == (entry == votes or (entry == 0 and votes > 9))


@given(VOTES, st.integers(1, 3), st.integers(0, 9))
def test_a_digit_added_and_lost_mirror_each_other(votes: int, place: int, digit: int) -> None:
    written = str(votes)
    longer = int(written[:place] + str(digit) + written[place:])
    if longer != votes and votes:
        added = probable_cause(longer, votes, boxes=9)
        assert added in (Cause.DIGIT_ADDED, Cause.PADDING_READ_AS_8)
        assert probable_cause(votes, longer, boxes=9) is Cause.DIGIT_LOST


def numbers(*votes: int | None) -> dict[str, int | None]:
    return {f"suara_paslon_{place}": value for place, value in enumerate(votes, start=1)}


def test_two_rows_swapped() -> None:
    assert swapped_rows(numbers(73, 24, 74), numbers(24, 73, 74)) == {
        "suara_paslon_1",
        "suara_paslon_2",
    }


def test_two_rows_swapped_beside_another_error() -> None:
    assert swapped_rows(numbers(73, 24, 79), numbers(24, 73, 74)) == {
        "suara_paslon_1",
        "suara_paslon_2",
    }


def test_three_rows_in_another_order() -> None:
    assert len(swapped_rows(numbers(73, 74, 24), numbers(24, 73, 74))) == 3


def test_unknown_numbers_are_no_swap() -> None:
    assert swapped_rows(numbers(73, None, 74), numbers(24, 73, 74)) == frozenset()
    assert swapped_rows(numbers(73, 24, 74), numbers(24, None, 74)) == frozenset()
    assert swapped_rows({}, numbers(24, 73, 74)) == frozenset()


def test_rows_of_voters_can_be_swapped_too() -> None:
    entry: dict[str, int | None] = {"pengguna_dptb_j": 1, "pengguna_non_dpt_j": 4}
    paper: dict[str, int | None] = {"pengguna_dptb_j": 4, "pengguna_non_dpt_j": 1}
    assert swapped_rows(entry, paper) == {"pengguna_dptb_j", "pengguna_non_dpt_j"}


@given(st.lists(VOTES, min_size=3, max_size=3), st.permutations([0, 1, 2]))
def test_every_reordering_is_found_and_keeps_the_sum(votes: list[int], order: list[int]) -> None:
    entry = [votes[place] for place in order]
    found = swapped_rows(numbers(*entry), numbers(*votes))
    assert sum(entry) == sum(votes)
    assert found == {
        f"suara_paslon_{place + 1}" for place in range(3) if entry[place] != votes[place]
    }


FEW = st.lists(st.integers(0, 3), min_size=3, max_size=3)


@given(FEW, FEW)
def test_what_is_called_swapped_has_its_number_in_another_row(
    entry: list[int], paper: list[int]
) -> None:
    found = [int(name[-1]) - 1 for name in swapped_rows(numbers(*entry), numbers(*paper))]
    assert len(found) != 1
    for place in found:
        assert entry[place] != paper[place]
        assert any(entry[place] == paper[other] for other in found if other != place)
        assert any(paper[place] == entry[other] for other in found if other != place)


def test_a_row_that_may_have_traded_places_with_either_of_two() -> None:
    assert len(swapped_rows(numbers(0, 1, 0), numbers(1, 0, 1))) == 3


def test_causes_in_two_real_transcriptions_of_2019(shared: Path) -> None:
    """Where KPU and KawalPemilu typed other numbers off one sheet, over half has a known pattern.

    The patterns of machine reading (padding as 8, leading 1) hardly occur where people typed.
    """
    found: list[Cause | None] = []
    with (shared / "entries" / "bekasi-2019-kpu-kawalpemilu.csv").open() as file:
        for row in csv.DictReader(file):
            for name in ("pas1", "pas2", "sah", "tsah", "jum"):
                kpu, kawal = row[f"kpu_{name}"], row[f"kp_{name}"]
                if kpu and kawal and kpu != kawal and "0" not in (kpu, kawal):
                    found.append(probable_cause(int(kpu), int(kawal)))
    assert len(found) > 300
    known = [cause for cause in found if cause is not None]
    assert len(known) > len(found) / 2
    machine = [c for c in known if c in (Cause.PADDING_READ_AS_8, Cause.LEADING_1_MISREAD)]
    assert len(machine) < 0.02 * len(known)
