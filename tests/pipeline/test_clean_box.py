"""A cleaned box holds the ink and nothing of the print."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.clean_box import clean_box
from pipeline.warp import PageWarp

SCALE = 4.0
WARP = PageWarp(np.array([[SCALE, 0, -0.5], [0, SCALE, -0.5], [0, 0, 1.0]]), (60.0, 60.0))
BOX = (20.0, 20.0, 40.0, 40.0)


def _sheet(paper: int = 255) -> np.ndarray:
    """A table of joined boxes of 20 mm."""
    sheet = np.full((240, 240), paper, np.uint8)
    for at in (0, 80, 160):
        cv2.line(sheet, (at, 0), (at, 239), 30, 3)
        cv2.line(sheet, (0, at), (239, at), 30, 3)
    return sheet


def _inside(crop: np.ndarray) -> np.ndarray:
    return crop[6:-6, 6:-6]


def test_an_empty_box_among_others_is_white() -> None:
    sheet = _sheet()
    cv2.putText(sheet, "8", (165, 140), cv2.FONT_HERSHEY_SIMPLEX, 2, 20, 5)
    assert _inside(clean_box(sheet, WARP, BOX)).min() == 255


def test_a_watermark_goes_and_the_ink_stays() -> None:
    sheet = _sheet()
    sheet[90:150, 90:150] = 225
    cv2.line(sheet, (100, 95), (140, 145), 40, 5)
    crop = _inside(clean_box(sheet, WARP, BOX))
    assert set(np.unique(crop[:, :4])) == {255}
    assert (crop < 100).sum() > 40


def test_a_tall_box_is_cut_where_the_ink_is() -> None:
    sheet = np.full((240, 240), 255, np.uint8)
    cv2.circle(sheet, (120, 190), 22, 20, 5)
    crop = clean_box(sheet, WARP, (20.0, 0.0, 40.0, 60.0))
    rows, columns = np.nonzero(_inside(crop) < 100)
    assert rows.max() - rows.min() > 15
    assert abs((rows.max() - rows.min()) - (columns.max() - columns.min())) <= 2
