"""The picture to check a draft by: every field outlined and named on the real blank sheet."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from flows.newform.draft import DraftPage
from models.forms.template import BoxMm, FieldTemplate, Grid, PageTemplate

Picture = NDArray[np.uint8]
LONG_SIDE_PX = 2400
COLOURS: dict[str, tuple[int, int, int]] = {
    "boxes": (220, 40, 40),
    "bubbles": (30, 150, 30),
    "tally": (230, 130, 0),
    "row_totals": (160, 30, 190),
    "words": (20, 90, 220),
    "header": (0, 140, 140),
    "marker": (200, 0, 140),
    "ruler": (110, 110, 110),
}
"""Red, green, blue."""


def check_picture(page: DraftPage, template: PageTemplate) -> Picture:
    """The blank sheet with what was found on it, (high, wide, 3) uint8 BGR."""
    sheet = page.found.sheet
    scale = LONG_SIDE_PX / max(sheet.page_mm)
    size = (round(sheet.page_mm[0] * scale), round(sheet.page_mm[1] * scale))
    grey = cv2.resize(sheet.grey, size, interpolation=cv2.INTER_AREA)
    # Pale print, so that the outlines stand out.
    pale = 255 - (255 - np.asarray(grey, np.int16)) * 6 // 10
    image = Image.fromarray(pale.astype(np.uint8)).convert("RGB")
    pen = ImageDraw.Draw(image)

    def outline(box: BoxMm, kind: str, width: int = 3) -> None:
        x0, y0, x1, y1 = (value * scale for value in box)
        pen.rectangle((x0, y0, x1, y1), outline=COLOURS[kind], width=width)

    for mark in template.fiducials:
        for square in mark.squares:
            outline(square, "marker", 4)
    if template.tag is not None:
        outline(template.tag.box, "marker", 4)
    for part, box in template.header.items():
        outline(box, "header", 2)
        _write(pen, part, (box[0] * scale, box[1] * scale), 16, "header")
    for field in template.fields:
        for kind, boxes in _parts(field):
            for box in boxes:
                outline(box, kind)
        if field.words is not None:
            x, y = field.words[0] * scale + 4, field.words[1] * scale + 3
            _write(pen, field.name, (x, y), 13, "words")
        _name(pen, field, scale)
    _rulers(pen, sheet.page_mm, scale)
    return np.ascontiguousarray(np.array(image)[..., ::-1])


def _rulers(pen: ImageDraw.ImageDraw, page_mm: tuple[float, float], scale: float) -> None:
    """A scale in mm along the upper and the left edge, to read places off."""
    font = ImageFont.load_default(12)
    step = 10 if max(page_mm) <= 450 else 20
    for axis, length in enumerate(page_mm):
        for mm in range(step, int(length), step):
            at, long = mm * scale, 14 if mm % (5 * step) == 0 else 8
            pen.line((at, 0, at, long) if axis == 0 else (0, at, long, at), COLOURS["ruler"], 2)
            place = (at - 8, 15) if axis == 0 else (15, at - 7)
            pen.text(place, str(mm), COLOURS["ruler"], font)


def _parts(field: FieldTemplate) -> list[tuple[str, Sequence[BoxMm]]]:
    parts: list[tuple[str, Sequence[BoxMm]]] = []
    for kind, grid in (("tally", field.tally), ("row_totals", field.row_totals)):
        if grid is not None:
            parts.append((kind, _cells(grid)))
    if field.words is not None:
        parts.append(("words", (field.words,)))
    if field.bubbles is not None:
        radius = field.bubbles.diameter / 2
        centres = [
            field.bubbles.centre(column, value)
            for column in range(len(field.bubbles.columns_x))
            for value in range(10)
        ]
        rings = [(x - radius, y - radius, x + radius, y + radius) for x, y in centres]
        parts.append(("bubbles", rings))
    parts.append(("boxes", field.boxes))
    return parts


def _cells(grid: Grid) -> list[BoxMm]:
    return [grid.cell(row, column) for row in range(grid.rows) for column in range(grid.columns)]


def _name(pen: ImageDraw.ImageDraw, field: FieldTemplate, scale: float) -> None:
    """The field's name across its boxes, as large as they allow."""
    x0, y0 = field.boxes[0][0] * scale, field.boxes[0][1] * scale
    x1, y1 = field.boxes[-1][2] * scale, field.boxes[-1][3] * scale
    size = min(24.0, (x1 - x0) / max(1.0, 0.52 * len(field.name)))
    _write(pen, field.name, (x0 + 3, (y0 + y1 - size) / 2), max(9.0, size), "boxes")


def _write(
    pen: ImageDraw.ImageDraw, text: str, place: tuple[float, float], size: float, kind: str
) -> None:
    font = ImageFont.load_default(size)
    pen.rectangle(pen.textbbox(place, text, font), fill=(255, 255, 255))
    pen.text(place, text, COLOURS[kind], font)
