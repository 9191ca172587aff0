"""What was read, drawn where it was read: every cell on the photo, with its reading."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.records import (
    BoxPx,
    FieldReading,
    FieldStatus,
    PageReading,
    PageStatus,
    Witness,
)
from pipeline.cells import GRID_MARGIN
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

AGREES, DIFFERS, NOTHING = (60, 150, 20), (20, 90, 235), (120, 120, 120)
"""A tally or words that say the field's number, another one, or none."""

UNUSED = frozenset({"0", "struck"})
"""Cells of the tally that hold no stroke."""

ROW_LABEL_MM = 26.0
"""Beside a tally's row stands what its strokes say, and what is written at its end."""

LONG_SIDE_PX = 2400
"""Overlays are drawn at this size, small photos too: the labels must be legible."""

WHITE: Colour = (255, 255, 255)

LARGEST_TEXT_PX = 34
"""In a close-up the labels stay small, so that the writing is not covered."""


def draw_overlay(photo: OpenedPhoto, reading: PageReading) -> Picture:
    """Draw a reading on its photo; a rejected one gets its reason across the top."""
    full = open_finer(photo, 1).grey if photo.reduction > 1 else photo.grey
    factor = LONG_SIDE_PX / max(full.shape)
    size = round(full.shape[1] * factor), round(full.shape[0] * factor)
    grey = cv2.resize(full, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if reading.status is PageStatus.REJECTED or reading.placement is None:
        message = reading.error.code if reading.error else "rejected"
        _banner(picture, f"{message}", COLOURS[FieldStatus.REVIEW])
        return picture
    unit = reading.placement.px_per_mm * factor
    outline = np.array(reading.placement.outline) * factor
    cv2.polylines(picture, [np.rint(outline).astype(np.int32)], True, (200, 60, 60), 2, cv2.LINE_AA)
    for field in reading.fields.values():
        _draw_field(picture, field, factor, unit, reading.placement.rotation_degrees)
    clear = sum(field.status is FieldStatus.CLEAR for field in reading.fields.values())
    _banner(
        picture,
        f"{reading.form} page {reading.page}   {clear} of {len(reading.fields)} clear   "
        f"placed within {reading.placement.error_mm:.2f} mm",
        COLOURS[FieldStatus.CLEAR],
    )
    return picture


def _draw_field(
    picture: Picture, field: FieldReading, factor: float, unit: float, rotation_degrees: float
) -> None:
    colour = COLOURS[field.status]
    digits = field.witnesses.get("digits")
    if digits is None or digits.box is None:
        return
    for box in digits.boxes:
        start, end = _corners(box.box, factor)
        cv2.rectangle(picture, start, end, colour, max(1, round(unit * 0.5)), cv2.LINE_AA)
    bubbles = field.witnesses.get("bubbles")
    for column in bubbles.columns if bubbles else ():
        start, end = _corners(column.box, factor)
        cv2.rectangle(picture, start, end, colour, max(1, round(unit * 0.25)), cv2.LINE_AA)
        if column.value is not None:
            at = _bubble_centre(start, end, column.value, rotation_degrees)
            cv2.circle(picture, at, max(2, round(unit)), colour, -1, cv2.LINE_AA)
    for name in ("tally", "words"):
        witness = field.witnesses.get(name)
        if witness is not None and witness.box is not None:
            agrees = witness.value == field.value
            shade = NOTHING if witness.value is None else AGREES if agrees else DIFFERS
            _draw_witness(picture, name, witness, factor, unit, shade)
    # Labels last, so that no frame crosses them: in each box what was seen, above them the value.
    for box in digits.boxes:
        (x, y), _ = _corners(box.box, factor)
        high = min(7.5 * unit, LARGEST_TEXT_PX)
        _text(picture, box.label, (x + round(unit), y + round(unit + 0.77 * high)), high, colour)
    (x, y), _ = _corners(digits.box, factor)
    value = "?" if field.value is None else str(field.value)
    label = f"{value}  {field.confidence:.3f} {field.status.value}"
    _text(picture, label, (x, y - round(0.3 * unit)), min(7 * unit, LARGEST_TEXT_PX), colour)


def _draw_witness(
    picture: Picture, name: str, witness: Witness, factor: float, unit: float, colour: Colour
) -> None:
    """What the tally or the words say, where they say it: each row, each doubtful cell."""
    if witness.box is None:
        return
    start, end = _corners(witness.box, factor)
    cv2.rectangle(picture, start, end, colour, max(1, round(unit * 0.25)), cv2.LINE_AA)
    high = min(6 * unit, LARGEST_TEXT_PX)
    for row in witness.rows:
        for column in row.uncertain:
            corner, opposite = _corners(_without_margin(row.cells[column - 1].box), factor)
            cv2.rectangle(picture, corner, opposite, DIFFERS, max(1, round(unit * 0.4)))
        if any(cell.label not in UNUSED for cell in row.cells) or row.written is not None:
            (x, y), _ = _corners(row.box, factor)
            said = "?" if row.strokes is None else str(row.strokes)
            wrote = "-" if row.written is None else str(row.written)
            at = x - round(ROW_LABEL_MM * unit), y + round(2.2 * high)
            _text(picture, f"{said} | {wrote}", at, high, colour)
    value = "-" if witness.value is None else str(witness.value)
    label = f"{name} {value}  {witness.confidence:.3f}"
    if witness.text:
        label += f"  {witness.text}"
    _text(picture, label, (start[0], end[1] - round(0.4 * unit)), high, colour)


def _without_margin(box: BoxPx) -> BoxPx:
    """A cell's printed box, from the larger one that was looked at."""
    share = GRID_MARGIN / (1 + 2 * GRID_MARGIN)
    x0, y0, x1, y1 = box
    dx, dy = share * (x1 - x0), share * (y1 - y0)
    return x0 + dx, y0 + dy, x1 - dx, y1 - dy


def _bubble_centre(
    start: tuple[int, int], end: tuple[int, int], value: int, rotation_degrees: float
) -> tuple[int, int]:
    """Where the bubble for ``value`` lies in its column, whichever way the page is turned."""
    sides = end[0] - start[0], end[1] - start[1]
    # The box around a column reaches half its width beyond the middles of the first and the last.
    along = (max(sides) - min(sides)) * (value - 4.5) / 9
    down = np.radians(rotation_degrees + 180)
    x = (start[0] + end[0]) / 2 + along * np.sin(down)
    y = (start[1] + end[1]) / 2 - along * np.cos(down)
    return round(float(x)), round(float(y))


def _corners(box: BoxPx, factor: float) -> tuple[tuple[int, int], tuple[int, int]]:
    x0, y0, x1, y1 = (round(value * factor) for value in box)
    return (x0, y0), (x1, y1)


def _text(
    picture: Picture, text: str, at: tuple[int, int], height_px: float, colour: Colour
) -> None:
    """Write with a white rim, so that it can be read on paper and on print alike."""
    scale = max(0.3, height_px / 30)
    rim = max(1, round(height_px / 10))
    around = [(dx, dy) for dx in (-rim, 0, rim) for dy in (-rim, 0, rim) if (dx, dy) != (0, 0)]
    for shift, ink in [*((shift, WHITE) for shift in around), ((0, 0), colour)]:
        place = at[0] + shift[0], at[1] + shift[1]
        cv2.putText(
            picture,
            text,
            place,
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            ink,
            max(1, round(scale * 2)),
            cv2.LINE_AA,
        )


def _banner(picture: Picture, text: str, colour: Colour) -> None:
    high = max(18, picture.shape[0] // 45)
    picture[:high] = picture[:high] // 3 + 160
    # A letter is about half as wide as its line is high.
    room = 2 * (picture.shape[1] - 16) / len(text)
    _text(picture, text, (8, round(high * 0.75)), min(high * 0.7, room), colour)
