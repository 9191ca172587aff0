"""The form's sums: exact, never a new number, and no confidence in a form that is wrong."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reliability import SumReliability, unmeasured
from pipeline.sums import Factor, marginals, sums, with_sums
from pipeline.weigh import Belief

KNOWN = unmeasured({}).model_copy(
    update={"other_sums": SumReliability(wrong=0.03, ways=40.0), "clear": 0.995}
)


def sure(number: int, other: int | None = None, chance: float = 0.9999) -> Belief:
    rest = {} if other is None else {other: (1 - chance) * 0.9}
    return Belief({number: chance, **rest}, 1 - chance - sum(rest.values()))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Factor], dict[str, int]]:
    names = [f"v{k}" for k in range(draw(st.integers(1, 5)))]
    sizes = {name: draw(st.integers(1, 3)) for name in names}
    scopes: list[tuple[str, ...]] = [(name,) for name in names]
    scopes += [
        tuple(draw(st.permutations(names))[: draw(st.integers(1, len(names)))])
        for _ in range(draw(st.integers(0, 5)))
    ]
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    return [
        Factor(over, rng.uniform(0.01, 1, [sizes[name] for name in over])) for over in scopes
    ], sizes


@given(graphs())
def test_marginals_are_those_of_brute_force(graph: tuple[list[Factor], dict[str, int]]) -> None:
    factors, sizes = graph
    names = list(sizes)
    expected = {name: np.zeros(sizes[name]) for name in names}
    for choice in itertools.product(*(range(sizes[name]) for name in names)):
        at = dict(zip(names, choice, strict=True))
        weight = prod(
            float(factor.table[tuple(at[name] for name in factor.names)]) for factor in factors
        )
        for name in names:
            expected[name][at[name]] += weight
    answers = marginals(factors, sizes)
    for name in names:
        assert answers[name] == pytest.approx(expected[name] / expected[name].sum())


def test_the_sums_of_the_form_are_those_of_the_rules() -> None:
    totals = {line.total for line in sums()}
    assert {"suara_sah", "suara_total", "pengguna_total_j", "surat_suara_diterima"} <= totals
    assert not any("pemilih_dpt_j" in line.terms and len(line.terms) == 1 for line in sums())


def test_a_sum_that_holds_raises_a_doubtful_number() -> None:
    before = {
        "suara_paslon_1": sure(100),
        "suara_paslon_2": sure(50),
        "suara_paslon_3": sure(20),
        "suara_sah": sure(170, 178, chance=0.9),
    }
    after = with_sums(before, KNOWN)
    assert after["suara_sah"].probabilities[170] > 0.999
    assert after["suara_sah"].best[0] == 170


def test_a_sum_that_fails_lowers_confidence_and_names_nothing_new() -> None:
    before = {
        "suara_paslon_1": sure(100, 106, chance=0.99),
        "suara_paslon_2": sure(50),
        "suara_paslon_3": sure(20),
        "suara_sah": sure(176),
    }
    after = with_sums(before, KNOWN)
    assert after["suara_paslon_1"].probabilities[100] < 0.99
    for name, belief in after.items():
        assert set(belief.probabilities) <= set(before[name].probabilities)


def test_a_form_that_is_wrong_on_paper_stays_as_it_was_read() -> None:
    before = {
        "suara_paslon_1": sure(100, chance=0.9999999),
        "suara_paslon_2": sure(50, chance=0.9999999),
        "suara_paslon_3": sure(20, chance=0.9999999),
        "suara_sah": sure(171, chance=0.9999999),
    }
    after = with_sums(before, KNOWN)
    assert {name: belief.best[0] for name, belief in after.items()} == {
        "suara_paslon_1": 100,
        "suara_paslon_2": 50,
        "suara_paslon_3": 20,
        "suara_sah": 171,
    }
    assert all(belief.best[1] > 0.999 for belief in after.values())


def test_an_unknown_number_makes_a_sum_say_nothing() -> None:
    before = {"suara_sah": sure(170, 178, chance=0.9), "suara_paslon_1": sure(100)}
    after = with_sums(before, KNOWN)
    assert after["suara_sah"].probabilities[170] == pytest.approx(0.9)


@given(
    st.lists(st.integers(0, 300), min_size=4, max_size=4),
    st.lists(st.floats(0.3, 0.99999), min_size=4, max_size=4),
    st.integers(1, 40),
)
def test_probabilities_stay_probabilities(
    numbers: list[int], chances: list[float], off: int
) -> None:
    fields = ("suara_paslon_1", "suara_paslon_2", "suara_paslon_3", "suara_sah")
    before = {
        name: sure(number, number + off, chance)
        for name, number, chance in zip(fields, numbers, chances, strict=True)
    }
    for belief in with_sums(before, KNOWN).values():
        assert sum(belief.probabilities.values()) + belief.elsewhere == pytest.approx(1)
        assert all(0 <= p <= 1 for p in belief.probabilities.values())


def whole_form() -> dict[str, Belief]:
    """Every field doubtful between five numbers."""
    fields = sorted({name for line in sums() for name in line.fields})
    return {
        name: Belief({100 + k: 0.9 if k == 0 else 0.02 for k in range(5)}, 0.02) for name in fields
    }


def test_a_form_full_of_doubts_comes_to_an_end() -> None:
    """A table over all of its fields would not fit into memory."""
    assert with_sums(whole_form(), KNOWN).keys() == whole_form().keys()
