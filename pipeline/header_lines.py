"""The lines of the page's header, found by the print around them and cut to what is written.

The header stands at the edge of the sheet, far from the boxes that a page is placed by, so that a
cut at its printed place can be some mm off. Here the labels that are printed beside the lines are
looked for round that place, then the dotted lines from there. What is printed is taken out, and
each line is cut to its handwriting, so that large and small hands come out alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.forms.draw import draw_page
from models.forms.template import BoxMm, FormTemplate, HeaderPart
from models.recognisers.lines import Line, prepare_line
from pipeline.arrays import Flags, Grey, Points
from pipeline.ink import ink
from pipeline.states import PlacedPage
from pipeline.straighten import corners_of, full_size, inside, straighten_area

COLUMNS: tuple[tuple[HeaderPart, ...], ...] = (
    ("provinsi", "kabupaten"),
    ("kecamatan", "kelurahan", "tps", "tps_words"),
)
"""Parts that are printed in one column, with labels to their left."""

LABELS_MM = 62.0
"""So far to the left of its lines a column's printed labels reach."""

REACH_MM = 9.0
"""So far from their place the labels are looked for; the lines are 12.7 mm apart."""

LINE_REACH_MM = 3.0
"""So far from where the labels say a dotted line is looked for: the sheet may be bent."""

FIND_PX_PER_MM = 2.0
FOUND = 0.25
"""Correlation from which the print counts as found; else the lines are cut at their place."""

CUT_PX_PER_MM = 4.0

ABOVE_MM, BELOW_MM = 1.5, 1.5
"""A line is looked at this much beyond its box: capitals may rise over it, tails hang below."""

PRINT_MM = 1.0
"""Ink this near to a printed sign may be that sign, placed a little off."""

PRINT_SHARE = 0.6
"""A patch of ink is a printed sign where at least this share of it lies so near to one."""

LEAST_SIGN_MM = 2.2
"""A patch of ink lower than this is a dot, several in a row, or dirt: no sign."""

OWN_MM = (2.0, 12.0)
"""Ink whose middle lies between these depths of a line's box is its own, else a neighbour's."""

EDGE_MM = 4.0
"""A patch of ink narrower than this at the right edge is the next printed label or bracket."""

ALONE_MM, BRACKET_MM = 5.0, 2.5
"""A bracket stands this far from the writing and is narrower than this."""

OVERFLOW_MM: dict[HeaderPart, float] = {"tps_words": 14.0}
"""Where writers run on past the end of the line, and how far it is followed."""

CAPITAL_SHARE = 0.66
"""Share of a prepared line's height that its writing fills, as the recogniser learned it."""

CAPITALS_MM = (4.0, 9.5)
"""Writing lower or higher than this is cut as if it were so high."""

SIDE_MM = 2.5
"""Paper left beside the writing."""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """One line of the header."""

    picture: Line
    """(32, width), print taken out."""
    outline: Points
    """(4, 2) px of the full-size photo round what is in ``picture``, clockwise from top left."""


def written_lines(placed: PlacedPage) -> dict[HeaderPart, WrittenLine]:
    """Cut the header's lines that are in view."""
    lines: dict[HeaderPart, WrittenLine] = {}
    for parts in COLUMNS:
        boxes = {part: box for part in parts if (box := placed.page.header.get(part))}
        if not boxes:
            continue
        x0, y0 = (min(box[axis] for box in boxes.values()) for axis in (0, 1))
        y1 = max(box[3] for box in boxes.values())
        labels = (max(0.0, x0 - LABELS_MM), y0, x0, y1)
        column = shift = _shift(placed, labels, (0.0, 0.0), REACH_MM)
        for part, box in boxes.items():
            # The line in words goes on from that in digits, so it is looked for from there.
            shift = _shift(placed, box, shift if part == "tps_words" else column, LINE_REACH_MM)
            line = _cut(placed, box, shift, OVERFLOW_MM.get(part, 0.0))
            if line is not None:
                lines[part] = line
    return lines


def _moved(box: BoxMm, shift: tuple[float, float]) -> BoxMm:
    return box[0] + shift[0], box[1] + shift[1], box[2] + shift[0], box[3] + shift[1]


def _shift(
    placed: PlacedPage, box: BoxMm, start: tuple[float, float], reach: float
) -> tuple[float, float]:
    """How far the print in a box is from its place: (dx, dy) mm, within reach of ``start``."""
    x0, y0, x1, y1 = box
    wide = _moved((x0 - reach, y0 - reach, x1 + reach, y1 + reach), start)
    window = round(6 * FIND_PX_PER_MM)
    seen = ink(straighten_area(placed.photo.grey, placed.warp, wide, FIND_PX_PER_MM), window)
    # Handwriting is darker than print: what is darker than most must not outweigh the rest.
    limit = max(4.0, float(np.percentile(seen, 97)))
    looked_for = ink(_print_at(placed, box, FIND_PX_PER_MM), window)
    match = cv2.matchTemplate(
        cv2.GaussianBlur(np.minimum(seen, limit).astype(np.float32), (0, 0), 1.0),
        cv2.GaussianBlur(looked_for.astype(np.float32), (0, 0), 1.0),
        cv2.TM_CCOEFF_NORMED,
    )
    _, best, _, (column, row) = cv2.minMaxLoc(match)
    if best < FOUND:
        return start
    return (
        start[0] + column / FIND_PX_PER_MM - reach,
        start[1] + row / FIND_PX_PER_MM - reach,
    )


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A page of a form, known by the form's digest."""

    digest: str
    page: int
    form: FormTemplate = field(compare=False)


def _print_at(placed: PlacedPage, box: BoxMm, px_per_mm: float) -> Grey:
    """What is printed in a box, as the blank sheet has it, (high, wide)."""
    sheet = _top_of(_Sheet(placed.form.digest, placed.page.number, placed.form), px_per_mm)
    x0, y0 = (round(v * px_per_mm) for v in box[:2])
    wide, high = round((box[2] - box[0]) * px_per_mm), round((box[3] - box[1]) * px_per_mm)
    return sheet[y0 : y0 + high, x0 : x0 + wide]


@lru_cache(maxsize=8)
def _top_of(sheet: _Sheet, px_per_mm: float) -> Grey:
    """The blank sheet down to its header."""
    page = sheet.form.page(sheet.page)
    end = max(box[3] for box in page.header.values()) + 2 * REACH_MM
    drawn = draw_page(sheet.form, page, px_per_mm)
    return np.ascontiguousarray(drawn[: round(end * px_per_mm)])


def _cut(
    placed: PlacedPage, box: BoxMm, shift: tuple[float, float], overflow: float
) -> WrittenLine | None:
    x0, y0, x1, y1 = box
    area = (x0, y0 - ABOVE_MM, x1 + overflow, y1 + BELOW_MM)
    there = _moved(area, shift)
    if not inside(placed.warp.to_px(corners_of([_moved(box, shift)])), placed.photo.grey):
        return None
    picture = straighten_area(placed.photo.grey, placed.warp, there, CUT_PX_PER_MM)
    printed = _print_at(placed, area, CUT_PX_PER_MM) < 160
    picture, writing = _without_print(picture, printed)
    left, top, right, bottom = _extent(writing, picture.shape)
    kept = np.ascontiguousarray(picture[top:bottom, left:right])
    cut_box = (
        there[0] + left / CUT_PX_PER_MM,
        there[1] + top / CUT_PX_PER_MM,
        there[0] + right / CUT_PX_PER_MM,
        there[1] + bottom / CUT_PX_PER_MM,
    )
    outline = full_size(placed.warp.to_px(corners_of([cut_box])), placed.photo.reduction)
    return WrittenLine(prepare_line(kept), outline)


def _without_print(picture: Grey, printed: Flags) -> tuple[Grey, Flags]:
    """The picture with printed signs and dirt painted over, and where its handwriting is."""
    dots, signs = _near_print(printed)
    dark = ink(picture, round(8 * CUT_PX_PER_MM))
    # Nearly half of what the darkest strokes have, and well above the grain of the paper.
    grain = float(np.median(np.abs(np.diff(picture.astype(np.int16), axis=1))))
    limit = max(0.45 * float(np.percentile(dark, 99)), 4.0 * grain, 6.0)
    count, names, facts, _ = cv2.connectedComponentsWithStats((dark > limit).astype(np.uint8))
    on_dots, on_signs = (np.bincount(names[mask], minlength=count) for mask in (dots, signs))
    wide_px = picture.shape[1]
    writing = np.zeros(picture.shape, bool)
    dropped = np.zeros(picture.shape, np.uint8)
    for name in range(1, count):
        _, top, _, tall, area = (int(v) for v in facts[name])
        small = tall < LEAST_SIGN_MM * CUT_PX_PER_MM
        is_print = (on_dots if small else on_signs)[name] >= PRINT_SHARE * area
        middle = (top + tall / 2) / CUT_PX_PER_MM - ABOVE_MM
        if is_print or not OWN_MM[0] < middle < OWN_MM[1] or _is_stray(facts[name], wide_px):
            dropped[names == name] = 1
        elif not small:
            writing |= names == name
    spread = cv2.dilate(dropped, np.ones((3, 3), np.uint8))
    if spread.any():
        picture = np.asarray(cv2.inpaint(picture, spread, 3, cv2.INPAINT_TELEA), np.uint8)
    return picture, writing


def _is_stray(facts: NDArray[np.int32], wide_px: int) -> bool:
    """Whether a patch of ink is a piece of what is printed to the right of the line."""
    left, wide = int(facts[cv2.CC_STAT_LEFT]), int(facts[cv2.CC_STAT_WIDTH])
    return left + wide == wide_px and wide < EDGE_MM * CUT_PX_PER_MM


def _without_brackets(writing: Flags) -> Flags:
    """Without what stands narrow and alone at either end: a printed bracket that was missed."""
    where = np.flatnonzero(writing.any(axis=0))
    if not len(where):
        return writing
    gap, narrow = (round(v * CUT_PX_PER_MM) for v in (ALONE_MM, BRACKET_MM))
    words = np.split(where, np.flatnonzero(np.diff(where) > gap) + 1)
    while len(words) > 1 and np.ptp(words[-1]) < narrow:
        words.pop()
    while len(words) > 1 and np.ptp(words[0]) < narrow:
        words.pop(0)
    kept = np.zeros_like(writing)
    kept[:, words[0][0] : words[-1][-1] + 1] = writing[:, words[0][0] : words[-1][-1] + 1]
    return kept


def _near_print(printed: Flags) -> tuple[Flags, Flags]:
    """Where a dot of ink, or a sign, may be print: near any print, or near a printed sign."""
    _, names, facts, _ = cv2.connectedComponentsWithStats(printed.astype(np.uint8))
    tall = np.flatnonzero(facts[:, cv2.CC_STAT_HEIGHT] >= LEAST_SIGN_MM * CUT_PX_PER_MM)
    signs = printed & np.isin(names, tall[tall > 0])
    side = 2 * round(PRINT_MM * CUT_PX_PER_MM) + 1
    near = np.ones((side, side), np.uint8)
    dots, signs = (cv2.dilate(mask.astype(np.uint8), near) > 0 for mask in (printed, signs))
    return dots, signs


def _extent(writing: Flags, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom, px: the writing with paper round it, in the line's proportions."""
    high, wide = shape[:2]
    writing = _without_brackets(writing)
    rows, columns = writing.sum(axis=1), writing.sum(axis=0)
    if not rows.any():
        middle, tall = high / 2, CAPITALS_MM[0] / CAPITAL_SHARE * CUT_PX_PER_MM
        return 0, round(middle - tall / 2), wide, round(middle + tall / 2)
    reached = np.cumsum(rows) / rows.sum()
    top = int(np.searchsorted(reached, 0.02))
    bottom = int(np.searchsorted(reached, 0.98)) + 1
    least, most = (v * CUT_PX_PER_MM for v in CAPITALS_MM)
    tall = min(max(bottom - top, least), most) / CAPITAL_SHARE
    middle = (top + bottom) / 2
    where = np.flatnonzero(columns)
    side = round(SIDE_MM * CUT_PX_PER_MM)
    return (
        max(0, int(where[0]) - side),
        max(0, round(middle - tall / 2)),
        min(wide, int(where[-1]) + 1 + side),
        min(high, round(middle + tall / 2)),
    )
