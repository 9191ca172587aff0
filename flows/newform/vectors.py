"""Exact print from a PDF's vectors: strokes, rings, and letters where it has any."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as pdf

from flows.newform.prints import Circle, Ink, PrintedLine, TextLine

MM_A_POINT = 25.4 / 72
LEAST_MM = 1.5
"""Shorter strokes are parts of letters or dots."""
STRAIGHT_MM = 0.05
WIDEST_MM = 2.0
"""A filled bar that is thicker is an area, not a stroke."""
GREY_FROM = 140
"""Ink lighter than this is grey."""

Point = tuple[float, float]
Matrix = tuple[float, float, float, float, float, float]


def shapes_of(page: pdfium.PdfPage) -> tuple[tuple[PrintedLine, ...], tuple[Circle, ...]]:
    """Straight strokes and rings of a page, in mm from its top left."""
    high = page.get_size()[1]
    lines: list[PrintedLine] = []
    circles: list[Circle] = []
    for shape, matrix in _paths(page):
        subpaths, has_curves = _subpaths(shape, matrix, high)
        fill, stroked = ctypes.c_int(), ctypes.c_int()
        pdf.FPDFPath_GetDrawMode(shape, fill, stroked)
        if stroked.value:
            ink = _ink(shape, stroke=True)
            width = ctypes.c_float()
            pdf.FPDFPageObj_GetStrokeWidth(shape, width)
            scale = math.sqrt(abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]))
            width_mm = max(0.05, width.value * scale * MM_A_POINT)
            if ink is None:
                continue
            if has_curves:
                circles += _rings(subpaths)
                continue
            for points in subpaths:
                lines += _strokes(points, width_mm, ink)
        elif fill.value and not has_curves:
            ink = _ink(shape, stroke=False)
            if ink is not None:
                lines += [bar for points in subpaths for bar in _bars(points, ink)]
    return tuple(dict.fromkeys(lines)), tuple(dict.fromkeys(circles))


def _paths(page: pdfium.PdfPage) -> Iterator[tuple[ctypes.c_void_p, Matrix]]:
    """Every path, also those inside of form objects, with the matrix that puts it on the page."""

    def walk(shape: ctypes.c_void_p, outer: Matrix) -> Iterator[tuple[ctypes.c_void_p, Matrix]]:
        own = pdf.FS_MATRIX()
        pdf.FPDFPageObj_GetMatrix(shape, own)
        matrix = _times((own.a, own.b, own.c, own.d, own.e, own.f), outer)
        kind = pdf.FPDFPageObj_GetType(shape)
        if kind == pdf.FPDF_PAGEOBJ_PATH:
            yield shape, matrix
        elif kind == pdf.FPDF_PAGEOBJ_FORM:
            for index in range(pdf.FPDFFormObj_CountObjects(shape)):
                yield from walk(pdf.FPDFFormObj_GetObject(shape, index), matrix)

    for index in range(pdf.FPDFPage_CountObjects(page.raw)):
        yield from walk(pdf.FPDFPage_GetObject(page.raw, index), (1, 0, 0, 1, 0, 0))


def _times(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (
        a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s,
        e * p + f * r + t, e * q + f * s + u,
    )  # fmt: skip


def _subpaths(
    shape: ctypes.c_void_p, matrix: Matrix, page_high: float
) -> tuple[list[list[Point]], bool]:
    """The corners of each subpath in mm, and whether any part of it is a curve."""
    a, b, c, d, e, f = matrix
    found: list[list[Point]] = []
    has_curves = False
    for index in range(pdf.FPDFPath_CountSegments(shape)):
        segment = pdf.FPDFPath_GetPathSegment(shape, index)
        x, y = ctypes.c_float(), ctypes.c_float()
        pdf.FPDFPathSegment_GetPoint(segment, x, y)
        kind = pdf.FPDFPathSegment_GetType(segment)
        place = (
            (a * x.value + c * y.value + e) * MM_A_POINT,
            (page_high - (b * x.value + d * y.value + f)) * MM_A_POINT,
        )
        has_curves |= kind == pdf.FPDF_SEGMENT_BEZIERTO
        if kind == pdf.FPDF_SEGMENT_MOVETO or not found:
            found.append([])
        found[-1].append(place)
        if pdf.FPDFPathSegment_GetClose(segment) and len(found[-1]) > 2:
            found[-1].append(found[-1][0])
    return found, has_curves


def _ink(shape: ctypes.c_void_p, *, stroke: bool) -> Ink | None:
    """How a path is inked; ``None`` for white or invisible."""
    parts = [ctypes.c_uint() for _ in range(4)]
    get = pdf.FPDFPageObj_GetStrokeColor if stroke else pdf.FPDFPageObj_GetFillColor
    if not get(shape, *parts):
        return "black"
    red, green, blue, opacity = (part.value for part in parts)
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    if light > 250 or opacity == 0:
        return None
    if stroke and pdf.FPDFPageObj_GetDashCount(shape) > 0:
        return "dashed"
    return "grey" if light >= GREY_FROM else "black"


def _strokes(points: list[Point], width: float, ink: Ink) -> Iterator[PrintedLine]:
    for one, other in pairwise(points):
        line = _straight(one, other)
        if line is not None:
            yield PrintedLine(line, round(width, 3), ink)


def _straight(one: Point, other: Point) -> tuple[float, float, float, float] | None:
    (x0, y0), (x1, y1) = sorted((one, other))
    if y0 > y1:
        y0, y1 = y1, y0
    if abs(x1 - x0) <= STRAIGHT_MM and y1 - y0 >= LEAST_MM:
        x0 = x1 = (x0 + x1) / 2
    elif abs(y1 - y0) <= STRAIGHT_MM and x1 - x0 >= LEAST_MM:
        y0 = y1 = (y0 + y1) / 2
    else:
        return None
    return round(x0, 3), round(y0, 3), round(x1, 3), round(y1, 3)


def _bars(points: list[Point], ink: Ink) -> Iterator[PrintedLine]:
    """A filled rectangle that is thin is a stroke."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    thick = min(wide, high)
    corners = {(round(x, 2), round(y, 2)) for x, y in points}
    if (
        len(corners) != 4
        or not 0 < thick <= WIDEST_MM
        or max(wide, high) < max(LEAST_MM, 4 * thick)
    ):
        return
    x, y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    level = (round(min(xs), 3), round(y, 3), round(max(xs), 3), round(y, 3))
    upright = (round(x, 3), round(min(ys), 3), round(x, 3), round(max(ys), 3))
    yield PrintedLine(level if wide > high else upright, round(thick, 3), ink)


def _rings(subpaths: list[list[Point]]) -> Iterator[Circle]:
    """A stroked closed curve as wide as it is high is a ring."""
    for points in subpaths:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        wide, high = max(xs) - min(xs), max(ys) - min(ys)
        if len(points) >= 12 and 2 <= wide <= 15 and abs(wide - high) < 0.05 * wide:
            yield Circle(
                round((min(xs) + max(xs)) / 2, 3),
                round((min(ys) + max(ys)) / 2, 3),
                round((wide + high) / 2, 3),
            )


def letters_of(page: pdfium.PdfPage) -> tuple[TextLine, ...]:
    """The page's own lines of text, words with their boxes; empty where it has none."""
    textpage = page.get_textpage()
    high = page.get_size()[1]
    words: list[tuple[str, tuple[float, float, float, float]]] = []
    letters: list[tuple[str, tuple[float, float, float, float]]] = []

    def end_word() -> None:
        if letters:
            boxes = [box for _, box in letters]
            words.append(("".join(sign for sign, _ in letters), _round(boxes)))
            letters.clear()

    for index in range(textpage.count_chars()):
        sign = textpage.get_text_range(index, 1)
        if not sign.strip():
            end_word()
            continue
        left, bottom, right, top = (value * MM_A_POINT for value in textpage.get_charbox(index))
        box = (left, high * MM_A_POINT - top, right, high * MM_A_POINT - bottom)
        if letters and (
            abs(box[3] - letters[-1][1][3]) > 3 or not -1 < box[0] - letters[-1][1][2] < 2
        ):
            end_word()
        letters.append((sign, box))
    end_word()
    return tuple(lines_of_words(words))


def lines_of_words(
    words: list[tuple[str, tuple[float, float, float, float]]],
) -> Iterator[TextLine]:
    """Words that stand beside each other, at most two heights apart, make a line."""
    line: list[tuple[str, tuple[float, float, float, float]]] = []
    for word, box in words:
        if line:
            _, last = line[-1]
            tall = max(box[3] - box[1], last[3] - last[1], 1.0)
            beside = min(box[3], last[3]) - max(box[1], last[1]) > 0.3 * min(
                box[3] - box[1], last[3] - last[1]
            )
            if not (beside and -0.5 * tall < box[0] - last[2] < 1.6 * tall):
                yield _line(line)
                line = []
        line.append((word, box))
    if line:
        yield _line(line)


def _line(words: list[tuple[str, tuple[float, float, float, float]]]) -> TextLine:
    box = _round([box for _, box in words])
    return TextLine(" ".join(word for word, _ in words), box, tuple(words))


def _round(boxes: list[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    return (
        round(min(box[0] for box in boxes), 2),
        round(min(box[1] for box in boxes), 2),
        round(max(box[2] for box in boxes), 2),
        round(max(box[3] for box in boxes), 2),
    )
