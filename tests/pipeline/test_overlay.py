"""The overlay, against pictures that a person has looked at.

After a wanted change: ``CHASIL_NEW_GOLDEN=1 pytest tests/pipeline/test_overlay.py``, and look at
what is in ``tests/golden`` before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fixtures.defects import BadInput, PageDefect, bad_input, page_defect
from fixtures.pages import field_page
from pipeline.intake import open_photos
from pipeline.overlay import draw_overlay
from pipeline.read import load_reader, read_photo

GOLDEN = Path(__file__).parents[1] / "golden"
WIDE_PX = 480


def contents(name: str) -> bytes:
    if name == "part-of-page-2":
        return page_defect(PageDefect.RIGHT_COLUMNS_ONLY, 1, page=2).content
    if name == "torn-code-page-3":
        return page_defect(PageDefect.TAG_TORN, 1, page=3).content
    return field_page(int(name[-1]) - 1, seed=31).content


@pytest.mark.parametrize(
    "name", ["page-1", "page-2", "page-3", "part-of-page-2", "torn-code-page-3"]
)
def test_overlays_look_as_they_did(name: str) -> None:
    (photo,) = open_photos(contents(name), f"{name}.jpg")
    overlay = draw_overlay(photo, read_photo(photo, load_reader()))
    high = round(overlay.shape[0] * WIDE_PX / overlay.shape[1])
    small = cv2.resize(overlay, (WIDE_PX, high), interpolation=cv2.INTER_AREA)
    path = GOLDEN / f"overlay-{name}.jpg"
    if os.environ.get("CHASIL_NEW_GOLDEN"):
        cv2.imwrite(str(path), small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    golden = cv2.imread(str(path))
    assert golden is not None
    assert golden.shape == small.shape
    # A box that moved by 1 mm or another status changes thousands of these pixels by over 60.
    changed = np.abs(golden.astype(int) - small.astype(int)).max(axis=2) > 60
    assert changed.mean() < 0.004


def test_a_rejected_photo_shows_why() -> None:
    (photo,) = open_photos(bad_input(BadInput.WALL, 1).content, "wall.jpg")
    overlay = draw_overlay(photo, read_photo(photo, load_reader()))
    assert overlay.shape[2] == 3
    assert not np.array_equal(overlay[:20], np.repeat(photo.grey[:20, :, None], 3, axis=2))
