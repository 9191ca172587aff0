"""Whether a placed page would fit as well, or better, one box further on.

The columns and rows of a table look alike: a page that is laid one box too far right agrees with
the photo in all its lines but those at the table's rim. So the whole pattern of printed lines is
compared with the photo at the place found and at the places around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from models.forms.template import PageTemplate
from pipeline.arrays import Array, Grey
from pipeline.constellation import Guess
from pipeline.rulings import pattern_of, sampled
from pipeline.spread import Known
from pipeline.states import PlacedPage

STEP_MM = 4.0
"""From sample to sample along a line, on a sheet whose boxes are 20 mm wide."""

BESIDE_MM = 5.0
"""So far beside a line there should be none."""

NEAR_MM = 0.8
"""A line may be this far off."""

INK_SHARE = 0.35
"""Share of the ink of a well-seen line from which a sample counts as seen."""

STEPS = (-2, -1, 0, 1, 2)
"""Boxes to the left and right, and up and down."""

DOUBT = 0.05
"""By so much the place that was found must be better than those around it."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How well a page's lines are seen where it was placed, and the best place beside it."""

    seen: float
    """Share of the lines' length that is seen, less what is seen beside them."""
    rival: float
    """The same at the best place around."""
    moved_mm: tuple[float, float]
    """Where that is."""

    @property
    def doubtful(self) -> bool:
        """Whether the page may well lie one or two boxes further on."""
        return self.seen < self.rival + DOUBT


def shift_of(placed: PlacedPage, dark: Grey) -> Shift:
    """Compare the place of a page with those one and two boxes around it.

    Args:
        placed: A placed page.
        dark: (h, w) ink map of the photo, see ``pipeline.ink``.
    """
    lines = pattern_of(placed.form, placed.page)
    if lines is None:
        return Shift(0.0, 0.0, (0.0, 0.0))
    scale = placed.warp.px_per_mm((placed.form.page_mm[0] / 2, placed.form.page_mm[1] / 2))
    near = 2 * max(1, round(NEAR_MM * scale)) + 1
    near_dark = np.asarray(cv2.dilate(dark, np.ones((near, near), np.uint8)), np.uint8)
    across, down = sampled(lines.across, STEP_MM), sampled(lines.down, STEP_MM)
    right, below = _pitches(placed.page)
    groups = ((across, np.array([0.0, BESIDE_MM], np.float64)), (down, np.array([BESIDE_MM, 0.0])))
    on = np.concatenate([_ink_at(near_dark, placed, points) for points, _ in groups])
    least = INK_SHARE * max(8.0, float(np.percentile(on, 80)))
    scores: dict[tuple[float, float], float] = {}
    moves = [(step * right, 0.0) for step in STEPS] + [(0.0, step * below) for step in STEPS]
    for move in moves:
        hits = beside = total = 0.0
        for points, aside in groups:
            there = points + np.array(move)
            hits += float((_ink_at(near_dark, placed, there) > least).sum())
            for sign in (-1, 1):
                ink = _ink_at(near_dark, placed, there + sign * aside)
                beside += 0.5 * float((ink > least).sum())
            total += len(points)
        scores[move] = (hits - beside) / total
    seen = scores.pop((0.0, 0.0))
    moved, rival = max(scores.items(), key=lambda item: item[1])
    return Shift(seen, rival, moved)


def _pitches(page: PageTemplate) -> tuple[float, float]:
    """From box to box, and from row to row, mm."""
    beside = [b[0] - a[0] for field in page.fields for a, b in pairwise(field.boxes) if b[0] > a[0]]
    tops = sorted({round(field.boxes[0][1], 1) for field in page.fields})
    rows = [below - above for above, below in pairwise(tops) if below - above > 5]
    right = float(np.median(beside)) if beside else 20.0
    return right, float(np.median(rows)) if rows else 20.0


def _ink_at(dark: Grey, placed: PlacedPage, points_mm: Array) -> Array:
    """(n,) ink at points of the sheet; 0 outside the picture."""
    if not len(points_mm):
        return np.zeros(0)
    px = np.rint(placed.warp.to_px(points_mm)).astype(int)
    high, wide = dark.shape
    inside = (px[:, 0] >= 0) & (px[:, 0] < wide) & (px[:, 1] >= 0) & (px[:, 1] < high)
    ink = np.zeros(len(px))
    ink[inside] = dark[px[inside, 1], px[inside, 0]]
    return ink


def moved(guess: Guess, placed: PlacedPage, shift: Shift) -> Guess:
    """The guess laid where its lines are seen better."""
    x, y = shift.moved_mm
    known = guess.known
    there = placed.warp.to_px(known.centres + np.array([x, y]))
    step = np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])
    return replace(
        guess,
        homography=np.asarray(placed.warp.homography @ step, np.float64),
        known=Known(known.centres, there, known.trust),
    )
