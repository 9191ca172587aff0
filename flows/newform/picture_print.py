"""Strokes, squares and rings from a picture of a blank sheet; and the cells that strokes close."""

from __future__ import annotations

import cv2
import numpy as np

from flows.newform.prints import BlankSheet, Circle, Grey, Ink, PrintedLine
from models.forms.template import BoxMm

SHORTEST_MM = 3.0
"""Least length of a stroke: a digit box is taller."""
WIDEST_MM = 2.0
GREY_FROM = 140
CLOSED = 0.97
"""Share of its bounding box that a closed cell fills."""
LEAST_CELL_MM = 2.5
SNAP_MM = 1.2
"""From the inside of a cell to the middle of the stroke beside it."""


def ink_of(sheet: BlankSheet) -> Grey:
    """255 where something is printed, black or grey, else 0; (high, wide) uint8."""
    block = 2 * round(4 * sheet.px_per_mm) + 1
    local = cv2.adaptiveThreshold(
        sheet.grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, 14
    )
    solid = cv2.threshold(sheet.grey, 90, 255, cv2.THRESH_BINARY_INV)[1]
    return np.asarray(cv2.bitwise_or(local, solid), np.uint8)


def lines_in(sheet: BlankSheet, ink: Grey) -> tuple[PrintedLine, ...]:
    """Level and upright strokes of at least ``SHORTEST_MM``."""
    found: list[PrintedLine] = []
    reach = max(3, round(SHORTEST_MM * sheet.px_per_mm))
    bridge = max(1, round(0.25 * sheet.px_per_mm))
    for level in (True, False):
        kernel = np.ones((1, bridge) if level else (bridge, 1), np.uint8)
        closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, kernel)
        kernel = np.ones((1, reach) if level else (reach, 1), np.uint8)
        mask = np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel), np.uint8)
        found += _strokes(sheet, mask, level=level)
    return tuple(found)


def _strokes(sheet: BlankSheet, mask: Grey, *, level: bool) -> list[PrintedLine]:
    scale = sheet.px_per_mm
    thickest = WIDEST_MM * scale
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    strokes = []
    for label in range(1, count):
        x, y, wide, high, area = (int(value) for value in stats[label])
        long, thick = (wide, high) if level else (high, wide)
        if thick > thickest or long < SHORTEST_MM * scale or area / long > thickest:
            continue
        part = labels[y : y + high, x : x + wide] == label
        profile = part.sum(axis=1 if level else 0).astype(np.float64)
        # By the darkness of the pixels, so that a place between two pixels is found.
        dark = 255.0 - sheet.grey[y : y + high, x : x + wide].astype(np.float64)
        weight = np.where(part, dark, 0.0).sum(axis=1 if level else 0)
        middle = float((weight * (np.arange(thick) + 0.5)).sum() / max(weight.sum(), 1e-6))
        width = float(profile.sum() / long) / scale
        shade = float(np.median(sheet.grey[y : y + high, x : x + wide][part]))
        darkest: Ink = "grey" if shade >= GREY_FROM else "black"
        if level:
            at = (y + middle) / scale
            line = (x / scale, at, (x + wide) / scale, at)
        else:
            at = (x + middle) / scale
            line = (at, y / scale, at, (y + high) / scale)
        rounded = tuple(round(value, 2) for value in line)
        strokes.append(
            PrintedLine((rounded[0], rounded[1], rounded[2], rounded[3]), round(width, 2), darkest)
        )
    return strokes


def squares_in(sheet: BlankSheet) -> tuple[BoxMm, ...]:
    """Solid black squares of 2 to 20 mm, also those that touch at a corner."""
    scale = sheet.px_per_mm
    dark = cv2.threshold(sheet.grey, 100, 255, cv2.THRESH_BINARY_INV)[1]
    # What is left of a square after this is a smaller square, and corners no longer touch.
    core = 2 * round(0.6 * scale) + 1
    solid = cv2.erode(dark, np.ones((core, core), np.uint8), borderValue=0)
    count, _, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    lost = (core - 1) / 2 / scale
    squares: list[BoxMm] = []
    for label in range(1, count):
        x, y, wide, high, area = (int(value) for value in stats[label])
        side = (wide + high) / 2 / scale + 2 * lost
        if 2 <= side <= 20 and abs(wide - high) < 0.08 * wide + 2 and area > 0.94 * wide * high:
            left, top = x / scale - lost, y / scale - lost
            right, bottom = (x + wide) / scale + lost, (y + high) / scale + lost
            squares.append((round(left, 2), round(top, 2), round(right, 2), round(bottom, 2)))
    return tuple(squares)


def circles_in(sheet: BlankSheet, ink: Grey) -> tuple[Circle, ...]:
    """Printed rings of 2.5 to 14 mm."""
    scale = sheet.px_per_mm
    outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    inner, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    found: list[Circle] = []
    for outline in (*outlines, *inner):
        x, y, wide, high = cv2.boundingRect(outline)
        if not 2.5 * scale <= wide <= 14 * scale or abs(wide - high) > 0.12 * wide + 1:
            continue
        area, round_ = cv2.contourArea(outline), cv2.arcLength(outline, closed=True)
        if area < 0.72 * wide * high or 4 * np.pi * area < 0.8 * round_**2:
            continue
        (cx, cy), radius = cv2.minEnclosingCircle(outline)
        if area < 0.85 * np.pi * radius**2:
            continue
        found.append(
            Circle(
                round((x + wide / 2) / scale, 2),
                round((y + high / 2) / scale, 2),
                round((wide + high) / 2 / scale - 0.3, 2),
            )
        )
        del cx, cy
    kept: list[Circle] = []
    for one in sorted(found, key=lambda circle: -circle.diameter):
        if all(np.hypot(one.x - two.x, one.y - two.y) > 0.4 * two.diameter for two in kept):
            kept.append(one)
    return tuple(kept)


def cells_in(page_mm: tuple[float, float], lines: tuple[PrintedLine, ...]) -> tuple[BoxMm, ...]:
    """Areas that strokes close in on four sides, along the middle of those strokes, in mm.

    Dashed strokes close nothing.
    """
    scale = min(8.0, 5400 / max(page_mm))
    wide, high = (round(side * scale) for side in page_mm)
    mask = np.full((high, wide), 255, np.uint8)
    level, upright = [], []
    for one in lines:
        if one.ink == "dashed":
            continue
        x0, y0, x1, y1 = one.line
        half = max(one.width / 2, 0.6 / scale)
        # Strokes that stop a little short of each other still meet.
        reach = half + 0.25
        if one.is_level:
            level.append(one)
            ends = (x0 - reach, y0 - half, x1 + reach, y1 + half)
        else:
            upright.append(one)
            ends = (x0 - half, y0 - reach, x1 + half, y1 + reach)
        left, top, right, bottom = (max(0, round(value * scale)) for value in ends)
        mask[top : max(bottom, top + 1), left : max(right, left + 1)] = 0
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    cells: list[BoxMm] = []
    for label in range(1, count):
        x, y, across, down, area = (int(value) for value in stats[label])
        if min(across, down) < LEAST_CELL_MM * scale or area < CLOSED * across * down:
            continue
        inner = (x / scale, y / scale, (x + across) / scale, (y + down) / scale)
        snapped = (
            _snap(inner[0], inner[1], inner[3], upright, 0, outward=-1),
            _snap(inner[1], inner[0], inner[2], level, 1, outward=-1),
            _snap(inner[2], inner[1], inner[3], upright, 0, outward=1),
            _snap(inner[3], inner[0], inner[2], level, 1, outward=1),
        )
        if None in snapped:
            continue  # the rim of the sheet
        x0, y0, x1, y1 = (value for value in snapped if value is not None)
        if x0 < x1 and y0 < y1:
            cells.append((x0, y0, x1, y1))
    return tuple(sorted(cells, key=lambda cell: (cell[1], cell[0])))


def _snap(
    at: float,
    start: float,
    end: float,
    strokes: list[PrintedLine],
    axis: int,
    *,
    outward: int,
) -> float | None:
    """Where the middle of the stroke beside a cell's edge lies."""
    best: tuple[float, float] | None = None
    for one in strokes:
        off = (one.line[axis] - at) * outward
        overlap = min(one.line[3 - axis], end) - max(one.line[1 - axis], start)
        if -0.3 <= off <= SNAP_MM + one.width / 2 and overlap > 0.4 * (end - start):
            far = abs(off - one.width / 2)
            if best is None or far < best[0]:
                best = (far, one.line[axis])
    return None if best is None else best[1]
