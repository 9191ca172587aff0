"""Look for a page's printed patches where a placing says they should be."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.anchors import PATCH_MM, Anchors
from pipeline.arrays import Array
from pipeline.warp import PageWarp, project

LEAST_LIKENESS = 0.35
"""Correlation below which a patch counts as not found. In good photos 99 % of patches reach 0.53
where they are, in bad ones 95 % reach 0.42. A row of boxes looks much like the next, so that it is
the neighbours, not this, that tell a mistaken mark (``pipeline.spread.contradicted``)."""

IN_VIEW = 0.6
"""Share of a patch that must lie inside the picture."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where anchors were found under one warp."""

    offset_mm: Array
    """(n, 2) found minus expected."""
    likeness: Array
    """(n,) correlation, 0 where out of view or not looked for."""
    in_view: NDArray[np.bool_]
    """(n,) whether the patch lies inside the picture."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,) whether the patch was recognised."""
        return np.asarray(self.likeness >= LEAST_LIKENESS)


def look(
    dark: NDArray[np.uint8],
    anchors: Anchors,
    warp: PageWarp,
    reach_mm: Array | float,
    px_per_mm: float,
    only: NDArray[np.bool_] | None = None,
    expected_mm: Array | None = None,
) -> Sighting:
    """Search for anchors within ``reach_mm`` of where the warp puts them.

    Args:
        dark: (h, w) ink map of the photo.
        anchors: What to look for.
        warp: Sheet to px of ``dark``.
        reach_mm: How far to look, for all or for each; never farther than an anchor's own reach.
        px_per_mm: Scale of the search; coarser is quicker.
        only: (n,) which anchors to look for; all of them where ``None``.
        expected_mm: (n, 2) offsets to look around instead of 0.
    """
    count = len(anchors.centres)
    reach = np.minimum(anchors.reach_mm, reach_mm)
    steps = np.floor(reach * px_per_mm).astype(int)
    patches = anchors.patches_at(px_per_mm)
    side = patches.shape[1]
    high, wide = dark.shape
    around = np.zeros((count, 2)) if expected_mm is None else expected_mm
    # Over one patch the sheet is flat: the bend at its middle moves all of it.
    centres = warp.bent(anchors.centres + around)
    # Some of the patch's inner part must be in the picture, at the nearest place it may lie.
    middle = project(warp.homography, centres)
    room = (reach - IN_VIEW * PATCH_MM / 2) * warp.px_per_mm(_middle(warp))
    inside = (middle > -room[:, None]) & (middle < np.array([wide, high]) - 1 + room[:, None])
    in_view = np.asarray(inside.all(axis=1), np.bool_)
    wanted = np.flatnonzero(in_view if only is None else in_view & only)
    offset, likeness = np.zeros((count, 2)), np.zeros(count)
    half = (side / 2 + steps[wanted]) / px_per_mm
    corners = project(warp.homography, _squares(centres[wanted], half)).reshape(-1, 4, 2)
    for index, corner in zip(wanted, corners.astype(np.float32), strict=True):
        step = int(steps[index])
        window = _window(dark, corner, side + 2 * step)
        scores = cv2.matchTemplate(window, patches[index], cv2.TM_CCOEFF_NORMED)
        _, best, _, (column, row) = cv2.minMaxLoc(scores)
        likeness[index] = best if isfinite(best) else 0.0
        x, y = _subpixel(np.asarray(scores, np.float32), row, column)
        offset[index] = (x - step) / px_per_mm, (y - step) / px_per_mm
    offset[wanted] += around[wanted]
    return Sighting(offset, likeness, in_view)


def _middle(warp: PageWarp) -> tuple[float, float]:
    return warp.size_mm[0] / 2, warp.size_mm[1] / 2


def _squares(centres: Array, half: Array) -> Array:
    """(n * 4, 2) mm: corners of squares, clockwise from top left."""
    signs = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    return np.asarray((centres[:, None] + half[:, None, None] * signs).reshape(-1, 2), np.float64)


def _window(dark: NDArray[np.uint8], corners: NDArray[np.float32], side: int) -> NDArray[np.uint8]:
    """The surroundings of one anchor, straightened: (side, side)."""
    end = side - 0.5
    ends = np.array([[-0.5, -0.5], [end, -0.5], [end, end], [-0.5, end]], np.float32)
    to_photo = cv2.getPerspectiveTransform(ends, corners)
    return np.asarray(
        cv2.warpPerspective(
            dark, to_photo, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        ),
        np.uint8,
    )


def _subpixel(scores: NDArray[np.float32], row: int, column: int) -> tuple[float, float]:
    """Peak of the parabola through the best score and its neighbours: x, y."""
    high, wide = scores.shape
    x, y = float(column), float(row)
    at = scores.item(row, column)
    if 0 < column < wide - 1:
        x += _vertex(scores.item(row, column - 1), at, scores.item(row, column + 1))
    if 0 < row < high - 1:
        y += _vertex(scores.item(row - 1, column), at, scores.item(row + 1, column))
    return x, y


def _vertex(before: float, at: float, after: float) -> float:
    bend = before - 2 * at + after
    return 0.0 if bend >= 0 else min(0.5, max(-0.5, (before - after) / (2 * bend)))
