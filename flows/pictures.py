"""A photo's way as pictures: the reading on the photo, and each step before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ChasilError
from models.records import DigitBox
from pipeline.cells import cut_cells
from pipeline.overlay import draw_overlay
from pipeline.place import place_page
from pipeline.read import Reader, reading_of, witnessed
from pipeline.states import CellCut, CutPage, OpenedPhoto, PlacedPage

Picture = NDArray[np.uint8]
"""(height, width, 3) BGR."""

PICTURE_KINDS = (".jpg", ".jpeg", ".png", ".webp")

CROP_PX = 96
LINE_PX = 124
"""Height of a line: a box, and what was seen in it below."""
BUBBLE_PX = 24
NAME_PX = 260
CELL_COLOUR = (60, 150, 20)
LOOSE_COLOUR = (20, 90, 235)
INK = (40, 40, 40)


class PictureNotWritten(ChasilError):
    """A picture that was asked for can't be written."""

    code = "picture"
    remedy = "Name a file ending in .jpg or .png, in a folder that you may write to and has room."


def save_picture(path: Path, picture: Picture) -> None:
    """Write a picture; its folder is made where it is missing.

    Raises:
        PictureNotWritten: the ending is unknown, or the operating system will not write it.

    """
    if path.suffix.lower() not in PICTURE_KINDS:
        raise PictureNotWritten(f"{path}: the ending says no kind of picture", file=str(path))
    done, content = cv2.imencode(path.suffix, picture)
    if not done:
        raise PictureNotWritten(f"{path}: OpenCV could not encode it", file=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise PictureNotWritten(f"{path}: {error.strerror}", file=str(path)) from error


def draw_steps(photo: OpenedPhoto, reader: Reader) -> Iterator[tuple[str, Picture]]:
    """Name and picture of each state a photo passes through, as far as it gets.

    Raises:
        PhotoError: where the photo can't be placed, after the pictures up to there.

    """
    yield "1-opened", _coloured(photo.grey)
    placed = place_page(photo, reader.forms)
    yield "2-placed", _draw_cells(placed)
    cut = cut_cells(placed)
    yield "3-cut", _draw_crops(cut, {})
    page = witnessed(cut, reader)
    yield "4-witnessed", _draw_crops(cut, page.digits)
    yield "5-read", draw_overlay(photo, reading_of(page, reader, tps=None))


def _coloured(grey: NDArray[np.uint8]) -> Picture:
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _draw_cells(placed: PlacedPage) -> Picture:
    """Where the template's digit boxes and bubbles lie; orange where the print did not confirm."""
    picture = _coloured(placed.photo.grey)
    for field in placed.page.fields:
        colour = LOOSE_COLOUR if field.name in placed.loose else CELL_COLOUR
        nudge = np.array(placed.nudges.get(field.name, (0.0, 0.0)))
        for x0, y0, x1, y1 in field.boxes:
            corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
            outline = np.rint(placed.warp.to_px(corners + nudge)).astype(np.int32)
            cv2.polylines(picture, [outline], isClosed=True, color=colour, thickness=1)
        if field.bubbles is None:
            continue
        for column in range(len(field.bubbles.columns_x)):
            centres = np.array([field.bubbles.centre(column, value) for value in range(10)])
            for x, y in np.rint(placed.warp.to_px(centres + nudge)).astype(int):
                cv2.circle(picture, (int(x), int(y)), 2, colour, -1)
    return picture


def _draw_crops(cut: CutPage, digits: dict[str, tuple[DigitBox, ...]]) -> Picture:
    """One line a field: its name, its digit boxes (with what was seen in them), its bubbles."""
    lines = [
        _line(name, cell, digits.get(name, ())) for name, cell in cut.cells.items() if cell.in_view
    ]
    wide = max((line.shape[1] for line in lines), default=NAME_PX)
    canvas = np.full((max(1, len(lines)) * LINE_PX, wide, 3), 255, np.uint8)
    for place, line in enumerate(lines):
        top = place * LINE_PX
        canvas[top : top + line.shape[0], : line.shape[1]] = line
    return canvas


def _line(name: str, cell: CellCut, seen: Sequence[DigitBox]) -> Picture:
    label = np.full((LINE_PX, NAME_PX, 3), 255, np.uint8)
    _write(label, name, (4, CROP_PX // 2), INK)
    parts = [label]
    for place, crop in enumerate(cell.digits):
        part = np.full((LINE_PX, CROP_PX, 3), 255, np.uint8)
        part[:CROP_PX] = _coloured(np.asarray(cv2.resize(crop, (CROP_PX, CROP_PX)), np.uint8))
        if place < len(seen):
            box = seen[place]
            _write(part, f"{box.label} {box.confidence:.3f}", (2, LINE_PX - 6), INK)
        parts.append(part)
    for column in cell.bubbles if cell.bubbles is not None else ():
        row = np.hstack([cv2.resize(bubble, (BUBBLE_PX, BUBBLE_PX)) for bubble in column])
        part = np.full((LINE_PX, row.shape[1] + 12, 3), 255, np.uint8)
        top = (CROP_PX - BUBBLE_PX) // 2
        part[top : top + BUBBLE_PX, 12:] = _coloured(np.asarray(row, np.uint8))
        parts.append(part)
    return np.hstack(parts)


def _write(picture: Picture, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
