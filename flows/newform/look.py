"""Everything printed on a blank sheet, from its vectors where it has them, else from its pixels."""

from __future__ import annotations

from dataclasses import replace

from flows.newform.numerals import lone_numerals
from flows.newform.picture_print import cells_in, circles_in, ink_of, lines_in, squares_in
from flows.newform.prints import BlankSheet, Print
from flows.newform.reading_print import read_texts, with_weight

FEWEST_VECTORS = 4
"""A drawn page with fewer strokes than this is looked at as a picture."""


def look_at(sheet: BlankSheet) -> Print:
    """Find strokes, squares, rings, cells and text.

    Raises:
        RecogniserError: the text has to be read and there is no Tesseract.

    """
    ink = ink_of(sheet)
    lines = sheet.lines
    if lines is None or len(lines) < FEWEST_VECTORS:
        lines = lines_in(sheet, ink)
        sheet = replace(sheet, circles=None)
    circles = sheet.circles if sheet.circles is not None else circles_in(sheet, ink)
    cells = cells_in(sheet.page_mm, lines)
    if sheet.texts is None:
        texts = read_texts(sheet, lines)
        texts += lone_numerals(sheet, cells, texts)
    else:
        texts = tuple(with_weight(line, sheet.grey, sheet.px_per_mm) for line in sheet.texts)
    return Print(
        sheet=sheet,
        lines=lines,
        circles=circles,
        squares=squares_in(sheet),
        texts=texts,
        cells=cells,
    )
