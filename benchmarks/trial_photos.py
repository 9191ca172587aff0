"""The filled photos of the 2022 trial forms, cut for ``benchmarks.tally``.

These forms are not installed: where their grids lie is measured here, and only to judge the
recognisers on more hands. The photo of the presidential form is laid on its blank page by the
features both show, then each grid by its own picture; the other photo is a flat scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from pipeline.arrays import Array, Grey
from pipeline.cells import FINE_PX, GRID_MARGIN
from pipeline.states import GridCut
from pipeline.straighten import corners_of, full_size, straighten_cells

FOLDER = Path("photos/c-digital")
CROP_PX = 48

PPWP_PHOTO, PPWP_BLANK = "pwp_sample_01.jpg", "c.hasil_pwp_3.png"
DPR_PHOTO = "dpr10_sample_01.jpeg"

_PPWP_TOPS = {
    "suara_sah_1": 444.0,
    "suara_sah_2": 767.5,
    "suara_sah_3": 1090.0,
    "suara_tidak_sah": 1740.0,
}
"""Upper edge of each grid in px of the blank page; all are 200 high."""
_PPWP_TALLY, _PPWP_TOTALS = (519.5, 1271.5), (1305.5, 1385.5)
"""Left and right of tally and row totals in px of the blank page."""

_DPR_ROWS = (285.5, 364.0, 443.0, 522.0, 600.5, 678.5, 756.5, 835.0, 913.5, 993.5, 1072.5)
_DPR_TALLY, _DPR_TOTALS = (230.0, 588.7), (595.5, 634.5)
"""Rulings in px of the scan."""

Box = tuple[float, float, float, float]
Grids = dict[str, tuple[Box, Box]]
"""Field to the frames of its tally and of its row totals, px."""


@dataclass(frozen=True)
class TrialPhoto:
    """One filled photo with its grids."""

    name: str
    grey: Grey
    tally: dict[str, GridCut]
    row_totals: dict[str, GridCut]


def trial_photos(shared: Path) -> list[TrialPhoto]:
    """Both photos, cut as ``pipeline.cells`` cuts the form of 2024."""
    folder = shared / FOLDER
    photo, blank = read_grey(folder / PPWP_PHOTO), read_grey(folder / PPWP_BLANK)
    flat, to_photo = lay_on_blank(photo, blank)
    ppwp: Grids = {
        field: (
            (_PPWP_TALLY[0], top, _PPWP_TALLY[1], top + 200),
            (_PPWP_TOTALS[0], top, _PPWP_TOTALS[1], top + 200),
        )
        for field, top in _PPWP_TOPS.items()
    }
    local = {
        field: _settled(flat, blank, (tally[0], tally[1], totals[2], totals[3]))
        for field, (tally, totals) in ppwp.items()
    }
    scan = read_grey(folder / DPR_PHOTO)
    names = ["partai", *(f"calon{number}" for number in range(1, 11))]
    bands = [(195.7, 273.8), *pairwise(_DPR_ROWS)]
    dpr: Grids = {
        name: (
            (_DPR_TALLY[0], top, _DPR_TALLY[1], foot),
            (_DPR_TOTALS[0], top, _DPR_TOTALS[1], foot),
        )
        for name, (top, foot) in zip(names, bands, strict=True)
    }
    unmoved = {name: np.eye(3) for name in names}
    return [
        _cut(PPWP_PHOTO, photo, ppwp, {name: to_photo @ step for name, step in local.items()}),
        _cut(DPR_PHOTO, scan, dpr, unmoved),
    ]


def read_grey(path: Path) -> Grey:
    """A picture in grey, full size; raises ``OSError`` where it can't be read."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise OSError(f"{path.name} can't be read")
    return np.asarray(picture, np.uint8)


def _cut(name: str, grey: Grey, grids: Grids, to_photo: dict[str, Array]) -> TrialPhoto:
    return TrialPhoto(
        name,
        grey,
        {field: _grid(grey, tally, 12, to_photo[field]) for field, (tally, _) in grids.items()},
        {field: _grid(grey, totals, 2, to_photo[field]) for field, (_, totals) in grids.items()},
    )


def _grid(grey: Grey, frame: Box, columns: int, to_photo: Array, rows: int = 5) -> GridCut:
    x0, y0, x1, y1 = frame
    wide, high = (x1 - x0) / columns, (y1 - y0) / rows
    boxes = [
        (
            x0 + (column - GRID_MARGIN) * wide,
            y0 + (row - GRID_MARGIN) * high,
            x0 + (column + 1 + GRID_MARGIN) * wide,
            y0 + (row + 1 + GRID_MARGIN) * high,
        )
        for row in range(rows)
        for column in range(columns)
    ]
    points = corners_of(boxes).reshape(-1, 1, 2)
    there = cv2.perspectiveTransform(points, to_photo).reshape(-1, 4, 2)
    outlines = np.asarray(there, np.float64)
    pictures = straighten_cells(grey, outlines, FINE_PX, CROP_PX)
    return GridCut(
        pictures=pictures.reshape(rows, columns, CROP_PX, CROP_PX),
        outlines=full_size(outlines, 1).reshape(rows, columns, 4, 2),
    )


def lay_on_blank(photo: Grey, blank: Grey) -> tuple[Grey, Array]:
    """The photo laid on the blank page, and the homography from the blank to the photo."""
    finder = cv2.SIFT.create(6000)
    there, described = finder.detectAndCompute(blank, None)
    seen, seen_described = finder.detectAndCompute(photo, None)
    pairs = cv2.BFMatcher().knnMatch(described, seen_described, k=2)
    good = [near for near, far in pairs if near.distance < 0.75 * far.distance]
    source = np.array([there[match.queryIdx].pt for match in good])
    target = np.array([seen[match.trainIdx].pt for match in good])
    found, _ = cv2.findHomography(source, target, cv2.RANSAC, 6.0)
    if found is None:
        raise ValueError("the photo does not lie on its blank page")
    size = (blank.shape[1], blank.shape[0])
    flat = cv2.warpPerspective(photo, found, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(flat, np.uint8), np.asarray(found, np.float64)


def _settled(flat: Grey, blank: Grey, frame: Box, around: int = 60) -> Array:
    """What moves a grid of the blank page onto the flattened photo: the paper is not quite flat."""
    x0, y0 = round(frame[0]) - around, round(frame[1]) - around
    x1, y1 = round(frame[2]) + around, round(frame[3]) + around
    one = cv2.GaussianBlur(blank[y0:y1, x0:x1], (0, 0), 2.5)
    other = cv2.GaussianBlur(flat[y0:y1, x0:x1], (0, 0), 2.5)
    start = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-6)
    _, moved = cv2.findTransformECC(one, other, start, cv2.MOTION_AFFINE, stop)
    shift = np.array([[1.0, 0, x0], [0, 1, y0], [0, 0, 1]])
    affine = np.vstack([np.asarray(moved, np.float64), [0, 0, 1]])
    return np.asarray(shift @ affine @ np.linalg.inv(shift))


def drawn_over(photo: TrialPhoto) -> Array:
    """The photo with the outlines that were cut, BGR, to look whether they lie right."""
    picture = cv2.cvtColor(photo.grey, cv2.COLOR_GRAY2BGR)
    for cuts, colour in ((photo.tally, (0, 160, 0)), (photo.row_totals, (200, 0, 200))):
        for cut in cuts.values():
            outlines = np.round(cut.outlines.reshape(-1, 4, 2)).astype(np.int32)
            cv2.polylines(picture, list(outlines), True, colour, 1)
    return np.asarray(picture)
