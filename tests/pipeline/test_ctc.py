from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recognisers.lines import ALPHABET
from models.spelling import spellings
from pipeline.ctc import LogSteps, greedy_text, joined, lay_trie, log_likelihoods

SIGNS = ("", "A", "B", "C")


def steps_from(seed: int, steps: int, sharp: float = 2.0) -> LogSteps:
    logits = np.random.default_rng(seed).normal(0, sharp, (steps, len(SIGNS)))
    whole = np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return np.asarray(logits - whole, np.float32)


def spelt(path: tuple[int, ...]) -> str:
    return "".join(SIGNS[place] for place, _ in itertools.groupby(path) if place)


def by_all_paths(steps: LogSteps) -> dict[str, float]:
    """The probability of every text there is, by going through every path."""
    found: dict[str, float] = {}
    for path in itertools.product(range(len(SIGNS)), repeat=len(steps)):
        chance = math.exp(sum(float(steps[t, place]) for t, place in enumerate(path)))
        found[spelt(path)] = found.get(spelt(path), 0.0) + chance
    return found


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_as_all_paths_added_up(seed: int, count: int) -> None:
    steps = steps_from(seed, count)
    texts = ["", "A", "AA", "AB", "ABA", "ABB", "BAC", "CCC", "C", "AB"]
    truth = by_all_paths(steps)
    found = log_likelihoods(steps, lay_trie(texts, SIGNS))
    for text, value in zip(texts, found, strict=True):
        if text in truth:
            assert value == pytest.approx(math.log(truth[text]), abs=1e-4)
        else:
            assert value == -math.inf


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_all_texts_together_are_certain(seed: int, count: int) -> None:
    texts = ["".join(text) for n in range(count + 1) for text in itertools.product("ABC", repeat=n)]
    found = log_likelihoods(steps_from(seed, count), lay_trie(texts, SIGNS))
    assert np.exp(found).sum() == pytest.approx(1.0, abs=1e-4)


@given(st.lists(st.text("ABC", max_size=5), max_size=6), st.integers(0, 99))
def test_a_text_scores_alone_as_among_others(texts: list[str], seed: int) -> None:
    steps = steps_from(seed, 12)
    together = log_likelihoods(steps, lay_trie(texts, SIGNS))
    alone = [log_likelihoods(steps, lay_trie([text], SIGNS))[0] for text in texts]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_very_sharp_answers_do_not_overflow() -> None:
    steps = np.full((400, len(SIGNS)), -90.0, np.float32)
    steps[:, 0] = 0.0
    steps[3::4] = -90.0
    steps[3::4, 1] = 0.0
    found = log_likelihoods(steps, lay_trie(["A" * 100, "A" * 99], SIGNS))
    assert found[0] == pytest.approx(0.0, abs=1e-6)
    assert found[1] < -30


def test_greedy_text() -> None:
    path = (0, 1, 1, 0, 1, 2, 2, 3, 0)
    steps = np.log(np.full((len(path), len(SIGNS)), 0.01, np.float32))
    steps[range(len(path)), path] = 0.0
    assert greedy_text(steps, SIGNS) == "AABC"
    assert greedy_text(steps[:0], SIGNS) == ""


def test_a_text_runs_on_over_lines() -> None:
    steps = steps_from(5, 6)
    both = joined([steps[:3], steps[3:]])
    assert both.shape == (7, len(SIGNS))
    first, second = by_all_paths(steps[:3]), by_all_paths(steps[3:])
    truth = first["A"] * second["AB"] + first["AA"] * second["B"]
    truth += first[""] * second.get("AAB", 0.0) + first.get("AAB", 0.0) * second[""]
    assert log_likelihoods(both, lay_trie(["AAB"], SIGNS))[0] == pytest.approx(
        math.log(truth), abs=1e-4
    )
    with pytest.raises(ValueError, match="no lines"):
        joined([])


def test_letters_outside_the_alphabet_are_refused() -> None:
    with pytest.raises(ValueError, match="D É"):
        lay_trie(["ABÉ", "D"], SIGNS)


def test_all_spellings_at_once() -> None:
    trie = lay_trie([way.letters for way in spellings()], ALPHABET)
    text = "DUARATUSLIMAPULUHTIGA"
    steps = np.full((3 * len(text), len(ALPHABET)), math.log(0.1 / 36), np.float32)
    for place, letter in enumerate(text):
        steps[3 * place : 3 * place + 3, 0] = math.log(0.9)
        steps[3 * place + 1] = math.log(0.1 / 36)
        steps[3 * place + 1, ALPHABET.index(letter)] = math.log(0.9)
    found = log_likelihoods(steps, trie)
    assert spellings()[int(found.argmax())].number == 253
