"""How well a page's lines are seen where it lies, and whether it lies some boxes further on."""

from __future__ import annotations

import numpy as np
import pytest

from models.forms.draw import draw_page
from models.forms.enlarge import at_wall_size
from models.forms.template import load_form
from pipeline.arrays import Grey
from pipeline.ink import ink
from pipeline.shifted import Shift, shift_of
from pipeline.warp import PageWarp

FORM = at_wall_size(load_form("netgrit-2022-dpr-8"))
PX_PER_MM = 4.0
"""Of the sheet as it is printed."""


def shift_on(dark: Grey, moved_mm: tuple[float, float] = (0.0, 0.0)) -> Shift:
    """The page laid on its own drawing, or so far beside it."""
    scale = PX_PER_MM / FORM.enlargement
    x, y = moved_mm
    homography = np.array([[scale, 0, scale * x - 0.5], [0, scale, scale * y - 0.5], [0, 0, 1]])
    return shift_of(FORM, FORM.page(1), PageWarp(homography, FORM.page_mm), dark)


@pytest.fixture(scope="module")
def dark() -> Grey:
    drawn = draw_page(load_form(FORM.id), load_form(FORM.id).page(1), PX_PER_MM)
    return ink(drawn, 15)


def test_a_page_in_its_place_is_seen_whole(dark: Grey) -> None:
    shift = shift_on(dark)
    assert shift.seen > 0.8
    assert shift.in_view == 1.0
    assert not shift.doubtful


@pytest.mark.parametrize("moved_mm", [(30.0, 0.0), (0.0, -30.0), (-20.0, 20.0), (75.0, -60.0)])
def test_a_page_that_lies_beside_its_place_is_told_where_it_is(
    dark: Grey, moved_mm: tuple[float, float]
) -> None:
    shift = shift_on(dark, moved_mm)
    assert shift.doubtful
    assert shift.rival > 0.8
    assert np.add(shift.moved_mm, moved_mm) == pytest.approx((0.0, 0.0), abs=2.5)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.8])
@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_of_a_part_as_much_is_seen_as_is_in_view(dark: Grey, share: float, side: str) -> None:
    high, wide = dark.shape
    tall, broad = round(share * high), round(share * wide)
    cut, off_px = {
        "top": (dark[:tall], (0, 0)),
        "bottom": (dark[high - tall :], (0, tall - high)),
        "left": (dark[:, :broad], (0, 0)),
        "right": (dark[:, wide - broad :], (broad - wide, 0)),
    }[side]
    moved = off_px[0] / PX_PER_MM * FORM.enlargement, off_px[1] / PX_PER_MM * FORM.enlargement
    shift = shift_on(np.ascontiguousarray(cut), moved)
    assert 0.1 < shift.in_view < 0.95
    assert shift.seen / shift.in_view == pytest.approx(shift_on(dark).seen, abs=0.12)
