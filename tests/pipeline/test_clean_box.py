"""A cleaned box holds the ink, in the middle, and nothing of the print."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

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


def _extent(crop: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the ink."""
    rows, columns = np.nonzero(_inside(crop) < 100)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_an_empty_box_among_others_is_white() -> None:
    sheet = _sheet()
    cv2.putText(sheet, "8", (165, 140), cv2.FONT_HERSHEY_SIMPLEX, 2, 20, 5)
    assert _inside(clean_box(sheet, WARP, BOX)).min() == 255


def test_a_corner_of_a_slanting_frame_goes() -> None:
    sheet = np.full((240, 240), 255, np.uint8)
    cv2.polylines(sheet, [np.array([[85, 112], [86, 85], [112, 86]], np.int32)], False, 20, 3)
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
    left, top, right, bottom = _extent(clean_box(sheet, WARP, (20.0, 0.0, 40.0, 60.0)))
    assert bottom - top > 15
    assert abs((bottom - top) - (right - left)) <= 2


@pytest.mark.parametrize("at", [(100, 100), (140, 140), (98, 138)])
def test_small_writing_is_enlarged_in_the_middle(at: tuple[int, int]) -> None:
    sheet = _sheet()
    cv2.circle(sheet, at, 8, 20, 3)
    left, top, right, bottom = _extent(clean_box(sheet, WARP, BOX))
    assert right - left >= 12  # 9 px as it was written
    assert abs((left + right) / 2 - 17.5) <= 1
    assert abs((top + bottom) / 2 - 17.5) <= 1


def test_large_writing_keeps_its_size() -> None:
    sheet = _sheet()
    cv2.line(sheet, (90, 90), (150, 150), 20, 4)
    left, top, right, bottom = _extent(clean_box(sheet, WARP, BOX))
    assert 29 <= right - left <= 33
    assert 29 <= bottom - top <= 33
