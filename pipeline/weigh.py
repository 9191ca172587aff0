"""One field: from what each witness saw to one number, its confidence and its status.

Read what is written: the digits give the value. The bubbles may raise its confidence or send it
to a person, and never put another number in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.recognisers.recogniser import LABELS
from models.records import (
    BubbleColumn,
    DigitBox,
    FieldReading,
    FieldStatus,
    ReviewReason,
    Witness,
)

PADDING = frozenset({"x", "blank", "dash"})
"""What people write where a shorter number has no digit. A leading 0 is a digit."""

LIFTED_FROM = 0.9
"""Confidence of the digits from which agreeing bubbles raise it."""

BLANK_CONFIDENCE = 0.99
"""An empty field is only called so when it surely is: a faint number must not vanish."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From the recogniser's card: what its measured error rates allow."""

    clear: float
    """Smallest confidence of a field that may be called clear."""


@dataclass(frozen=True, slots=True)
class DigitsAnswer:
    """The digit boxes' joint answer."""

    value: int | None
    confidence: float
    """Of the value; of the field being empty where ``blank``."""
    blank: bool
    reasons: tuple[ReviewReason, ...]


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
    labels = [box.label for box in boxes]
    if confidence < 0.5:
        return DigitsAnswer(None, confidence, blank=False, reasons=_why_no_number(labels))
    if best == none - 1:
        return DigitsAnswer(None, confidence, blank=True, reasons=())
    return DigitsAnswer(best, confidence, blank=False, reasons=())


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


@dataclass(frozen=True, slots=True)
class BubblesAnswer:
    """The bubble columns' joint answer."""

    value: int | None
    confidence: float
    used: bool
    """Whether anything is filled in at all; many forms leave the bubbles empty."""
    unclear: bool
    """Whether a column has several filled bubbles, a faint one, or a gap after a number."""


def column_confidence(column: BubbleColumn) -> float:
    """How sure a column is, from the gap between its fullest bubble and the next."""
    first, second = sorted(column.fills, reverse=True)[:2]
    gap = first - second if column.state == "one" else 0.5 - first
    return float(1 / (1 + np.exp(-12 * (gap - 0.2))))


def bubbles_answer(columns: Sequence[BubbleColumn]) -> BubblesAnswer:
    """Put the columns of one field together; empty leading columns are padding."""
    used = any(column.state != "none" for column in columns)
    if not used:
        return BubblesAnswer(None, 0.0, used=False, unclear=False)
    rest = list(columns)
    while rest and rest[0].state == "none":
        rest.pop(0)
    if any(column.state != "one" for column in rest):
        return BubblesAnswer(None, 0.0, used=True, unclear=True)
    value = int("".join(str(column.value) for column in rest))
    confidence = float(np.prod([column_confidence(column) for column in columns]))
    return BubblesAnswer(value, round(confidence, 6), used=True, unclear=False)


def weigh(
    boxes: Sequence[DigitBox],
    columns: Sequence[BubbleColumn],
    doubts: Sequence[ReviewReason],
    thresholds: Thresholds,
) -> FieldReading:
    """Decide one field.

    Args:
        boxes: Its digit boxes, most significant first.
        columns: Its bubble columns in the same order; empty where there are none.
        doubts: Reasons from the steps before (a cell out of place, too coarse a photo).
        thresholds: What the card allows.
    """
    digits = digits_answer(boxes)
    bubbles = bubbles_answer(columns)
    reasons = [*doubts, *digits.reasons]
    confidence = digits.confidence
    if bubbles.unclear:
        reasons.append(ReviewReason.BUBBLES_UNCLEAR)
    elif bubbles.used:
        if bubbles.value == digits.value:
            # Two witnesses agree: both must be wrong, in the same way. What is wrong with the
            # photo or its placing is wrong for both, so that they only lift what is likely.
            if digits.confidence >= LIFTED_FROM:
                confidence = 1 - (1 - digits.confidence) * (1 - bubbles.confidence)
        else:
            reasons.append(ReviewReason.WITNESSES_DISAGREE)
            confidence = digits.confidence * (1 - bubbles.confidence)
    least = BLANK_CONFIDENCE if digits.blank else thresholds.clear
    if confidence < least and not reasons:
        reasons.append(ReviewReason.LOW_CONFIDENCE)
    if reasons:
        status = FieldStatus.REVIEW
    else:
        status = FieldStatus.BLANK if digits.blank else FieldStatus.CLEAR
    return FieldReading(
        value=digits.value,
        confidence=_rounded(confidence),
        status=status,
        reasons=tuple(reasons),
        witnesses=_witnesses(boxes, columns, digits, bubbles),
    )


def _witnesses(
    boxes: Sequence[DigitBox],
    columns: Sequence[BubbleColumn],
    digits: DigitsAnswer,
    bubbles: BubblesAnswer,
) -> dict[str, Witness]:
    witnesses = {
        "digits": Witness(
            value=digits.value,
            confidence=_rounded(digits.confidence),
            box=_union([box.box for box in boxes]),
            boxes=tuple(boxes),
        )
    }
    if columns:
        witnesses["bubbles"] = Witness(
            value=bubbles.value,
            confidence=_rounded(bubbles.confidence),
            box=_union([column.box for column in columns]),
            columns=tuple(columns),
        )
    return witnesses


def _union(
    boxes: Sequence[tuple[float, float, float, float]],
) -> tuple[float, float, float, float]:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _rounded(confidence: float) -> float:
    return round(min(1.0, max(0.0, confidence)), 6)
