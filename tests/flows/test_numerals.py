"""Candidates' numbers, which stand alone in their cells, on a blank that is a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from flows.newform import numerals
from flows.newform.numerals import lone_numerals
from flows.newform.prints import BlankSheet, TextLine
from models.forms.template import BoxMm

PX_PER_MM = 8.0
CELLS: list[BoxMm] = [(10.0, 10.0 + 14 * row, 20.0, 24.0 + 14 * row) for row in range(5)]


def sheet(texts: Sequence[str]) -> BlankSheet:
    """A column of cells with a text in the middle of each."""
    page = Image.new("L", (round(100 * PX_PER_MM), round(100 * PX_PER_MM)), 250)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=4.5 * PX_PER_MM)
    for text, (x0, y0, x1, y1) in zip(texts, CELLS, strict=True):
        draw.rectangle([x0 * PX_PER_MM, y0 * PX_PER_MM, x1 * PX_PER_MM, y1 * PX_PER_MM], outline=0)
        middle = (x0 + x1) / 2 * PX_PER_MM, (y0 + y1) / 2 * PX_PER_MM
        draw.text(middle, text, fill=40, font=font, anchor="mm")
    return BlankSheet(page_mm=(100.0, 100.0), px_per_mm=PX_PER_MM, grey=np.asarray(page))


def test_numerals_are_read_where_they_stand() -> None:
    found = lone_numerals(sheet(["1", "2", "3", "12", ""]), CELLS, ())
    assert [line.text for line in found] == ["1", "2", "3", "12"]
    for line, cell in zip(found, CELLS, strict=False):
        assert cell[0] < line.box[0] < line.box[2] < cell[2]
        assert cell[1] < line.box[1] < line.box[3] < cell[3]


def test_cells_with_text_are_left_alone() -> None:
    there = TextLine("1", (14.0, 15.0, 16.0, 19.0))
    found = lone_numerals(sheet(["1", "2", "abc", "", "10%"]), CELLS, (there,))
    assert [line.text for line in found] == ["2"]


@pytest.mark.parametrize(
    ("read", "found"),
    [
        ([None, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        ([7, None, 9, 10, 1], [7, 8, 9, 10, 1]),
        ([1, None, 5, None, None], [1, 5]),  # nothing says that they count up
        ([2, 2, 2, 2, 2], [2, 2, 2, 2, 2]),
        ([None, 1, 2, 3, 4], [0, 1, 2, 3, 4]),
        ([None] * 5, []),
    ],
)
def test_a_column_that_counts_up_has_no_gaps(
    monkeypatch: pytest.MonkeyPatch, read: list[int | None], found: list[int]
) -> None:
    answers = iter(read)
    monkeypatch.setattr(numerals, "_read", lambda _sheet, _box: next(answers))
    seen = lone_numerals(sheet(["8"] * 5), CELLS, ())
    assert [int(line.text) for line in seen] == found


def test_a_cell_that_was_read_with_the_page_counts_as_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([None, 2, 4, 5])
    monkeypatch.setattr(numerals, "_read", lambda _sheet, _box: next(answers))
    third = TextLine("3", (14.0, 43.0, 16.0, 47.0))
    seen = lone_numerals(sheet(["8"] * 5), CELLS, (third,))
    assert [int(line.text) for line in seen] == [1, 2, 4, 5]


def test_an_empty_cell_counts_as_a_row_and_gets_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([None, 2, 4, 5])
    monkeypatch.setattr(numerals, "_read", lambda _sheet, _box: next(answers))
    seen = lone_numerals(sheet(["8", "8", "", "8", "8"]), CELLS, ())
    assert [int(line.text) for line in seen] == [1, 2, 4, 5]
