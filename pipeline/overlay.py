"""What was read, drawn where it was read: every cell on the photo, with its reading."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.records import BoxPx, FieldReading, FieldStatus, PageReading, PageStatus
from pipeline.intake import open_finer
from pipeline.states import OpenedPhoto

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]
"""(h, w, 3) BGR."""

COLOURS: dict[FieldStatus, Colour] = {
    FieldStatus.CLEAR: (60, 150, 20),
    FieldStatus.REVIEW: (20, 90, 235),
    FieldStatus.BLANK: (160, 120, 20),
    FieldStatus.NOT_IN_VIEW: (120, 120, 120),
}
"""By status: green clear, orange review, blue blank."""

LONG_SIDE_PX = 2400
"""Overlays are drawn no larger than this."""


def draw_overlay(photo: OpenedPhoto, reading: PageReading) -> Picture:
    """Draw a reading on its photo; a rejected one gets its reason across the top."""
    full = open_finer(photo, 1).grey if photo.reduction > 1 else photo.grey
    factor = min(1.0, LONG_SIDE_PX / max(full.shape))
    size = round(full.shape[1] * factor), round(full.shape[0] * factor)
    grey = cv2.resize(full, size, interpolation=cv2.INTER_AREA) if factor < 1 else full
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if reading.status is PageStatus.REJECTED or reading.placement is None:
        message = reading.error.code if reading.error else "rejected"
        _banner(picture, f"{message}", COLOURS[FieldStatus.REVIEW])
        return picture
    unit = reading.placement.px_per_mm * factor
    outline = np.array(reading.placement.outline) * factor
    cv2.polylines(picture, [np.rint(outline).astype(np.int32)], True, (200, 60, 60), 2, cv2.LINE_AA)
    for field in reading.fields.values():
        _draw_field(picture, field, factor, unit)
    clear = sum(field.status is FieldStatus.CLEAR for field in reading.fields.values())
    _banner(
        picture,
        f"{reading.form} page {reading.page}   {clear} of {len(reading.fields)} clear   "
        f"placed within {reading.placement.error_mm:.2f} mm",
        COLOURS[FieldStatus.CLEAR],
    )
    return picture


def _draw_field(picture: Picture, field: FieldReading, factor: float, unit: float) -> None:
    colour = COLOURS[field.status]
    digits = field.witnesses.get("digits")
    if digits is None or digits.box is None:
        return
    for box in digits.boxes:
        start, end = _corners(box.box, factor)
        cv2.rectangle(picture, start, end, colour, max(1, round(unit * 0.5)), cv2.LINE_AA)
        _text(picture, box.label, (start[0], end[1] + round(4.5 * unit)), 5 * unit, colour)
    bubbles = field.witnesses.get("bubbles")
    for column in bubbles.columns if bubbles else ():
        start, end = _corners(column.box, factor)
        cv2.rectangle(picture, start, end, colour, max(1, round(unit * 0.25)), cv2.LINE_AA)
        if column.value is not None:
            high = (end[1] - start[1]) / 11
            y = round(start[1] + high * (column.value + 1))
            cv2.circle(
                picture, ((start[0] + end[0]) // 2, y), max(2, round(unit)), colour, -1, cv2.LINE_AA
            )
    (x, y), _ = _corners(digits.box, factor)
    value = "?" if field.value is None else str(field.value)
    label = f"{value}  {field.confidence:.3f} {field.status.value}"
    _text(picture, label, (x, y - round(1.2 * unit)), 4.5 * unit, colour)


def _corners(box: BoxPx, factor: float) -> tuple[tuple[int, int], tuple[int, int]]:
    x0, y0, x1, y1 = (round(value * factor) for value in box)
    return (x0, y0), (x1, y1)


def _text(
    picture: Picture, text: str, at: tuple[int, int], height_px: float, colour: Colour
) -> None:
    scale = max(0.3, height_px / 30)
    cv2.putText(
        picture,
        text,
        at,
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        colour,
        max(1, round(scale * 2)),
        cv2.LINE_AA,
    )


def _banner(picture: Picture, text: str, colour: Colour) -> None:
    high = max(18, picture.shape[0] // 45)
    picture[:high] = picture[:high] // 3 + 160
    _text(picture, text, (8, round(high * 0.75)), high * 0.7, colour)


def contact_sheet(pictures: Sequence[Picture], columns: int, width_px: int) -> Picture:
    """Pictures side by side, each scaled to one width; rows are as high as their highest."""
    scaled = [
        np.asarray(
            cv2.resize(
                picture,
                (width_px, max(1, round(picture.shape[0] * width_px / picture.shape[1]))),
                interpolation=cv2.INTER_AREA,
            ),
            np.uint8,
        )
        for picture in pictures
    ]
    rows = []
    for start in range(0, len(scaled), columns):
        row = scaled[start : start + columns]
        high = max(picture.shape[0] for picture in row)
        canvas = np.full((high, width_px * columns, 3), 255, np.uint8)
        for place, picture in enumerate(row):
            left = place * width_px
            canvas[: picture.shape[0], left : left + width_px] = picture
        rows.append(canvas)
    return np.vstack(rows)
