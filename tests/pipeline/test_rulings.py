"""Pages without any mark are found by the pattern of their rulings."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.errors import PhotoError
from models.forms.draw import draw_page
from models.forms.template import load_form
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.states import OpenedPhoto

FORM = load_form("c1-ppwp-2019")
PX_PER_MM = 5.0


def _photo(pixels: np.ndarray) -> OpenedPhoto:
    _, content = cv2.imencode(".png", pixels)
    return open_photos(content.tobytes(), "drawn")[0]


@pytest.mark.parametrize(("number", "quarter_turns"), [(1, 0), (1, 2), (2, 1), (2, 3)])
def test_a_blank_sheet_is_found_however_it_lies(number: int, quarter_turns: int) -> None:
    drawn = draw_page(FORM, FORM.page(number), PX_PER_MM)
    placed = place_page(_photo(np.rot90(drawn, -quarter_turns)), [FORM])
    assert placed.page.number == number
    assert placed.placement.method == "rulings"
    turned = (placed.placement.rotation_degrees - 90 * quarter_turns + 180) % 360 - 180
    assert abs(turned) < 1
    assert placed.placement.error_mm < 0.1
    assert placed.placement.px_per_mm == pytest.approx(PX_PER_MM, rel=0.01)


def test_a_tilted_sheet_is_placed_to_the_mm() -> None:
    drawn = draw_page(FORM, FORM.page(1), PX_PER_MM)
    high, wide = drawn.shape
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    there = corners * 0.85 + np.array([[70, 60], [20, 110], [60, 30], [95, 90]], np.float32)
    lens = cv2.getPerspectiveTransform(corners, there)
    photo = _photo(cv2.warpPerspective(drawn, lens, (wide, high), borderValue=120))
    placed = place_page(photo, [FORM])
    boxes = np.array([f.boxes[0][:2] for f in FORM.page(1).fields])
    seen = placed.warp.to_px(boxes * placed.form.enlargement)
    true = cv2.perspectiveTransform((boxes * PX_PER_MM - 0.5).reshape(-1, 1, 2), lens)[:, 0]
    assert np.hypot(*(seen - true).T).max() < 0.5 * PX_PER_MM


def test_a_mirror_image_is_no_page() -> None:
    drawn = draw_page(FORM, FORM.page(1), PX_PER_MM)
    with pytest.raises(PhotoError):
        place_page(_photo(drawn[:, ::-1]), [FORM])


def test_bare_table_lines_one_box_aside_are_not_taken_for_the_page() -> None:
    """The sheet's right third alone, whose columns look alike: it may not be placed wrongly."""
    drawn = draw_page(FORM, FORM.page(1), PX_PER_MM)
    part = drawn[:, round(0.62 * drawn.shape[1]) :]
    try:
        placed = place_page(_photo(part), [FORM])
    except PhotoError:
        return
    x = placed.warp.to_px(np.array([[FORM.page_mm[0] * placed.form.enlargement, 0.0]]))[0, 0]
    assert x == pytest.approx(part.shape[1], abs=2 * PX_PER_MM)
