"""Where a grid's thin lines really are: paper bends between the marks that placed the page.

A tally lies far from the digit boxes, and on a curled or folded sheet its cells are off by up to a
third of their height. The grid's own level lines say by how much, column by column. Upright lines
can't be used so: tally strokes are upright too.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.forms.template import Grid
from pipeline.arrays import Array, Grey
from pipeline.straighten import straighten_area
from pipeline.warp import PageWarp

REACH_MM = 5.0
"""Lines are looked for so far from where the page's placing puts them."""

PX_PER_MM = 2.0
LINE_MM = 1.6
"""A line is darker than the paper this far from it, on both sides."""

SURE = 2.5
"""How many times as dark as most places the lines must be where they were found. Measured: 1.3 to
1.5 in noise, 2.7 to 6 in the worst drawn photos, over 10 in most, over 300 in a real one."""

BEND = 0.5
"""Smoothness: how much worse the fit may get to avoid a step of 1 mm between neighbours."""

FAR = 0.1
"""How much worse the fit may get to be 1 mm nearer to where the lines were looked for."""


def settled(grey: Grey, warp: PageWarp, grid: Grid) -> Array:
    """How far a grid's lines are from where ``warp`` puts them.

    Args:
        grey: The photo.
        warp: From mm to its pixels.
        grid: The grid, in mm.

    Returns:
        (columns,) mm to add downwards to the cells of each column; nothing where the lines do not
        show.

    """
    x0, y0, x1, y1 = grid.frame
    around = REACH_MM + LINE_MM
    area = straighten_area(grey, warp, (x0, y0 - around, x1, y1 + around), PX_PER_MM)
    darker = _darker(area.astype(np.float32))
    scores = _scores(darker, grid)
    spread = float(scores.std())
    if spread == 0:
        return np.zeros(grid.columns)
    steps = _steps() / PX_PER_MM
    standing_out = (scores - scores.mean()) / spread
    path = _smoothest(standing_out - FAR * np.abs(steps), steps)
    found = scores[np.arange(grid.columns), path]
    if float(found.mean()) < SURE * float(np.median(scores)):
        return np.zeros(grid.columns)
    return np.asarray(steps[path], np.float64)


def _darker(area: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each place is darker than what is above and below it, at most as a grey line is.

    Ink is darker than print; cut off at the print's own strength it counts no more than that.
    """
    step = round(LINE_MM * PX_PER_MM)
    soft = cv2.GaussianBlur(area, (0, 0), 0.8)
    padded = np.pad(soft, ((step, step), (0, 0)), mode="edge")
    beside = np.minimum(padded[: -2 * step], padded[2 * step :])
    darker = np.maximum(beside - soft, 0)
    strength = max(float(np.quantile(darker, 0.9)), 1.0)
    return np.asarray(np.minimum(darker, strength) / strength, np.float32)


def _steps() -> NDArray[np.intp]:
    """The shifts that are tried, in px."""
    reach = round(REACH_MM * PX_PER_MM)
    return np.arange(-reach, reach + 1)


def _scores(darker: NDArray[np.float32], grid: Grid) -> Array:
    """(columns, shifts): how dark the level lines of a column are if it is shifted so far.

    The lightest and the darkest of its lines are left out.
    """
    high, wide = darker.shape
    margin = (REACH_MM + LINE_MM) * PX_PER_MM
    edges = np.linspace(0, wide, grid.columns + 1)
    lines = np.linspace(margin, high - margin, grid.rows + 1)
    at = np.clip(np.round(lines[None, :] + _steps()[:, None]).astype(int), 0, high - 1)
    scores = np.zeros((grid.columns, len(at)))
    for column, (left, right) in enumerate(pairwise(edges)):
        edge = 0.1 * (right - left)
        profile = darker[:, round(left + edge) : round(right - edge)].mean(axis=1)
        scores[column] = np.sort(profile[at], axis=1)[:, 1:-1].mean(axis=1)
    return scores


def _smoothest(scores: Array, shifts: Array) -> NDArray[np.intp]:
    """The path through (strips, shifts) scores that is good and does not jump (Viterbi)."""
    cost = BEND * np.abs(shifts[:, None] - shifts[None, :])
    best, came = scores[0], []
    for strip in scores[1:]:
        through = best[None, :] - cost
        came.append(through.argmax(axis=1))
        best = through.max(axis=1) + strip
    path = [int(best.argmax())]
    for step in reversed(came):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])
