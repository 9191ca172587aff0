"""The digit boxes: pictures in, a label with probabilities for each box out, and their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.recognisers.recogniser import LABELS, DigitRecogniser
from models.records import BoxPx, DigitBox, Probability, ReviewReason, Witness
from pipeline.arrays import Points
from pipeline.states import CutPage
from pipeline.witnesses.distribution import likeliest, union

PADDING = frozenset({"x", "blank", "dash"})
"""What people write where a shorter number has no digit. A leading 0 is a digit."""

LEAST_NUMBER = 0.5
"""A number that is less likely than all else together is no reading."""


def read_digits(cut: CutPage, recogniser: DigitRecogniser) -> dict[str, tuple[DigitBox, ...]]:
    """Read all digit boxes of a page in one go; fields out of view are left out."""
    names = [name for name, cell in cut.cells.items() if cell.in_view]
    if not names:
        return {}
    crops = np.concatenate([cut.cells[name].digits for name in names])
    rows = iter(recogniser.probabilities(crops))
    return {
        name: tuple(
            digit_box(next(rows), around(outline)) for outline in cut.cells[name].digit_outlines
        )
        for name in names
    }


def digit_box(probabilities: np.ndarray[tuple[int], np.dtype[np.float32]], box: BoxPx) -> DigitBox:
    """One box's record from its (14,) probabilities."""
    best = int(np.argmax(probabilities))
    return DigitBox(
        label=LABELS[best],
        confidence=_rounded(probabilities[best]),
        probabilities={label: _rounded(p) for label, p in zip(LABELS, probabilities, strict=True)},
        box=box,
    )


def _rounded(probability: float | np.float32) -> float:
    return round(min(1.0, max(0.0, float(probability))), 6)


@dataclass(frozen=True, slots=True)
class DigitsAnswer:
    """The digit boxes' joint answer."""

    value: int | None
    confidence: float
    """Of the value; of the field being empty where ``blank``."""
    blank: bool
    reasons: tuple[ReviewReason, ...]
    distribution: tuple[tuple[int, Probability], ...]
    """As in ``Witness.distribution``."""


def digits_witness(boxes: Sequence[DigitBox], answer: DigitsAnswer) -> Witness:
    """The record of the boxes of one field."""
    return Witness(
        value=answer.value,
        confidence=_rounded(answer.confidence),
        box=union([box.box for box in boxes]),
        distribution=answer.distribution,
        boxes=tuple(boxes),
    )


def digits_answer(boxes: Sequence[DigitBox]) -> DigitsAnswer:
    """Put the boxes of one field together.

    The confidence of a number is the probability of all ways to write it (``x24``, ``024``,
    ``24`` after an empty box), so that a doubt between two kinds of padding costs nothing.
    """
    joint = np.ones(1)
    for box in boxes:
        row = np.array([box.probabilities[label] for label in LABELS])
        joint = np.multiply.outer(joint, row / row.sum()).ravel()
    none = 10 ** len(boxes) + 1
    mass = np.bincount(_meanings(len(boxes)), weights=joint, minlength=none + 1)
    best = int(np.argmax(mass[:none]))
    confidence = min(1.0, float(mass[best]))
    distribution = likeliest(np.asarray(mass[: none - 1], np.float64))
    if confidence < LEAST_NUMBER:
        reasons = _why_no_number([box.label for box in boxes])
        return DigitsAnswer(None, confidence, False, reasons, distribution)
    if best == none - 1:
        return DigitsAnswer(None, confidence, True, (), distribution)
    return DigitsAnswer(best, confidence, False, (), distribution)


@cache
def _meanings(boxes: int) -> NDArray[np.int64]:
    """What each combination of labels means, flat over ``boxes`` axes.

    0 to 10^boxes - 1: that number; 10^boxes: all blank; 10^boxes + 1: no number.
    """
    none = 10**boxes + 1
    meaning = np.empty(len(LABELS) ** boxes, np.int64)
    for flat, choice in enumerate(np.ndindex(*(len(LABELS),) * boxes)):
        labels = [LABELS[k] for k in choice]
        if all(label == "blank" for label in labels):
            meaning[flat] = none - 1
            continue
        while labels and labels[0] in PADDING:
            labels.pop(0)
        digits = "".join(labels)
        meaning[flat] = int(digits) if digits.isdigit() and len(digits) == len(labels) else none
    return meaning


def _why_no_number(labels: Sequence[str]) -> tuple[ReviewReason, ...]:
    written = list(labels)
    while written and written[0] in PADDING:
        written.pop(0)
    if "other" in written:
        return (ReviewReason.NOT_A_DIGIT,)
    if not written:
        return (ReviewReason.NO_UNITS,)
    if any(label in PADDING for label in written):
        return (ReviewReason.DIGIT_AFTER_GAP,)
    return (ReviewReason.LOW_CONFIDENCE,)


def around(outline: Points) -> BoxPx:
    """The upright box around an outline of (n, 2) px."""
    (x0, y0), (x1, y1) = outline.min(axis=0), outline.max(axis=0)
    return round(float(x0), 1), round(float(y0), 1), round(float(x1), 1), round(float(y1), 1)
