"""Cut every cell out of the photo, straightened, in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.forms.template import BoxMm, FieldTemplate, Grid
from models.recognisers.recogniser import CROP_PX
from pipeline.arrays import Array, Grey, Points3
from pipeline.clean_box import clean_box
from pipeline.ruled import settled
from pipeline.states import CellCut, CutPage, GridCut, LineCut, PlacedPage
from pipeline.straighten import (
    corners_of,
    full_size,
    inside,
    straighten_area,
    straighten_cells,
)

BOX_MARGIN = 0.10
"""A digit crop shows its printed frame and this share of its side on each side, as the real
crops do that the recogniser learned from."""

FINE_PX = 2 * CROP_PX
SHARP_PX = 1.3 * CROP_PX
"""Boxes larger than this in the photo are sampled finer and averaged, so as not to be aliased."""

GRID_MARGIN = 0.15
"""A cell of the tally or a row total shows this share of its sides on each side: strokes are not
kept within the printed lines."""

LINE_PX_PER_MM = 4.0
"""The area of the words is straightened at this scale."""

BUBBLE_PX = 24
BUBBLE_REACH = 1.5
"""A bubble's picture is this many diameters wide."""


def cut_cells(placed: PlacedPage) -> CutPage:
    """Cut the cells of all fields in view; fields out of view get empty cuts."""
    fields = [field for field in placed.page.fields if field.name in placed.in_view]
    corners = _digit_outlines(fields, placed)
    ends = np.cumsum([0, *(len(field.boxes) for field in fields)])
    outlines = {
        field.name: corners[start:end]
        for field, start, end in zip(fields, ends, ends[1:], strict=False)
    }
    digits = _digit_pictures(fields, placed, corners)
    cells: dict[str, CellCut] = {}
    start = 0
    for field in placed.page.fields:
        if field.name not in outlines:
            cells[field.name] = _out_of_view()
            continue
        count = len(field.boxes)
        bubbles, bubble_outlines = _bubbles(field, placed)
        down = None if field.tally is None else settled(placed.photo.grey, placed.warp, field.tally)
        cells[field.name] = CellCut(
            in_view=True,
            digits=digits[start : start + count],
            digit_outlines=full_size(outlines[field.name], placed.photo.reduction),
            bubbles=bubbles,
            bubble_outlines=bubble_outlines,
            tally=_grid(field.tally, placed, down),
            row_totals=_grid(field.row_totals, placed, None if down is None else down[-1:]),
            words=_line(field.words, placed, field.words_print),
        )
        start += count
    return CutPage(placed, cells)


def _digit_pictures(fields: Sequence[FieldTemplate], placed: PlacedPage, corners: Points3) -> Grey:
    """(boxes, 48, 48): the boxes of all fields as the form's recogniser wants them."""
    if placed.form.digits == "digits-kotak":
        return straighten_cells(placed.photo.grey, corners, _sampled(corners), CROP_PX)
    pictures = []
    for field in fields:
        right, down = placed.nudges[field.name]
        for x0, y0, x1, y1 in field.boxes:
            box = (x0 + right, y0 + down, x1 + right, y1 + down)
            pictures.append(clean_box(placed.photo.grey, placed.warp, box))
    return np.stack(pictures)


def _sampled(outlines: Points3) -> int:
    """Pixels along a side at which cells of these outlines are sampled, before averaging."""
    side_px = float(np.median(np.hypot(*(outlines[:, 1] - outlines[:, 0]).T)))
    return CROP_PX if side_px <= SHARP_PX else FINE_PX


def _out_of_view() -> CellCut:
    return CellCut(
        in_view=False,
        digits=np.zeros((0, CROP_PX, CROP_PX), np.uint8),
        digit_outlines=np.zeros((0, 4, 2)),
        bubbles=None,
        bubble_outlines=None,
    )


def _digit_outlines(fields: Sequence[FieldTemplate], placed: PlacedPage) -> Points3:
    """(boxes, 4, 2) px of the boxes of all fields, each with its margin."""
    grown = []
    for field in fields:
        boxes = []
        for x0, y0, x1, y1 in field.boxes:
            dx, dy = BOX_MARGIN * (x1 - x0), BOX_MARGIN * (y1 - y0)
            boxes.append((x0 - dx, y0 - dy, x1 + dx, y1 + dy))
        grown.append(corners_of(boxes, placed.nudges[field.name]))
    return placed.warp.to_px(np.concatenate(grown)).reshape(-1, 4, 2)


def _bubbles(field: FieldTemplate, placed: PlacedPage) -> tuple[Grey | None, Points3 | None]:
    """The bubbles of a field, or nothing where it has none or they are not all in view."""
    if field.bubbles is None:
        return None, None
    half = field.bubbles.diameter * BUBBLE_REACH / 2
    columns = len(field.bubbles.columns_x)
    centres = [field.bubbles.centre(c, v) for c in range(columns) for v in range(10)]
    boxes = [(x - half, y - half, x + half, y + half) for x, y in centres]
    nudge = placed.nudges[field.name]
    outlines = placed.warp.to_px(corners_of(boxes, nudge)).reshape(-1, 4, 2)
    if not inside(outlines, placed.photo.grey):
        return None, None
    pictures = straighten_cells(placed.photo.grey, outlines, BUBBLE_PX, BUBBLE_PX)
    whole = [
        (
            field.bubbles.columns_x[c] - half,
            field.bubbles.first_y - half,
            field.bubbles.columns_x[c] + half,
            field.bubbles.first_y + 9 * field.bubbles.pitch_y + half,
        )
        for c in range(columns)
    ]
    column_outlines = full_size(
        placed.warp.to_px(corners_of(whole, nudge)).reshape(-1, 4, 2), placed.photo.reduction
    )
    return pictures.reshape(columns, 10, BUBBLE_PX, BUBBLE_PX), column_outlines


def _grid(grid: Grid | None, placed: PlacedPage, down: Array | None) -> GridCut | None:
    """The cells of a grid, or nothing where there is none or it is not all in view.

    ``down``, mm, moves its columns: (columns,), or (1,) for all of them.
    """
    if grid is None:
        return None
    boxes: list[BoxMm] = []
    for row in range(grid.rows):
        for column in range(grid.columns):
            x0, y0, x1, y1 = grid.cell(row, column)
            dx, dy = GRID_MARGIN * (x1 - x0), GRID_MARGIN * (y1 - y0)
            boxes.append((x0 - dx, y0 - dy, x1 + dx, y1 + dy))
    corners = corners_of(boxes).reshape(grid.rows, grid.columns, 4, 2)
    if down is not None:
        corners[..., 1] += down[None, :, None]
    outlines = placed.warp.to_px(corners.reshape(-1, 2)).reshape(-1, 4, 2)
    if not inside(outlines, placed.photo.grey):
        return None
    pictures = straighten_cells(placed.photo.grey, outlines, _sampled(outlines), CROP_PX)
    shape = grid.rows, grid.columns
    return GridCut(
        pictures=pictures.reshape(*shape, CROP_PX, CROP_PX),
        outlines=full_size(outlines, placed.photo.reduction).reshape(*shape, 4, 2),
    )


def _line(box: BoxMm | None, placed: PlacedPage, printed: Sequence[BoxMm]) -> LineCut | None:
    """An area for handwriting, or nothing where there is none or it is not all in view."""
    if box is None:
        return None
    outline = placed.warp.to_px(corners_of([box]))
    if not inside(outline, placed.photo.grey):
        return None
    x0, y0 = box[:2]
    notes = tuple(
        (
            (left - x0) * LINE_PX_PER_MM,
            (top - y0) * LINE_PX_PER_MM,
            (right - x0) * LINE_PX_PER_MM,
            (bottom - y0) * LINE_PX_PER_MM,
        )
        for left, top, right, bottom in printed
    )
    return LineCut(
        picture=straighten_area(placed.photo.grey, placed.warp, box, LINE_PX_PER_MM),
        px_per_mm=LINE_PX_PER_MM,
        outline=full_size(outline, placed.photo.reduction),
        print=notes,
    )
