"""Where numbers are to be written: rows of digit boxes, bubbles, tallies, words.

Digit boxes are cells of one size beside each other, with or without gaps. A row of them without
gaps is parted where the heads of the table's columns part it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from flows.newform.prints import BlankSheet, Circle, Print, TextLine
from models.forms.template import BoxMm, Bubbles, Grid

NARROWEST_MM, WIDEST_MM = 3.0, 40.0
THINNEST, BROADEST = 0.35, 1.7
"""Width of a digit box as a share of its height."""
SAME = 0.06
"""Boxes of a row differ by less than this share in size."""
LEVEL_MM = 0.8
WIDEST_GAP = 1.0
"""Widest gap between boxes of a row, in box widths; and no wider than 1.5 times the narrowest."""
MOST_BOXES = 8
TALLY_COLUMNS = 5
LONE_TALLY_COLUMNS = 9
"""A single row of at least this many cells is a tally as well."""
PRINTED = 0.012
"""Share of dark pixels from which a cell holds print."""
SAME_EDGE_MM = 1.5
"""Cells of one column end at the same place, as far as strokes can be measured."""
WORDS_NOTE = re.compile(r"huruf|terbilang", re.IGNORECASE)


@dataclass
class NumberPlace:
    """One number's places on the page."""

    boxes: tuple[BoxMm, ...]
    guides: tuple[BoxMm, ...] | None = None
    bubbles: Bubbles | None = None
    tally: Grid | None = None
    row_totals: Grid | None = None
    words: BoxMm | None = None
    words_print: list[BoxMm] = field(default_factory=list)

    @property
    def box(self) -> BoxMm:
        """Around all digit boxes."""
        return _around(self.boxes)


def numbers_on(found: Print) -> tuple[NumberPlace, ...]:
    """All numbers of a page, from top to bottom and left to right."""
    empty = [
        cell
        for cell in found.cells
        if _may_hold_a_digit(cell) and not _holds_print(found.sheet, cell, found.texts)
    ]
    runs = [run for row in _rows(empty) for run in _parted(row, found)]
    grids, runs = _grids(runs)
    places = [NumberPlace(tuple(run)) for run in runs if 2 <= len(run) <= MOST_BOXES]
    _take_tallies(places, grids)
    for place in places:
        place.guides = _guides(found.sheet, place.boxes)
        place.bubbles = _bubbles(found.circles, place.boxes)
    _take_words(places, found)
    return tuple(sorted(places, key=lambda place: (round(place.box[1]), place.box[0])))


def _may_hold_a_digit(cell: BoxMm) -> bool:
    wide, high = cell[2] - cell[0], cell[3] - cell[1]
    return (
        NARROWEST_MM <= wide <= WIDEST_MM
        and NARROWEST_MM <= high <= WIDEST_MM
        and THINNEST <= wide / high <= BROADEST
    )


def _holds_print(sheet: BlankSheet, cell: BoxMm, texts: Sequence[TextLine]) -> bool:
    x0, y0, x1, y1 = cell
    inset = 0.12 * min(x1 - x0, y1 - y0) + 0.4
    left, top, right, bottom = (
        round(value * sheet.px_per_mm) for value in (x0 + inset, y0 + inset, x1 - inset, y1 - inset)
    )
    part = sheet.grey[top:bottom, left:right]
    if part.size and float((part < 120).mean()) > PRINTED:
        return True
    return any(_inside(line.middle, cell) for line in texts)


def _rows(cells: Iterable[BoxMm]) -> list[list[BoxMm]]:
    """Cells of one size that stand beside each other, each row from left to right."""
    rows: list[list[BoxMm]] = []
    for cell in sorted(cells, key=lambda one: one[0]):
        wide = cell[2] - cell[0]
        fitting = [
            row
            for row in rows
            if abs(row[-1][1] - cell[1]) < LEVEL_MM
            and abs(row[-1][3] - cell[3]) < LEVEL_MM
            and abs((row[-1][2] - row[-1][0]) - wide) < SAME * wide + 0.2
            and -0.3 <= cell[0] - row[-1][2] <= WIDEST_GAP * wide
        ]
        if fitting:
            max(fitting, key=lambda row: row[-1][2]).append(cell)
        else:
            rows.append([cell])
    return rows


def _parted(row: list[BoxMm], found: Print) -> list[list[BoxMm]]:
    """A row, cut where a gap is wider than the others, or where a column of the table ends."""
    if len(row) < 2:
        return [row]
    gaps = [right[0] - left[2] for left, right in pairwise(row)]
    usual = max(min(gaps), 0.0)
    cuts = {k + 1 for k, gap in enumerate(gaps) if gap > 1.5 * usual + 0.4}
    for k, gap in enumerate(gaps):
        if gap > 0.4 and _stroke_between(row[k], row[k + 1], found):
            cuts.add(k + 1)
    if usual < 0.4:
        cuts |= _ends_of_heads(row, found)
    ends = [0, *sorted(cuts), len(row)]
    return [row[start:end] for start, end in pairwise(ends)]


def _stroke_between(left: BoxMm, right: BoxMm, found: Print) -> bool:
    return any(
        left[2] + 0.2 < one.line[0] < right[0] - 0.2
        and one.line[1] < left[3]
        and one.line[3] > left[1]
        for one in found.lines
        if not one.is_level
    )


def _ends_of_heads(row: list[BoxMm], found: Print) -> set[int]:
    """Where the nearest heads above, each over several boxes, end: as numbers of boxes."""
    edges = [row[0][0], *(cell[2] for cell in row)]

    def place(x: float) -> int | None:
        nearest = min(range(len(edges)), key=lambda k: abs(edges[k] - x))
        return nearest if abs(edges[nearest] - x) < 0.7 else None

    heads: dict[float, set[int]] = {}
    for cell in found.cells:
        start, end = place(cell[0]), place(cell[2])
        if start is None or end is None or cell[3] > row[0][1] + 0.5:
            continue
        if 2 <= end - start < len(row):
            heads.setdefault(round(cell[3], 0), set()).update((start, end))
    if not heads:
        return set()
    nearest = heads[max(heads)]
    return nearest - {0, len(row)}


def _grids(runs: list[list[BoxMm]]) -> tuple[list[Grid], list[list[BoxMm]]]:
    """Runs that lie on one another as the rows of a tally, and all other runs."""
    stacks: list[list[list[BoxMm]]] = []
    for run in sorted(runs, key=lambda one: one[0][1]):
        under = [
            stack
            for stack in stacks
            if len(stack[-1]) == len(run)
            and abs(stack[-1][0][0] - run[0][0]) < 0.5
            and abs(stack[-1][-1][2] - run[-1][2]) < 0.5
            and abs(stack[-1][0][3] - run[0][1]) < 0.5
        ]
        if under:
            under[0].append(run)
        else:
            stacks.append([run])
    tallies = [stack for stack in stacks if _is_tally(stack)]
    beside = [
        stack
        for stack in stacks
        if stack not in tallies
        and len(stack[0]) <= 3
        and any(_is_beside(stack, tally) for tally in tallies)
    ]
    taken = [*tallies, *beside]
    grids = [
        Grid(
            frame=_around([cell for run in stack for cell in run]),
            rows=len(stack),
            columns=len(stack[0]),
        )
        for stack in taken
    ]
    rest = [run for stack in stacks if stack not in taken for run in stack]
    return grids, rest


def _is_tally(stack: list[list[BoxMm]]) -> bool:
    run = stack[0]
    no_gaps = all(abs(right[0] - left[2]) < 0.4 for left, right in pairwise(run))
    least = TALLY_COLUMNS if len(stack) > 1 else LONE_TALLY_COLUMNS
    return no_gaps and len(run) >= least


def _is_beside(stack: list[list[BoxMm]], tally: list[list[BoxMm]]) -> bool:
    return (
        len(stack) == len(tally)
        and len(stack) > 1
        and abs(stack[0][0][1] - tally[0][0][1]) < 1.0
        and abs(stack[-1][0][3] - tally[-1][0][3]) < 1.0
        and 0 <= stack[0][0][0] - tally[0][-1][2] < 60
    )


def _take_tallies(places: list[NumberPlace], grids: list[Grid]) -> None:
    """Each tally goes to the nearest digit boxes right of it, or right below."""
    tallies = [grid for grid in grids if grid.columns >= TALLY_COLUMNS]
    totals = [grid for grid in grids if grid.columns < TALLY_COLUMNS]
    for tally in tallies:
        x0, y0, x1, y1 = tally.frame
        beside = [
            place
            for place in places
            if place.tally is None
            and place.box[0] >= x1 - 1
            and place.box[1] < y1
            and place.box[3] > y0 - 5
        ]
        below = [
            place
            for place in places
            if place.tally is None and y1 - 1 <= place.box[1] < y1 + (y1 - y0) and place.box[2] > x0
        ]
        chosen = min(beside, key=lambda one: one.box[0], default=None) or min(
            below, key=lambda one: one.box[1], default=None
        )
        if chosen is None:
            continue
        chosen.tally = tally
        chosen.row_totals = next(
            (grid for grid in totals if abs(grid.frame[1] - y0) < 1 and grid.rows == tally.rows),
            None,
        )


def _guides(sheet: BlankSheet, boxes: Sequence[BoxMm]) -> tuple[BoxMm, ...] | None:
    """Light print in the middle of every box of a row, alike in all of them."""
    found: list[BoxMm] = []
    for x0, y0, x1, y1 in boxes:
        inset = 0.1 * (x1 - x0) + 0.3
        left, top, right, bottom = (
            round(value * sheet.px_per_mm)
            for value in (x0 + inset, y0 + inset, x1 - inset, y1 - inset)
        )
        part = sheet.grey[top:bottom, left:right]
        ys, xs = np.nonzero(part < 232)
        if len(xs) < 0.01 * part.size:
            return None
        found.append(
            (
                round((left + float(xs.min())) / sheet.px_per_mm, 2),
                round((top + float(ys.min())) / sheet.px_per_mm, 2),
                round((left + float(xs.max()) + 1) / sheet.px_per_mm, 2),
                round((top + float(ys.max()) + 1) / sheet.px_per_mm, 2),
            )
        )
    sizes = np.array([(x1 - x0, y1 - y0) for x0, y0, x1, y1 in found])
    if np.ptp(sizes, axis=0).max() > 0.8 or sizes.min() < 3:
        return None
    return tuple(found)


def _bubbles(circles: Sequence[Circle], boxes: Sequence[BoxMm]) -> Bubbles | None:
    """Ten rings under each digit box, evenly spaced."""
    columns: list[list[Circle]] = []
    for x0, _, x1, y1 in boxes:
        middle = (x0 + x1) / 2
        under = sorted(
            (one for one in circles if abs(one.x - middle) < 0.2 * (x1 - x0) and one.y > y1),
            key=lambda one: one.y,
        )
        if len(under) < 10:
            return None
        column = under[:10]
        steps = np.diff([one.y for one in column])
        if column[0].y - y1 > 4 * steps.mean() or np.ptp(steps) > 0.15 * steps.mean():
            return None
        columns.append(column)
    firsts = [column[0].y for column in columns]
    pitch = float(np.mean([np.diff([one.y for one in column]).mean() for column in columns]))
    diameter = float(np.median([one.diameter for column in columns for one in column]))
    return Bubbles(
        columns_x=tuple(round(float(np.mean([one.x for one in column])), 2) for column in columns),
        first_y=round(float(np.mean(firsts)), 2),
        pitch_y=round(pitch, 3),
        diameter=round(diameter, 2),
    )


def _take_words(places: list[NumberPlace], found: Print) -> None:
    """A wide cell with a note that words go there belongs to the number beside it or above it."""
    for note in found.texts:
        if not WORDS_NOTE.search(note.text):
            continue
        around = [cell for cell in found.cells if _inside(note.middle, cell)]
        if not around:
            continue
        cell = min(around, key=lambda one: (one[2] - one[0]) * (one[3] - one[1]))
        if cell[2] - cell[0] < 30 or cell[3] - cell[1] > 80:
            continue
        free = [place for place in places if place.words is None]
        if not any(_shared(place.box, cell) > 0.5 for place in places):
            below = _column_below(cell, free, found)
            for place, its in below:
                place.words = its
            if below:
                continue
        beside = [place for place in free if _shared(place.box, cell) > 0.5]
        above = [
            place
            for place in free
            if place.box[1] <= cell[1] and cell[1] - place.box[3] < 6 * (cell[3] - cell[1])
        ]
        chosen = min(beside, key=lambda one: abs(one.box[0] - cell[2]), default=None) or max(
            above, key=lambda one: one.box[3], default=None
        )
        if chosen is not None:
            chosen.words = cell
            chosen.words_print.append(note.box)


def _column_below(
    head: BoxMm, places: Sequence[NumberPlace], found: Print
) -> list[tuple[NumberPlace, BoxMm]]:
    """The empty cells in the column under a head, each with the one number on its level."""
    rows = []
    for cell in found.cells:
        in_column = abs(cell[0] - head[0]) < SAME_EDGE_MM and abs(cell[2] - head[2]) < SAME_EDGE_MM
        if not in_column or cell[1] < head[3] - SAME_EDGE_MM:
            continue
        level = [
            place
            for place in places
            if _shared(place.box, cell) > 0.5 and cell[1] - 1 < (place.box[1] + place.box[3]) / 2
        ]
        empty = not any(_inside(line.middle, cell) for line in found.texts)
        if len(level) == 1 and empty and (cell[2] - cell[0]) > 2 * (cell[3] - cell[1]):
            rows.append((level[0], cell))
    return rows


def _shared(one: BoxMm, other: BoxMm) -> float:
    """How much of the lower of two boxes' height is common to both."""
    common = min(one[3], other[3]) - max(one[1], other[1])
    return common / min(one[3] - one[1], other[3] - other[1])


def _inside(point: tuple[float, float], box: BoxMm) -> bool:
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def _around(boxes: Sequence[BoxMm]) -> BoxMm:
    array = np.array(boxes)
    x0, y0 = array[:, :2].min(axis=0)
    x1, y1 = array[:, 2:].max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def dotted_leaders(sheet: BlankSheet) -> tuple[BoxMm, ...]:
    """Rows of printed dots on which people write: boxes of the dots, in mm."""
    scale = sheet.px_per_mm
    dark = cv2.threshold(sheet.grey, 140, 255, cv2.THRESH_BINARY_INV)[1]
    count, _, stats, centres = cv2.connectedComponentsWithStats(dark, connectivity=8)
    most = max(3.0, 1.3 * scale * max(1.0, sheet.page_mm[1] / 600))
    dots = sorted(
        (float(centres[k][0]) / scale, float(centres[k][1]) / scale)
        for k in range(1, count)
        if stats[k][2] <= most and stats[k][3] <= most and stats[k][4] >= 2
    )
    leaders: list[list[tuple[float, float]]] = []
    by_level: dict[int, list[list[tuple[float, float]]]] = {}
    for x, y in dots:
        level = round(y / 0.35)
        near = [
            one
            for k in (level - 1, level, level + 1)
            for one in by_level.get(k, ())
            if abs(one[-1][1] - y) < 0.35 and 0.3 < x - one[-1][0] < 4.0
        ]
        if near:
            near[0].append((x, y))
        else:
            leaders.append([(x, y)])
            by_level.setdefault(level, []).append(leaders[-1])
    found = []
    for one in leaders:
        if len(one) < 6:
            continue
        steps = np.diff([x for x, _ in one])
        if np.median(np.abs(steps - np.median(steps))) > 0.15 * np.median(steps):
            continue
        y = float(np.mean([y for _, y in one]))
        found.append(
            (round(one[0][0], 2), round(y - 0.3, 2), round(one[-1][0], 2), round(y + 0.3, 2))
        )
    return tuple(found)
