"""A grid's own lines say where its cells are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.pages import field_page
from models.forms.template import Grid, load_form
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.ruled import settled

FORM = load_form("c-hasil-ppwp-2024")


def tally_of(name: str) -> Grid:
    grid = FORM.page(2).field(name).tally
    assert grid is not None
    return grid


def off_by_itself(index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far down, mm, the cells of a drawn photo lie from where they are put: before, after."""
    page = field_page(index, 77, page=2)
    placed = place_page(open_photos(page.content, "drawn")[0], [FORM])
    before: list[NDArray[np.float64]] = []
    after: list[NDArray[np.float64]] = []
    for field in placed.page.fields:
        if field.tally is None:
            continue
        boxes = [field.tally.cell(row, column) for row in range(5) for column in range(12)]
        middles = np.array([((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in boxes])
        truth = page.page_to_photo(middles)
        down = np.tile(settled(placed.photo.grey, placed.warp, field.tally), 5)
        for points, found in (
            (middles, before),
            (middles + np.stack([0 * down, down], axis=1), after),
        ):
            there = (placed.warp.to_px(points) + 0.5) * placed.photo.reduction - 0.5
            found.append(np.hypot(*(there - truth).T) / placed.placement.px_per_mm)
    return np.concatenate(before), np.concatenate(after)


@pytest.mark.parametrize("index", [0, 11, 15])
def test_cells_of_bent_sheets_are_found(index: int) -> None:
    before, after = off_by_itself(index)
    assert np.quantile(before, 0.95) > 2.0
    assert np.quantile(after, 0.95) < 2.2
    assert after.mean() < 0.75 * before.mean()


def test_a_flat_sheet_stays_as_it_is() -> None:
    before, after = off_by_itself(9)
    assert before.max() < 0.5
    assert after.max() < 0.8


def test_nothing_is_moved_where_no_lines_show() -> None:
    page = field_page(9, 77, page=2)
    placed = place_page(open_photos(page.content, "drawn")[0], [FORM])
    noise = np.random.default_rng(0).integers(180, 200, placed.photo.grey.shape).astype(np.uint8)
    for grey in (np.full_like(placed.photo.grey, 200), noise):
        assert (settled(grey, placed.warp, tally_of("suara_paslon_1")) == 0).all()
