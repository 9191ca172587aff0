"""Printed marks that say which page it is and where its corners are: square codes and fiducials."""

from __future__ import annotations

import math
from itertools import combinations

import cv2
import numpy as np

from flows.newform.prints import BlankSheet
from models.forms.template import BoxMm, Fiducial, Tag

FAMILIES = (
    "DICT_APRILTAG_36h10",
    "DICT_APRILTAG_36h11",
    "DICT_APRILTAG_25h9",
    "DICT_APRILTAG_16h5",
    "DICT_4X4_50",
    "DICT_5X5_50",
    "DICT_6X6_50",
)
"""Families that are looked for, the one of C.HASIL 2024 first."""

LOOK_PX_PER_MM = 4.0
TOUCHING_MM = 0.8
CORNER_SHARE = 0.2
"""Corner marks stand in this share of the sheet's width and height, seen from its corners."""


def find_tag(sheet: BlankSheet) -> tuple[str, Tag] | None:
    """The family and the place of the page's square code; the largest where there are several."""
    scale = min(LOOK_PX_PER_MM, sheet.px_per_mm)
    size = (round(sheet.page_mm[0] * scale), round(sheet.page_mm[1] * scale))
    grey = cv2.resize(sheet.grey, size, interpolation=cv2.INTER_AREA)
    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    settings.minMarkerPerimeterRate = 0.02
    for family in FAMILIES:
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, family))
        corners, ids, _ = cv2.aruco.ArucoDetector(dictionary, settings).detectMarkers(grey)
        if ids is None:
            continue
        largest = max(range(len(ids)), key=lambda k: cv2.contourArea(corners[k]))
        points = (np.asarray(corners[largest], np.float64).reshape(4, 2) + 0.5) / scale
        x0, y0 = points.min(axis=0)
        x1, y1 = points.max(axis=0)
        own_top_left = points[0] - points.mean(axis=0)
        turns = {(-1, -1): 0, (1, -1): 1, (1, 1): 2, (-1, 1): 3}[
            (1 if own_top_left[0] > 0 else -1, 1 if own_top_left[1] > 0 else -1)
        ]
        box = (round(float(x0), 2), round(float(y0), 2), round(float(x1), 2), round(float(y1), 2))
        return family, Tag(id=int(np.ravel(ids)[largest]), box=box, quarter_turns=turns)
    return None


def find_fiducials(
    squares: tuple[BoxMm, ...], page_mm: tuple[float, float]
) -> tuple[Fiducial, ...]:
    """Pairs of black squares that touch at a corner, at most one in each corner of the sheet."""
    wide, high = page_mm
    places = {"TL": (0.0, 0.0), "TR": (wide, 0.0), "BL": (0.0, high), "BR": (wide, high)}
    found: dict[str, tuple[float, Fiducial]] = {}
    for one, other in combinations(sorted(squares, key=lambda box: box[1]), 2):
        centre = _touch(one, other)
        if centre is None:
            continue
        for name, corner in places.items():
            dx, dy = abs(centre[0] - corner[0]), abs(centre[1] - corner[1])
            if dx > CORNER_SHARE * wide or dy > CORNER_SHARE * high:
                continue
            far = math.hypot(dx, dy)
            if name not in found or far < found[name][0]:
                mark = Fiducial.model_validate(
                    {"name": name, "centre": centre, "squares": (one, other)}
                )
                found[name] = (far, mark)
    return tuple(found[name][1] for name in places if name in found)


def _touch(upper: BoxMm, lower: BoxMm) -> tuple[float, float] | None:
    """Where the lower corners of one square meet the upper corners of the other."""
    sides = [upper[2] - upper[0], lower[2] - lower[0]]
    if abs(sides[0] - sides[1]) > 0.15 * max(sides) or abs(upper[3] - lower[1]) > TOUCHING_MM:
        return None
    y = (upper[3] + lower[1]) / 2
    for right, left in ((upper[2], lower[0]), (upper[0], lower[2])):
        if abs(right - left) <= TOUCHING_MM:
            return round((right + left) / 2, 2), round(y, 2)
    return None
