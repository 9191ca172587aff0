"""Printed things that can be found in a photo without knowing where the page is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Grey, Points


@dataclass(frozen=True, slots=True)
class FoundTag:
    """A square code seen in the photo."""

    id: int
    corners: Points
    """(4, 2) px, the code's own top left first, clockwise."""


@cache
def _tag_detector(family: str, ids: tuple[int, ...] | None) -> cv2.aruco.ArucoDetector:
    settings = cv2.aruco.DetectorParameters()
    settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    settings.cornerRefinementWinSize = 3
    settings.adaptiveThreshWinSizeMin = 7
    settings.adaptiveThreshWinSizeMax = 23
    settings.adaptiveThreshWinSizeStep = 16
    settings.minMarkerPerimeterRate = 0.03
    settings.maxMarkerPerimeterRate = 1.5
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, family))
    if ids is not None:
        # Comparing each square in the picture with 3 codes instead of 2,320 halves the time.
        dictionary.bytesList = dictionary.bytesList[list(ids)]
    return cv2.aruco.ArucoDetector(dictionary, settings)


def find_tags(grey: Grey, family: str, ids: tuple[int, ...] | None = None) -> list[FoundTag]:
    """Square codes of a family in the picture, largest first: those of ``ids``, or all."""
    corners, found_ids, _ = _tag_detector(family, ids).detectMarkers(grey)
    if found_ids is None:
        return []
    numbers = [int(k) if ids is None else ids[int(k)] for k in np.ravel(found_ids)]
    found = [
        FoundTag(number, np.asarray(corner, np.float64).reshape(4, 2))
        for number, corner in zip(numbers, corners, strict=True)
    ]
    return sorted(found, key=lambda tag: -cv2.contourArea(tag.corners.astype(np.float32)))


def box_outlines(dark: NDArray[np.uint8], least_px: float, most_px: float) -> NDArray[np.float64]:
    """Outlines of printed boxes: (n, 4, 2) px, clockwise in the picture, from any corner.

    Args:
        dark: (h, w) ink map, see ``pipeline.ink``.
        least_px: Shortest side of a box.
        most_px: Longest side of a box.
    """
    _, mask = cv2.threshold(dark, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found: list[NDArray[np.float64]] = []
    for contour in contours:
        _, _, wide, high = cv2.boundingRect(contour)
        if max(wide, high) > 1.6 * most_px or min(wide, high) < 0.7 * least_px:
            continue
        hull = cv2.convexHull(contour)
        area = cv2.contourArea(hull)
        if area < least_px**2 * 0.5 or area < 0.8 * cv2.minAreaRect(hull)[1][0] * 1:
            continue
        corners = cv2.approxPolyDP(hull, 0.06 * cv2.arcLength(hull, closed=True), closed=True)
        if len(corners) != 4:
            continue
        box = corners.reshape(4, 2).astype(np.float64)
        sides = np.linalg.norm(box - np.roll(box, -1, axis=0), axis=1)
        if sides.max() > most_px or sides.min() < least_px or sides.max() > 1.8 * sides.min():
            continue
        if cv2.contourArea(box.astype(np.float32)) < 0.85 * area:
            continue
        found.append(box)
    return _without_doubles(found)


def _without_doubles(boxes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """A frame has an inner and an outer outline: keep their mean where both were found."""
    kept: list[list[NDArray[np.float64]]] = []
    centres: list[NDArray[np.float64]] = []
    for box in boxes:
        centre = box.mean(axis=0)
        side = float(np.sqrt(cv2.contourArea(box.astype(np.float32))))
        for group, other in zip(kept, centres, strict=True):
            if np.hypot(*(centre - other)) < 0.2 * side:
                # approxPolyDP starts anywhere: turn to the same corner first.
                turns = [np.roll(box, turn, axis=0) for turn in range(4)]
                near = min(turns, key=lambda turned: float(np.abs(turned - group[0]).sum()))
                group.append(near)
                break
        else:
            kept.append([box])
            centres.append(centre)
    if not kept:
        return np.zeros((0, 4, 2))
    return np.stack([np.mean(group, axis=0) for group in kept])
