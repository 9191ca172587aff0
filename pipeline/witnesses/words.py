"""The number in words: lines of handwriting in, probabilities for all numbers from 0 to 999 out.

All spellings of all numbers are scored at once, so the answer is a distribution over numbers and
no free text. Beside them stands "something else": the likeliest free text, whatever it says, at a
fitted price. Where that wins, what is written is no number that can be made out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.recognisers.lines import LineCalibration, LineRecogniser, line_calibration
from models.records import Witness
from models.spelling import HIGHEST, spellings
from pipeline.arrays import Array
from pipeline.ctc import LogSteps, TextTrie, greedy_text, joined, lay_trie, log_likelihoods
from pipeline.states import CutPage, LineCut
from pipeline.witnesses.digits import LEAST_NUMBER, around
from pipeline.witnesses.distribution import likeliest, union
from pipeline.written_lines import find_lines

MOST_LINES = 4
"""Of more lines, the highest written ones are read."""
LEFT_OUT = float(np.log(0.1))
"""Log-probability that a line found in the area does not belong to the number: an estimate."""


@dataclass(frozen=True, slots=True)
class NumberScores:
    """What lines of handwriting say, before it is calibrated."""

    numbers: Array
    """(1000,) log-probability of each number and of the lines, as the recogniser has it."""
    free: float
    """Log-probability of the likeliest free texts."""
    letters: int
    """How many letters these have."""


def read_words(
    cut: CutPage, recogniser: LineRecogniser, calibration: LineCalibration | None = None
) -> dict[str, Witness]:
    """Read the words of every field that has them in view.

    Args:
        cut: A page.
        recogniser: Of lines.
        calibration: Of the recogniser; from the card of the one in use where none is given.

    Raises:
        RecogniserError: the card is broken.

    """
    calibration = calibration or line_calibration()
    return {
        name: read_area(cell.words, recogniser, calibration)
        for name, cell in cut.cells.items()
        if cell.words is not None
    }


def read_area(area: LineCut, recogniser: LineRecogniser, calibration: LineCalibration) -> Witness:
    """Read one area. ``value`` is ``None`` where nothing is written, or no number."""
    found = find_lines(area)
    highest = sorted(range(len(found)), key=lambda place: -found[place].height_mm)[:MOST_LINES]
    lines = [found[place] for place in sorted(highest)]
    if not lines:
        return Witness(value=None, confidence=calibration.empty, box=around(area.outline))
    answers = recogniser.log_probabilities([line.picture for line in lines])
    scores = score_numbers(answers, tuple(recogniser.alphabet), calibration)
    probabilities, other = posterior(scores, calibration)
    best = int(probabilities.argmax())
    seen = float(probabilities[best]) >= max(other, LEAST_NUMBER)
    return Witness(
        value=best if seen else None,
        confidence=_rounded(float(probabilities[best]) if seen else other),
        box=union([line.box for line in lines]),
        distribution=likeliest(probabilities),
        text=" ".join(greedy_text(answer, recogniser.alphabet) for answer in answers).strip(),
    )


def score_numbers(
    answers: Sequence[LogSteps], alphabet: tuple[str, ...], calibration: LineCalibration
) -> NumberScores:
    """Score every number, written on one line or running on over some, others being left out.

    Args:
        answers: Of the recogniser to each line, top first; at least one.
        alphabet: The recogniser's.
        calibration: For the price of what is left out.

    """
    trie, numbers, prior = _grammar(alphabet)
    free, letters = [], []
    for answer in answers:
        text = greedy_text(answer, alphabet)
        free.append(float(log_likelihoods(answer, lay_trie([text], alphabet))[0]))
        letters.append(len(text))
    price = [
        each + calibration.other + calibration.other_letter * count
        for each, count in zip(free, letters, strict=True)
    ]
    whole: Array = np.full(HIGHEST + 1, -np.inf)
    for start in range(len(answers)):
        for end in range(start + 1, len(answers) + 1):
            used = log_likelihoods(joined(answers[start:end]), trie) + prior
            rest = price[:start] + price[end:]
            np.logaddexp.at(whole, numbers, used + sum(rest) + LEFT_OUT * len(rest))
    return NumberScores(numbers=whole, free=sum(free), letters=sum(letters))


def posterior(scores: NumberScores, calibration: LineCalibration) -> tuple[Array, float]:
    """Probabilities of the numbers, (1000,), and of something else; together 1."""
    other = scores.free + calibration.other + calibration.other_letter * scores.letters
    weights = np.append(scores.numbers, other) / calibration.temperature
    powers = np.exp(weights - weights.max())
    shares: Array = powers / powers.sum()
    return shares[:-1], float(shares[-1])


@cache
def _grammar(alphabet: tuple[str, ...]) -> tuple[TextTrie, NDArray[np.intp], Array]:
    """All spellings as a trie, the number of each, and the log-probability of each.

    Numbers are equally likely; the spellings of one share its probability by how common they are.
    """
    ways = spellings()
    numbers = np.array([way.number for way in ways], np.intp)
    shares = np.array([way.share for way in ways])
    totals = np.bincount(numbers, weights=shares)
    prior: Array = np.log(shares / totals[numbers] / len(totals))
    return lay_trie([way.letters for way in ways], alphabet), numbers, prior


def _rounded(probability: float) -> float:
    return round(min(1.0, max(0.0, probability)), 6)
