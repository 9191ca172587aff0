"""Where a field must lie on a photo when no witness says so: from the form and the sheet's corners.

It shows a person where to look; nothing is read there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.forms.template import FormTemplate
from models.records import PageReading

PointPx = tuple[float, float]

EDGE_MM = 4.0
"""Room round the boxes: a sheet that curls lies beside its corners' plane. Measured on 576 fields
of the demo's sample: 1.2 mm in the middle, 3.9 mm at 95 of 100, 8 mm at worst."""


def field_outline(
    form: FormTemplate | None, page: PageReading | None, field: str | None
) -> tuple[PointPx, ...]:
    """The corners of a field's digit boxes, clockwise from its top left.

    Args:
        form: The field's form.
        page: What was read in the photo.
        field: The field.

    Returns:
        Four points in px of the upright photo; none where the page was not placed, or is not the
        one the field is on.

    """
    if form is None or page is None or page.placement is None or field not in form.field_names:
        return ()
    sheet = form.page_of(field)
    if (page.form, page.page) != (form.id, sheet.number) or len(page.placement.outline) != 4:
        return ()
    boxes = sheet.field(field).boxes
    left, top = min(box[0] for box in boxes) - EDGE_MM, min(box[1] for box in boxes) - EDGE_MM
    right, bottom = max(box[2] for box in boxes) + EDGE_MM, max(box[3] for box in boxes) + EDGE_MM
    wide, high = form.page_mm
    to_photo = homography(
        ((0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high)), page.placement.outline
    )
    if to_photo is None:
        return ()
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return tuple(moved(to_photo, corner) for corner in corners)


def homography(start: Sequence[PointPx], end: Sequence[PointPx]) -> npt.NDArray[np.float64] | None:
    """The 3 × 3 matrix that takes four points to four others; ``None`` where three are in line."""
    rows, right = [], []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    try:
        solved = np.linalg.solve(np.array(rows, float), np.array(right, float))
    except np.linalg.LinAlgError:
        return None
    return np.append(solved, 1.0).reshape(3, 3)


def moved(matrix: npt.NDArray[np.float64], point: PointPx) -> PointPx:
    """A point after a homography."""
    x, y, scale = matrix @ (*point, 1.0)
    return float(x / scale), float(y / scale)
