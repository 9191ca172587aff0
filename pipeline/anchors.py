"""What is printed where: the patches of a blank page that registration looks for."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.forms.draw import draw_page
from models.forms.template import BoxMm, FormTemplate, PageTemplate
from pipeline.ink import ink

REFERENCE_PX_PER_MM = 2.0
"""Scale of the blank page. A peak is found to about a fifth of a pixel: 0.1 mm."""

COARSE_PX_PER_MM = 1.0
"""Scale of the wide searches."""

PATCH_MM = 28.0
"""Side of a patch: a digit box of 20 mm with its surroundings."""

INK_WINDOW_MM = 14.0
"""Neighbourhood for the ink map, on the blank page and on the photo alike."""

CROSSING_SPACING_MM = 24.0
"""Crossings of rulings nearer to each other than this say the same thing twice."""


LONG_BOX = 1.4
"""From this ratio of its sides a digit box no longer fits a patch."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """The patches of one page, in the order: digit boxes, marks, bubbles, crossings."""

    centres: NDArray[np.float64]
    """(n, 2) mm."""
    patches: NDArray[np.uint8]
    """(n, p, p) ink of the blank page, p = PATCH_MM × REFERENCE_PX_PER_MM."""
    reach_mm: NDArray[np.float64]
    """(n,) how far a patch may be looked for before it is mistaken for its neighbour."""
    marks: NDArray[np.bool_]
    """(n,) which are the sheet's corner marks."""
    coarse: NDArray[np.uint8]
    """The same patches at ``COARSE_PX_PER_MM``."""
    fields: tuple[str | None, ...]
    """Which field a digit box belongs to; ``None`` for all else, and where boxes are pale."""

    def patches_at(self, px_per_mm: float) -> NDArray[np.uint8]:
        """The patches at one of the two scales; ``ValueError`` for any other."""
        if px_per_mm == REFERENCE_PX_PER_MM:
            return self.patches
        if px_per_mm == COARSE_PX_PER_MM:
            return self.coarse
        raise ValueError(f"there are no patches at {px_per_mm} px/mm")


_made: dict[tuple[str, int], Anchors] = {}


def _crossings(page: PageTemplate) -> list[tuple[float, float]]:
    """Where a horizontal and a vertical black ruling meet, thinned out."""
    lines = [r.line for r in page.rulings if r.ink == "black"]
    across = [line for line in lines if line[1] == line[3]]
    down = [line for line in lines if line[0] == line[2]]
    found: list[tuple[float, float]] = []
    for x0, y, x1, _ in across:
        for x, y0, _, y1 in down:
            if x0 - 1 <= x <= x1 + 1 and y0 - 1 <= y <= y1 + 1:
                near = any(
                    abs(x - a) < CROSSING_SPACING_MM and abs(y - b) < CROSSING_SPACING_MM
                    for a, b in found
                )
                if not near:
                    found.append((x, y))
    return found


def _seen_at(box: BoxMm) -> list[tuple[float, float]]:
    """Middles of the patches that show where a digit box is.

    Its own; for a long box those of its short sides, as it looks the same all along.
    """
    x0, y0, x1, y1 = box
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if y1 - y0 > LONG_BOX * (x1 - x0):
        return [(x, y0), (x, y1)]
    if x1 - x0 > LONG_BOX * (y1 - y0):
        return [(x0, y), (x1, y)]
    return [(x, y)]


def _make_anchors(form: FormTemplate, page: PageTemplate) -> Anchors:
    centres: list[tuple[float, float]] = []
    fields: list[str | None] = []
    reach: list[float] = []

    def add(x: float, y: float, reach_mm: float, field: str | None = None) -> None:
        centres.append((x, y))
        fields.append(field)
        reach.append(reach_mm)

    # A pale box drowns in the digit that is written over it: what is printed black around it
    # must tell where it is.
    for field in page.fields if form.box_ink == "black" else ():
        for box in field.boxes:
            for x, y in _seen_at(box):
                add(x, y, 0.45 * (box[2] - box[0]), field.name)
    for mark in page.fiducials:
        add(*mark.centre, 170.0)
    if page.tag:
        x0, y0, x1, y1 = page.tag.box
        add((x0 + x1) / 2, (y0 + y1) / 2, 12.0)
    for field in page.fields:
        if field.bubbles:
            for column in range(len(field.bubbles.columns_x)):
                for value in (3, 8):
                    add(*field.bubbles.centre(column, value), 0.4 * field.bubbles.pitch_y)
    for x, y in _crossings(page):
        add(x, y, 6.0)

    half = PATCH_MM / 2
    blank = draw_page(form, page, REFERENCE_PX_PER_MM)
    margin = int(np.ceil(half * REFERENCE_PX_PER_MM)) + 1
    dark = np.pad(ink(blank, round(INK_WINDOW_MM * REFERENCE_PX_PER_MM)), margin)
    side = round(PATCH_MM * REFERENCE_PX_PER_MM)
    points = np.array(centres)
    # Patches are cut at whole pixels, so their centres move there too.
    corners = np.rint((points - half) * REFERENCE_PX_PER_MM).astype(int)
    centred = corners / REFERENCE_PX_PER_MM + half
    patches = np.stack(
        [dark[y + margin : y + margin + side, x + margin : x + margin + side] for x, y in corners]
    )
    coarse_side = round(PATCH_MM * COARSE_PX_PER_MM)
    coarse = np.stack(
        [
            cv2.resize(patch, (coarse_side, coarse_side), interpolation=cv2.INTER_AREA)
            for patch in patches
        ]
    )
    corner_marks = [mark.centre for mark in page.fiducials]
    return Anchors(
        centres=centred,
        patches=patches,
        reach_mm=np.array(reach),
        marks=np.array([centre in corner_marks for centre in centres]),
        coarse=coarse,
        fields=tuple(fields),
    )


def anchors_of(form: FormTemplate, page: PageTemplate) -> Anchors:
    """The anchors of a page, made once a process."""
    key = form.digest, page.number
    if key not in _made:
        _made[key] = _make_anchors(form, page)
    return _made[key]
