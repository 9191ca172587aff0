"""Small forms are read as large as a wall sheet; large ones as they are."""

from __future__ import annotations

import numpy as np
import pytest

from models.forms.draw import draw_page
from models.forms.enlarge import WALL_BOX_MM, at_wall_size
from models.forms.template import installed_forms, load_form


def test_a_wall_sheet_stays_as_it_is() -> None:
    form = load_form("c-hasil-ppwp-2024")
    assert at_wall_size(form) is form


@pytest.mark.parametrize("name", [n for n in installed_forms() if n != "c-hasil-ppwp-2024"])
def test_a_small_form_is_the_same_drawing_at_another_scale(name: str) -> None:
    form = load_form(name)
    large = at_wall_size(form)
    assert large.id == form.id
    assert large.digest == form.digest
    assert large.enlargement > 1
    sides = [min(x1 - x0, y1 - y0) for f in large.pages[0].fields for x0, y0, x1, y1 in f.boxes]
    assert np.median(sides) == pytest.approx(WALL_BOX_MM, rel=0.35)
    there = draw_page(form, form.pages[0], 2.0 * large.enlargement)
    here = draw_page(large, large.pages[0], 2.0)
    assert here.shape == there.shape
    # The dots of guides have one size on any form, so that they may differ.
    assert np.abs(here.astype(int) - there).mean() < 1.5


def test_enlarging_twice_changes_nothing() -> None:
    large = at_wall_size(load_form("c1-ppwp-2019"))
    assert at_wall_size(large) is large
