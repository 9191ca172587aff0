"""Whether a page would fit as well, or better, some boxes further on.

The columns and rows of a table look alike: a page that is laid one box too far right agrees with
the photo in all its lines but those at the table's rim. So the whole pattern of printed lines is
laid over the straightened photo at the place found and at every place around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.forms.template import FormTemplate, PageTemplate
from pipeline.arrays import Flags, Grey
from pipeline.constellation import Guess
from pipeline.rulings import Pattern, pattern_of
from pipeline.spread import Known
from pipeline.warp import PageWarp

CELL_MM = 1.0
"""The photo is straightened to cells of this size, on a sheet whose boxes are 20 mm wide."""

AROUND_MM = 80.0
"""So far around the place found others are tried: three boxes, in both directions at once."""

SAME_MM = 7.0
"""Nearer places than this are the same place: a row of boxes is 20 mm high."""

BESIDE_MM = 5.0
"""So far beside a line there should be none."""

NEAR_MM = 0.8
"""A line may be this far off."""

KNOT_MM = 25.0
"""The bend of the sheet is asked for at knots so far apart; between them it is straight."""

INK_SHARE = 0.35
"""Share of the ink of a well-seen line from which a place counts as inked."""

LEAST_INK = 8.0
"""Ink, in grey levels, below which nothing counts as a well-seen line."""

DOUBT = 0.05
"""By so much the place that was found must be better than those around it."""


Cells = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shift:
    """How well a page's lines are seen where it was placed, and the best place beside it."""

    seen: float
    """Share of the lines' length that is seen, less what is seen beside them."""
    rival: float
    """The same at the best place around."""
    moved_mm: tuple[float, float]
    """Where that is."""
    in_view: float
    """Share of the lines' length that lies in the picture."""

    @property
    def doubtful(self) -> bool:
        """Whether the page may well lie some boxes further on."""
        return self.seen < self.rival + DOUBT


def shift_of(form: FormTemplate, page: PageTemplate, warp: PageWarp, dark: Grey) -> Shift:
    """Compare the place of a page with those around it.

    Args:
        form: The page's form, at wall size.
        page: The page.
        warp: Where it lies.
        dark: (h, w) ink map of the photo, see ``pipeline.ink``.
    """
    lines = pattern_of(form, page)
    if lines is None:
        return Shift(0.0, 0.0, (0.0, 0.0), 0.0)
    pattern = _kernel(lines, form.page_mm)
    around = round(AROUND_MM / CELL_MM)
    flat, inside = _flat(warp, dark, around)
    high, wide = pattern.on.shape
    sheet = slice(around, around + high), slice(around, around + wide)
    on = flat[sheet][pattern.on > 0]
    in_view = float(pattern.on[inside[sheet]].sum() / pattern.on.sum())
    least = INK_SHARE * max(LEAST_INK, float(np.percentile(on, 80)))
    inked = np.asarray(flat > least, np.float32)
    hits = cv2.matchTemplate(inked, pattern.kernel, cv2.TM_CCORR)
    scores = np.asarray(hits / pattern.on.sum(), np.float32)
    same = round(SAME_MM / CELL_MM)
    # The best of the cells next to it, as every rival is the best of its surroundings.
    seen = float(scores[around - 1 : around + 2, around - 1 : around + 2].max())
    scores[around - same : around + same + 1, around - same : around + same + 1] = -1.0
    _, rival, _, (column, row) = cv2.minMaxLoc(scores)
    return Shift(seen, rival, ((column - around) * CELL_MM, (row - around) * CELL_MM), in_view)


@dataclass(frozen=True, slots=True)
class _Kernel:
    """A page's lines as a picture of ``CELL_MM``."""

    on: Cells
    """(h, w) 1 on a line."""
    kernel: Cells
    """(h, w): the same, less half of what lies on either side."""


_made: dict[tuple[bytes, tuple[float, float]], _Kernel] = {}


def _kernel(lines: Pattern, size_mm: tuple[float, float]) -> _Kernel:
    key = lines.across.tobytes() + lines.down.tobytes(), size_mm
    if key not in _made:
        wide, high = (int(np.ceil(side / CELL_MM)) for side in size_mm)
        shape = high, wide
        step = round(BESIDE_MM / CELL_MM)
        on, kernel = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for pieces, axis in ((lines.across, 0), (lines.down, 1)):
            one = np.zeros(shape, np.float32)
            ends = np.floor(pieces / CELL_MM).astype(np.int32).reshape(-1, 2, 2)
            cv2.polylines(one, list(ends), False, 1.0)
            on = np.maximum(on, one)
            kernel += one
            for sign in (-1, 1):
                kernel -= 0.5 * np.roll(one, sign * step, axis)
        _made[key] = _Kernel(np.asarray(on, np.float32), np.asarray(kernel, np.float32))
    return _made[key]


def _flat(warp: PageWarp, dark: Grey, around: int) -> tuple[Grey, Flags]:
    """The ink of the sheet in cells of ``CELL_MM``, with a rim of ``around`` cells.

    And which of the cells lie in the picture.
    """
    near = 2 * max(1, round(NEAR_MM * warp.px_per_mm((warp.size_mm[0] / 2, warp.size_mm[1] / 2))))
    near_dark = np.asarray(cv2.dilate(dark, np.ones((near + 1, near + 1), np.uint8)), np.uint8)
    wide, high = (int(np.ceil(side / CELL_MM)) + 2 * around for side in warp.size_mm)
    step = round(KNOT_MM / CELL_MM)
    # ``cv2.resize`` puts the middle of a small pixel at the middle of the block it becomes.
    columns = (np.arange(-1, wide // step + 2) + 0.5) * step - 0.5
    rows = (np.arange(-1, high // step + 2) + 0.5) * step - 0.5
    knots = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    at = np.asarray((knots - around + 0.5) * CELL_MM, np.float64)
    px = warp.to_px(at).astype(np.float32).reshape(len(rows), len(columns), 2)
    fine = cv2.resize(px, None, fx=step, fy=step, interpolation=cv2.INTER_LINEAR)
    maps = np.ascontiguousarray(fine[step : step + high, step : step + wide])
    flat = cv2.remap(near_dark, maps[..., 0], maps[..., 1], cv2.INTER_NEAREST, borderValue=0)
    size = dark.shape[::-1]
    inside = np.all((maps >= 0) & (maps <= np.array(size, np.float32) - 1), axis=-1)
    return np.asarray(flat, np.uint8), np.asarray(inside, np.bool_)


def moved(guess: Guess, warp: PageWarp, shift: Shift) -> Guess:
    """The guess laid where its lines are seen better."""
    x, y = shift.moved_mm
    known = guess.known
    there = warp.to_px(known.centres + np.array([x, y]))
    step = np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])
    return replace(
        guess,
        homography=np.asarray(warp.homography @ step, np.float64),
        known=Known(known.centres, there, known.trust),
    )
