"""The bubbles: how full each one is, against the others of its column.

A bubble has a printed numeral in it and stands in whatever light the photo has, so a fill means
something only beside its neighbours: nine of ten are empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.records import BoxPx, BubbleColumn, Witness
from pipeline.arrays import Grey
from pipeline.cells import BUBBLE_PX, BUBBLE_REACH
from pipeline.states import CutPage
from pipeline.witnesses.digits import around
from pipeline.witnesses.distribution import likeliest, union

INNER = 0.72
"""Share of a bubble's radius that is looked at: inside the printed ring."""

SOLID = 0.5
"""Darkness (share of the paper's brightness that is missing) of a bubble filled in blue pen."""

FILLED = 0.42
"""Fill from which a bubble counts as filled."""
FAINT = 0.16
"""Fill from which it can't be called empty."""


def read_bubbles(cut: CutPage) -> dict[str, tuple[BubbleColumn, ...]]:
    """Read the bubbles of every field whose bubbles are in view."""
    return {
        name: tuple(
            read_column(column, around(outline))
            for column, outline in zip(cell.bubbles, cell.bubble_outlines, strict=True)
        )
        for name, cell in cut.cells.items()
        if cell.bubbles is not None and cell.bubble_outlines is not None
    }


def read_column(pictures: Grey, box: BoxPx) -> BubbleColumn:
    """Read ten bubbles, (10, s, s), 0 at the top."""
    fills = column_fills(pictures)
    filled = np.flatnonzero(fills >= FILLED)
    faint = np.flatnonzero((fills >= FAINT) & (fills < FILLED))
    value: int | None = None
    if len(filled) > 1:
        state = "several"
    elif len(faint) > 0:
        state = "several" if len(filled) else "faint"
    elif len(filled) == 1:
        state, value = "one", int(filled[0])
    else:
        state = "none"
    return BubbleColumn(
        value=value,
        state=state,
        fills=tuple(round(float(fill), 3) for fill in fills),
        box=box,
    )


def column_fills(pictures: Grey) -> NDArray[np.float64]:
    """(10,) fills of a column: 0 as the emptier half is printed, 1 solid."""
    inner, paper = _masks()
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    brightness = np.median(flat[:, paper], axis=1)
    # Light falls off along a column; a smudge beside one bubble does not count as shade.
    beside = np.pad(brightness, 2, mode="edge")
    local = np.median(np.lib.stride_tricks.sliding_window_view(beside, 5), axis=1)
    brightness = np.maximum(brightness, 0.85 * local)
    darkness = 1 - flat[:, inner].mean(axis=1) / np.maximum(brightness, 1.0)
    empty = np.median(np.sort(darkness)[:8])
    fills: NDArray[np.float64] = np.clip(
        (darkness - empty) / max(SOLID - float(empty), 0.1), 0.0, 1.0
    )
    return fills


@cache
def _masks() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Flat masks of the inside of a bubble and of the paper around it."""
    offset = (np.arange(BUBBLE_PX) + 0.5) / BUBBLE_PX * 2 - 1
    radius = np.hypot(*np.meshgrid(offset, offset)) * BUBBLE_REACH
    return (radius <= INNER).ravel(), (radius >= 1.18).ravel()


@dataclass(frozen=True, slots=True)
class BubblesAnswer:
    """The bubble columns' joint answer."""

    value: int | None
    confidence: float
    used: bool
    """Whether anything is filled in at all; many forms leave the bubbles empty."""
    unclear: bool
    """Whether a column has several filled bubbles, a faint one, or a gap after a number."""


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


def bubbles_witness(columns: Sequence[BubbleColumn], answer: BubblesAnswer) -> Witness:
    """The record of the bubbles of one field."""
    distribution = () if answer.value is None else likeliest(_numbers(columns))
    return Witness(
        value=answer.value,
        confidence=answer.confidence,
        box=union([column.box for column in columns]),
        distribution=distribution,
        columns=tuple(columns),
    )


def column_confidence(column: BubbleColumn) -> float:
    """How sure a column is, from the gap between its fullest bubble and the next."""
    first, second = sorted(column.fills, reverse=True)[:2]
    gap = first - second if column.state == "one" else 0.5 - first
    return float(1 / (1 + np.exp(-12 * (gap - 0.2))))


def _numbers(columns: Sequence[BubbleColumn]) -> NDArray[np.float64]:
    """Probabilities (10^columns,) of numbers: what the fullest bubble lacks has the second one."""
    joint = np.ones(1)
    for column in columns:
        of_column = np.zeros(10)
        first, second = np.argsort([-fill for fill in column.fills], kind="stable")[:2]
        if column.state == "none":
            first = 0  # padding
        of_column[first] = column_confidence(column)
        of_column[second] += 1 - of_column[first] if second != first else 0.0
        joint = np.multiply.outer(joint, of_column).ravel()
    return joint
