"""Look for a page's printed patches where a placing says they should be."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.anchors import PATCH_MM, Anchors
from pipeline.anchors import REFERENCE_PX_PER_MM as REFERENCE
from pipeline.warp import PageWarp

Array = NDArray[np.float64]

LEAST_LIKENESS = 0.35
"""Correlation below which a patch counts as not found."""


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
) -> Sighting:
    """Search for anchors within ``reach_mm`` of where the warp puts them.

    Args:
        dark: (h, w) ink map of the photo.
        anchors: What to look for.
        warp: Sheet to px of ``dark``.
        reach_mm: How far to look, for all or for each; never farther than an anchor's own reach.
        px_per_mm: Scale of the search; coarser is quicker.
        only: (n,) which anchors to look for; all of them where ``None``.
    """
    count = len(anchors.centres)
    reach = np.minimum(anchors.reach_mm, reach_mm)
    high, wide = dark.shape
    expected = warp.to_px(anchors.centres)
    room = (
        PATCH_MM
        / 2
        * 0.6
        * np.array([warp.px_per_mm((float(x), float(y))) for x, y in anchors.centres])
    )
    in_view = (
        (expected[:, 0] > room)
        & (expected[:, 1] > room)
        & (expected[:, 0] < wide - room)
        & (expected[:, 1] < high - room)
    )
    offset = np.zeros((count, 2))
    likeness = np.zeros(count)
    for index in np.flatnonzero(in_view if only is None else in_view & only):
        steps = int(np.floor(reach[index] * px_per_mm))
        window = _window(dark, anchors.centres[index], warp, steps, px_per_mm)
        patch = anchors.patches[index]
        if px_per_mm != REFERENCE:
            patch = cv2.resize(
                patch,
                None,
                fx=px_per_mm / REFERENCE,
                fy=px_per_mm / REFERENCE,
                interpolation=cv2.INTER_AREA,
            )
        scores = np.asarray(cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED), np.float32)
        peak = np.unravel_index(int(np.argmax(scores)), scores.shape)
        best = float(scores[peak])
        likeness[index] = best if np.isfinite(best) else 0.0
        offset[index] = (_subpixel(scores, int(peak[0]), int(peak[1])) - steps) / px_per_mm
    return Sighting(offset, likeness, in_view)


def _window(
    dark: NDArray[np.uint8], centre: Array, warp: PageWarp, steps: int, px_per_mm: float
) -> NDArray[np.uint8]:
    """The surroundings of one anchor, straightened by the warp, at ``px_per_mm``."""
    side = round(PATCH_MM * px_per_mm) + 2 * steps
    half = side / 2 / px_per_mm
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]]) + centre
    ends = np.array(
        [[-0.5, -0.5], [side - 0.5, -0.5], [side - 0.5, side - 0.5], [-0.5, side - 0.5]]
    )
    to_photo = cv2.getPerspectiveTransform(
        ends.astype(np.float32), warp.to_px(corners).astype(np.float32)
    )
    return np.asarray(
        cv2.warpPerspective(
            dark, to_photo, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        ),
        np.uint8,
    )


def _subpixel(scores: NDArray[np.float32], row: int, column: int) -> Array:
    """Peak of the parabola through the best score and its neighbours: x, y."""

    def shift(before: float, at: float, after: float) -> float:
        bend = before - 2 * at + after
        return 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))

    x, y = float(column), float(row)
    if 0 < column < scores.shape[1] - 1:
        x += shift(*(float(v) for v in scores[row, column - 1 : column + 2]))
    if 0 < row < scores.shape[0] - 1:
        y += shift(*(float(v) for v in scores[row - 1 : row + 2, column]))
    return np.array([x, y])
