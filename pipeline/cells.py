"""Cut every cell out of the photo, straightened, in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from models.forms.template import BoxMm, FieldTemplate
from models.recognisers.recogniser import CROP_PX
from pipeline.arrays import Array, Grey, Points3
from pipeline.states import CellCut, CutPage, PlacedPage

BOX_MARGIN = 0.10
"""A digit crop shows its printed frame and this share of its side on each side, as the real
crops do that the recogniser learned from."""

FINE_PX = 2 * CROP_PX
SHARP_PX = 1.3 * CROP_PX
"""Boxes larger than this in the photo are sampled finer and averaged, so as not to be aliased."""

BUBBLE_PX = 24
BUBBLE_REACH = 1.5
"""A bubble's picture is this many diameters wide."""


def cut_cells(placed: PlacedPage) -> CutPage:
    """Cut the cells of all fields in view; fields out of view get empty cuts."""
    size = placed.photo.grey.shape[1], placed.photo.grey.shape[0]
    fields = [field for field in placed.page.fields if field.name in placed.in_view]
    corners = _digit_outlines(fields, placed)
    ends = np.cumsum([0, *(len(field.boxes) for field in fields)])
    outlines = {
        field.name: corners[start:end]
        for field, start, end in zip(fields, ends, ends[1:], strict=False)
    }
    side_px = float(np.median(np.hypot(*(corners[:, 1] - corners[:, 0]).T)))
    sampled = CROP_PX if side_px <= SHARP_PX else FINE_PX
    digits = _cut(placed.photo.grey, corners, sampled, CROP_PX)
    cells: dict[str, CellCut] = {}
    start = 0
    for field in placed.page.fields:
        if field.name not in outlines:
            cells[field.name] = _out_of_view()
            continue
        count = len(field.boxes)
        bubbles, bubble_outlines = _bubbles(field, placed, size)
        cells[field.name] = CellCut(
            in_view=True,
            digits=digits[start : start + count],
            digit_outlines=_full_size(outlines[field.name], placed.photo.reduction),
            bubbles=bubbles,
            bubble_outlines=bubble_outlines,
        )
        start += count
    return CutPage(placed, cells)


def _out_of_view() -> CellCut:
    return CellCut(
        in_view=False,
        digits=np.zeros((0, CROP_PX, CROP_PX), np.uint8),
        digit_outlines=np.zeros((0, 4, 2)),
        bubbles=None,
        bubble_outlines=None,
    )


def _corners(boxes: Sequence[BoxMm], nudge: tuple[float, float]) -> Array:
    """(n * 4, 2) mm, clockwise from top left."""
    points = [
        corner for x0, y0, x1, y1 in boxes for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    ]
    return np.array(points, np.float64) + np.array(nudge, np.float64)


def _digit_outlines(fields: Sequence[FieldTemplate], placed: PlacedPage) -> Points3:
    """(boxes, 4, 2) px of the boxes of all fields, each with its margin."""
    grown = []
    for field in fields:
        boxes = []
        for x0, y0, x1, y1 in field.boxes:
            dx, dy = BOX_MARGIN * (x1 - x0), BOX_MARGIN * (y1 - y0)
            boxes.append((x0 - dx, y0 - dy, x1 + dx, y1 + dy))
        grown.append(_corners(boxes, placed.nudges[field.name]))
    return placed.warp.to_px(np.concatenate(grown)).reshape(-1, 4, 2)


def _bubbles(
    field: FieldTemplate, placed: PlacedPage, size: tuple[int, int]
) -> tuple[Grey | None, Points3 | None]:
    """The bubbles of a field, or nothing where it has none or they are not all in view."""
    if field.bubbles is None:
        return None, None
    half = field.bubbles.diameter * BUBBLE_REACH / 2
    columns = len(field.bubbles.columns_x)
    centres = [field.bubbles.centre(c, v) for c in range(columns) for v in range(10)]
    boxes = [(x - half, y - half, x + half, y + half) for x, y in centres]
    nudge = placed.nudges[field.name]
    outlines = placed.warp.to_px(_corners(boxes, nudge)).reshape(-1, 4, 2)
    inside = (
        (outlines >= -0.5).all()
        and (outlines[..., 0] <= size[0] - 0.5).all()
        and (outlines[..., 1] <= size[1] - 0.5).all()
    )
    if not inside:
        return None, None
    pictures = _cut(placed.photo.grey, outlines, BUBBLE_PX, BUBBLE_PX)
    whole = [
        (
            field.bubbles.columns_x[c] - half,
            field.bubbles.first_y - half,
            field.bubbles.columns_x[c] + half,
            field.bubbles.first_y + 9 * field.bubbles.pitch_y + half,
        )
        for c in range(columns)
    ]
    column_outlines = _full_size(
        placed.warp.to_px(_corners(whole, nudge)).reshape(-1, 4, 2), placed.photo.reduction
    )
    return pictures.reshape(columns, 10, BUBBLE_PX, BUBBLE_PX), column_outlines


def _full_size(outlines: Points3, reduction: int) -> Points3:
    return (outlines + 0.5) * reduction - 0.5


def _cut(grey: Grey, outlines: Points3, fine_px: int, px: int) -> Grey:
    """Straighten (n, 4, 2) px outlines into (n, px, px) pictures."""
    count = len(outlines)
    if count == 0:
        return np.zeros((0, px, px), np.uint8)
    steps = ((np.arange(fine_px) + 0.5) / fine_px).astype(np.float32)
    right, down = steps[None, None, :], steps[None, :, None]
    tl, tr, br, bl = (outlines[:, k, :, None, None].astype(np.float32) for k in range(4))
    x, y = (
        ((1 - down) * ((1 - right) * tl[:, a] + right * tr[:, a]))
        + (down * ((1 - right) * bl[:, a] + right * br[:, a]))
        for a in (0, 1)
    )
    fine = cv2.remap(
        grey,
        x.reshape(count * fine_px, fine_px),
        y.reshape(count * fine_px, fine_px),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine_px != px:
        fine = cv2.resize(fine, (px, count * px), interpolation=cv2.INTER_AREA)
    return np.asarray(fine, np.uint8).reshape(count, px, px)
