from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.priority import ALL_VOTES, BELOW_FIRST, FIRST, priority

VOTES = st.integers(0, 10**12)
CHANCE = st.floats(0, 1)
WEIGHT = st.floats(0.01, 8)


@given(VOTES, VOTES, CHANCE, WEIGHT)
def test_more_votes_never_come_later(one: int, other: int, chance: float, weight: float) -> None:
    fewer, more = sorted((one, other))
    assert priority(votes=fewer, chance=chance, weight=weight) <= priority(
        votes=more, chance=chance, weight=weight
    )
    assert priority(votes=fewer, chance=None) <= priority(votes=more, chance=None)


@given(VOTES, CHANCE, CHANCE, WEIGHT)
def test_a_likelier_error_never_comes_later(
    votes: int, one: float, other: float, weight: float
) -> None:
    less, more = sorted((one, other))
    assert priority(votes=votes, chance=less, weight=weight) <= priority(
        votes=votes, chance=more, weight=weight
    )


@given(VOTES, CHANCE, WEIGHT, WEIGHT)
def test_a_heavier_one_never_comes_later(
    votes: int, chance: float, one: float, other: float
) -> None:
    lighter, heavier = sorted((one, other))
    assert priority(votes=votes, chance=chance, weight=lighter) <= priority(
        votes=votes, chance=chance, weight=heavier
    )


@given(st.one_of(st.none(), VOTES), st.one_of(st.none(), VOTES), CHANCE, WEIGHT)
def test_what_has_no_chance_to_weigh_goes_first(
    known: int | None, unknown: int | None, chance: float, weight: float
) -> None:
    weighed = priority(votes=known, chance=chance, weight=weight)
    assert 0 <= weighed <= BELOW_FIRST < FIRST <= priority(votes=unknown, chance=None)


def test_unknown_votes_are_all_votes_and_none_are_one() -> None:
    assert priority(votes=None, chance=0.5) == priority(votes=ALL_VOTES, chance=0.5) == 150
    assert priority(votes=0, chance=0.5) == priority(votes=1, chance=0.5) == 0.5
    assert priority(votes=24, chance=0.5, weight=2) == 24
