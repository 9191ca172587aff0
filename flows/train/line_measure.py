"""How often lines of hands never trained on are read right, and how sure the answers may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.train.line_fonts import Font
from flows.train.line_pictures import LineScribe
from flows.train.line_texts import letters_text, name_text, number_text
from models.recognisers.lines import LineCalibration, LineRecogniser
from models.spelling import HIGHEST, letters_of, spellings
from pipeline.ctc import greedy_text
from pipeline.witnesses.words import NumberScores, posterior, score_numbers

NO_NUMBER = HIGHEST + 1
"""The target of a line that says something else."""
OTHER_SHARE = 0.2
SLIP_SHARE = 0.08
"""Numbers in whose words the writer left out, doubled or changed a letter."""
CLEAR = 0.9
_UNFITTED = LineCalibration(temperature=1.0, other=0.0, other_letter=0.0, empty=0.5)


@dataclass(frozen=True, eq=False)
class ReadLines:
    """Held-out lines with the recogniser's answers."""

    texts: tuple[str, ...]
    """What was drawn, letters only."""
    greedy: tuple[str, ...]
    """What was read, letter by letter."""
    scores: tuple[NumberScores, ...]
    targets: NDArray[np.int64]
    """(n,) the number, or ``NO_NUMBER``."""
    pixels: tuple[NDArray[np.uint8], ...]


def read_drawn(
    fonts: Sequence[Font], recogniser: LineRecogniser, count: int, seed: int
) -> ReadLines:
    """Draw lines with these fonts only, and read them."""
    rng = np.random.default_rng(seed)
    scribe = LineScribe(fonts, seed + 1, own_strokes=0.0)
    known = {way.letters: way.number for way in spellings()}
    texts, greedy, scores, targets, pixels = [], [], [], [], []
    alphabet = tuple(recogniser.alphabet)
    for _ in range(count):
        text, target = _text(rng, known)
        line = scribe.line(text)
        (answer,) = recogniser.log_probabilities([line.pixels])
        texts.append(line.text)
        targets.append(target if line.text else NO_NUMBER)
        greedy.append(greedy_text(answer, alphabet))
        scores.append(score_numbers([answer], alphabet, _UNFITTED))
        pixels.append(line.pixels)
    return ReadLines(tuple(texts), tuple(greedy), tuple(scores), np.array(targets), tuple(pixels))


def _text(rng: np.random.Generator, known: dict[str, int]) -> tuple[str, int]:
    """A text and the number that it says; a slip of the pen does not change what it says."""
    if rng.random() < OTHER_SHARE:
        text = name_text(rng) if rng.random() < 0.6 else letters_text(rng)
        return text, known.get(letters_of(text), NO_NUMBER)
    text = number_text(rng)
    number = known[letters_of(text)]
    if rng.random() < SLIP_SHARE and len(text) > 6:
        place = int(rng.integers(1, len(text) - 1))
        kind = rng.random()
        letter = chr(65 + int(rng.integers(26)))
        middle = "" if kind < 0.5 else text[place] * 2 if kind < 0.7 else letter
        slipped = text[:place] + middle + text[place + 1 :]
        if known.get(letters_of(slipped), number) == number:
            text = slipped
    return text, number


def fit_calibration(read: ReadLines) -> LineCalibration:
    """The temperature and the price of "something else" with the smallest mean log loss."""
    best, least = _UNFITTED, np.inf
    temperatures = np.geomspace(1.0, 12.0, 16)
    others, letters = np.linspace(-30.0, 5.0, 15), np.linspace(-3.0, 0.5, 15)
    for _ in range(3):
        for temperature in temperatures:
            for other in others:
                for letter in letters:
                    tried = LineCalibration(
                        round(float(temperature), 3),
                        round(float(other), 3),
                        round(float(letter), 3),
                        _UNFITTED.empty,
                    )
                    loss = log_loss(read, tried)
                    if loss < least:
                        best, least = tried, loss
        temperatures = best.temperature * np.geomspace(0.8, 1.25, 7)
        others = best.other + np.linspace(-1, 1, 7) * float(np.diff(others[:2])[0])
        letters = best.other_letter + np.linspace(-1, 1, 7) * float(np.diff(letters[:2])[0])
    return best


_KEPT = 40


def log_loss(read: ReadLines, calibration: LineCalibration) -> float:
    """Mean of minus the log-probability of the truth."""
    numbers, own, free, count = _packed(read)
    other = free + calibration.other + calibration.other_letter * count
    weights = np.concatenate([numbers, other[:, None]], axis=1) / calibration.temperature
    truth = np.where(np.isnan(own), other, own) / calibration.temperature
    largest = weights.max(axis=1)
    whole = largest + np.log(np.exp(weights - largest[:, None]).sum(axis=1))
    return float(np.minimum(whole - truth, 25.0).mean())


@lru_cache(maxsize=4)
def _packed(read: ReadLines) -> tuple[NDArray[np.float64], ...]:
    """The likeliest numbers' scores, the truth's, the free text's and its letters, as arrays."""
    numbers = np.stack([np.sort(each.numbers)[-_KEPT:] for each in read.scores])
    own = np.array(
        [
            np.nan if target == NO_NUMBER else each.numbers[target]
            for each, target in zip(read.scores, read.targets, strict=True)
        ]
    )
    free = np.array([each.free for each in read.scores])
    count = np.array([float(each.letters) for each in read.scores])
    return numbers, own, free, count


def answers_of(
    read: ReadLines, calibration: LineCalibration
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What was read, as targets are, and how surely."""
    values, confidences = [], []
    for scores in read.scores:
        probabilities, other = posterior(scores, calibration)
        best = int(probabilities.argmax())
        seen = float(probabilities[best]) >= other
        values.append(best if seen else NO_NUMBER)
        confidences.append(float(probabilities[best]) if seen else other)
    return np.array(values), np.array(confidences)


def line_figures(read: ReadLines, calibration: LineCalibration) -> dict[str, Any]:
    """Counts for the card and the benchmark."""
    values, confidence = answers_of(read, calibration)
    right = values == read.targets
    number = read.targets != NO_NUMBER
    sure = confidence >= CLEAR
    wrong_letters = sum(edits(a, b) for a, b in zip(read.texts, read.greedy, strict=True))
    return {
        "lines": len(right),
        "letters": sum(len(text) for text in read.texts),
        "wrong_letters": wrong_letters,
        "numbers": int(number.sum()),
        "numbers_right": int((right & number).sum()),
        "sure": int((sure & number).sum()),
        "sure_wrong": int((sure & number & ~right).sum()),
        "others": int((~number).sum()),
        "others_taken_for_a_number": int((~number & ~right).sum()),
        "others_surely_taken": int((~number & ~right & sure).sum()),
    }


def line_reliability(read: ReadLines, calibration: LineCalibration) -> list[dict[str, float]]:
    """Confidence against truth, in bands, as ``calibrate.reliability``."""
    values, confidence = answers_of(read, calibration)
    right = values == read.targets
    bands = []
    for low, high in pairwise((0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0001)):
        band = (confidence >= low) & (confidence < high)
        if band.any():
            bands.append(
                {
                    "from": low,
                    "to": min(high, 1.0),
                    "count": int(band.sum()),
                    "confidence": round(float(confidence[band].mean()), 4),
                    "right": round(float(right[band].mean()), 4),
                }
            )
    return bands


def edits(one: str, other: str) -> int:
    """How many letters must be put in, left out or changed (Levenshtein)."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        before, row[0] = row[0], place
        for column, second in enumerate(other, 1):
            before, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, before + (letter != second)),
            )
    return row[-1]
