"""Numerals that stand alone in a cell of a scanned blank, as candidates' numbers do.

Tesseract looks for lines of text on the whole page and passes over a single digit; shown the cell
alone it reads it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import cv2
import numpy as np

from flows.newform.prints import BlankSheet, Grey, TextLine
from flows.newform.reading_print import told_by_tesseract
from models.forms.template import BoxMm

WIDEST_MM = 30.0
"""A wider cell holds a label, not a number."""
LOWEST_MM, HIGHEST_MM = 1.8, 14.0
"""Height of a printed numeral."""
PRINTED = 0.75
"""Print is darker than this share of the paper's brightness."""
JOIN_MM = 0.3
MOST_DIGITS = 2
LETTER_PX = 48
"""Height at which a numeral is shown."""
LEAST_CONFIDENCE = 60
MODES = (8, 10)
"""Tesseract's: one word, then one letter."""
LEAST_IN_ORDER = 2
"""So many numbers read in a column show that it counts up."""
MOST_CELLS = 60
"""A form of more such cells than this has no list of candidates in them."""


def lone_numerals(
    sheet: BlankSheet, cells: Sequence[BoxMm], texts: Sequence[TextLine]
) -> tuple[TextLine, ...]:
    """Numbers of one or two digits in cells where no text was found.

    Args:
        sheet: The blank.
        cells: Areas closed in by rulings, mm.
        texts: What was read already.

    Raises:
        RecogniserError: there is no Tesseract on this machine, or it does not run.

    """
    narrow = [cell for cell in cells if cell[2] - cell[0] <= WIDEST_MM]
    there = {cell: [line.text for line in texts if _is_in(line, cell)] for cell in narrow}
    unread = (cell for cell in narrow if not there[cell])
    boxes = {cell: box for cell in unread if (box := _numeral_box(sheet, cell)) is not None}
    if len(boxes) > MOST_CELLS:
        return ()
    numbers = {
        cell: int(one[0])
        for cell, one in there.items()
        if len(one) == 1 and re.fullmatch(r"\d{1,2}", one[0])
    }
    for cell, box in boxes.items():
        number = _read(sheet, box)
        if number is not None:
            numbers[cell] = number
    for column in _columns(narrow):
        numbers |= _gaps(column, numbers, boxes)
    return tuple(
        TextLine(str(numbers[cell]), box, ((str(numbers[cell]), box),))
        for cell, box in boxes.items()
        if cell in numbers
    )


def _is_in(line: TextLine, cell: BoxMm) -> bool:
    x, y = line.middle
    return cell[0] < x < cell[2] and cell[1] < y < cell[3]


def _columns(cells: Sequence[BoxMm]) -> list[list[BoxMm]]:
    """Cells below one another, from the top."""
    columns: dict[tuple[int, int], list[BoxMm]] = {}
    for cell in sorted(cells, key=lambda one: one[1]):
        columns.setdefault((round(cell[0]), round(cell[2])), []).append(cell)
    return list(columns.values())


def _gaps(
    column: Sequence[BoxMm], numbers: Mapping[BoxMm, int], printed: Collection[BoxMm]
) -> dict[BoxMm, int]:
    """Numbers for the unread cells of a column that counts up by one, as most of the others say.

    A ``1`` of some types is a stroke that Tesseract makes nothing of. Names made of these numbers
    are a proposal: a person confirms them.

    Args:
        column: Its cells from the top, those without print and those of its head too.
        numbers: What was read, by cell.
        printed: Cells that hold what may be a numeral; others have no gap to fill.

    """
    starts = Counter(numbers[cell] - row for row, cell in enumerate(column) if cell in numbers)
    if not starts:
        return {}
    (start, votes), *_ = starts.most_common(1)
    gaps = {
        cell: start + row
        for row, cell in enumerate(column)
        if cell in printed and cell not in numbers
    }
    sure = votes >= LEAST_IN_ORDER and votes > starts.total() - votes + len(gaps)
    return gaps if sure and all(number >= 0 for number in gaps.values()) else {}


def _numeral_box(sheet: BlankSheet, cell: BoxMm) -> BoxMm | None:
    """Around what is printed in a cell, mm, if that may be one or two digits side by side."""
    scale = sheet.px_per_mm
    inset = 0.08 * min(cell[2] - cell[0], cell[3] - cell[1]) + 0.4
    left, top = round((cell[0] + inset) * scale), round((cell[1] + inset) * scale)
    right, bottom = round((cell[2] - inset) * scale), round((cell[3] - inset) * scale)
    part = sheet.grey[top:bottom, left:right]
    if part.size == 0:
        return None
    ink = (part < PRINTED * np.percentile(part, 95)).astype(np.uint8)
    # Thin strokes of a coarse scan come in pieces.
    joined = cv2.dilate(ink, np.ones((max(1, round(JOIN_MM * scale)),) * 2, np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    signs = [
        (int(x), int(y), int(x + wide), int(y + high))
        for x, y, wide, high, _ in stats[1:]
        if LOWEST_MM * scale <= high <= HIGHEST_MM * scale and wide <= 1.2 * high
    ]
    specks = [high for *_, high, _ in stats[1:] if high > 0.5 * LOWEST_MM * scale]
    if not 1 <= len(signs) <= MOST_DIGITS or len(specks) > len(signs):
        return None
    x0, y0 = min(sign[0] for sign in signs), min(sign[1] for sign in signs)
    x1, y1 = max(sign[2] for sign in signs), max(sign[3] for sign in signs)
    if y1 - y0 > 1.3 * max(sign[3] - sign[1] for sign in signs):
        return None  # one above the other
    return (left + x0) / scale, (top + y0) / scale, (left + x1) / scale, (top + y1) / scale


def _read(sheet: BlankSheet, box: BoxMm) -> int | None:
    """What Tesseract makes of one numeral; ``None`` where it is not sure."""
    x0, y0, x1, y1 = (round(value * sheet.px_per_mm) for value in box)
    numeral = sheet.grey[y0:y1, x0:x1]
    zoom = LETTER_PX / numeral.shape[0]
    size = max(1, round(numeral.shape[1] * zoom)), LETTER_PX
    large = cv2.resize(numeral, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    shown: Grey = np.full((2 * LETTER_PX, size[0] + LETTER_PX), 255, np.uint8)
    half = LETTER_PX // 2
    shown[half : half + LETTER_PX, half : half + size[0]] = large
    for mode in MODES:
        told = told_by_tesseract(shown, f"--psm {mode} -c tessedit_char_whitelist=0123456789")
        for text, confidence in zip(told["text"], told["conf"], strict=True):
            sure = float(confidence) >= LEAST_CONFIDENCE
            if sure and re.fullmatch(r"\d{1,2}", str(text).strip()):
                return int(text)
    return None
