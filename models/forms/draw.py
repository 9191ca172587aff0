"""A form's template as a picture: the blank sheet, as it is printed.

The point (x, y) in mm lies at pixel coordinates ``(x, y) * px_per_mm - 0.5``: integer coordinates
are pixel centres, so that the sheet's left edge runs along the left side of column 0. ``to_px``
and ``to_mm`` are this rule. Straight print is drawn by the share of each pixel it covers, so
that edges are exact at any scale.
"""

from __future__ import annotations

import re
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.forms.template import BoxMm, FieldTemplate, FormTemplate, PageTemplate, PrintedText, Tag

PAPER = 255
BLACK = 30
"""Grey level of black print on the official sheet."""
GREY = 200
"""Grey level of its light lines and guides."""
DASH_MM = (1.41, 3.53)
"""Stroke and gap of the dashed line (4 and 10 pt in the official sheet)."""
BUBBLE_STROKE_MM = 0.35
BUBBLE_NUMERAL_MM = 5.0
"""Height of a line of text in the numerals' size."""
GUIDE_DOT_MM = 0.67
"""Side of the square dots of a guide."""
GUIDE_DOTS = (5, 9)
"""Dots across and down a guide: three columns and three rows of them are printed."""
THIN_STROKE_MM = 0.53
"""Stroke round boxes that hold no votes."""

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

FINE_TEXT_PX = 40.0
"""Text is drawn at about this height and then shrunk, so that its letters keep their distance."""
LEADER_PITCH = 0.66
"""From dot to dot where people are to write on them, as a share of the text's height."""

_BOLD_STROKE = 0.03
"""Stroke added on each side of a letter to make it bold, as a share of the text's height."""
_STRETCH = 1.12
"""How much wider the official sheet's print runs than Pillow's font."""
_LEADER = re.compile(r"(\.{3,})")
_FIELD_COLOURS: dict[str, tuple[int, int, int]] = {
    "boxes": (40, 40, 220),
    "guides": (200, 160, 0),
    "bubbles": (30, 150, 30),
    "tally": (0, 130, 230),
    "row_totals": (190, 30, 160),
    "words": (220, 90, 20),
}


def to_px(mm: Points, px_per_mm: float) -> Points:
    """Points in mm, (..., 2), as pixel coordinates of ``draw_page``'s picture."""
    return mm * px_per_mm - 0.5


def to_mm(px: Points, px_per_mm: float) -> Points:
    """Pixel coordinates of ``draw_page``'s picture, (..., 2), in mm on the sheet."""
    return (px + 0.5) / px_per_mm


def draw_page(
    form: FormTemplate, page: PageTemplate, px_per_mm: float, *, colour: bool = False
) -> Pixels:
    """Draw one blank sheet.

    Args:
        form: The form that the page is from.
        page: The page.
        px_per_mm: Resolution, px a mm.
        colour: Whether to give three channels.

    Returns:
        (height, width) uint8, 0 black to 255 white, or (height, width, 3) BGR for ``colour``,
        of ``round(page_mm * px_per_mm)`` pixels.

    """
    wide, high = (round(side * px_per_mm) for side in form.page_mm)
    sheet = _Sheet(np.full((high, wide), PAPER, np.uint8), px_per_mm)
    for ruling in sorted(page.rulings, key=lambda ruling: ruling.ink == "black"):
        sheet.line(
            ruling.line,
            ruling.width,
            GREY if ruling.ink == "grey" else BLACK,
            dashed=ruling.ink == "dashed",
        )
    for field in page.fields:
        _draw_field(sheet, field, form.box_stroke_mm, GREY if form.box_ink == "grey" else BLACK)
    for box in page.extra_boxes:
        sheet.frame(box, THIN_STROKE_MM, BLACK)
    for fiducial in page.fiducials:
        for square in fiducial.squares:
            sheet.fill(square, BLACK)
    if page.tag is not None and form.tag_family is not None:
        _draw_tag(sheet, page.tag, form.tag_family)
    for text in page.texts:
        sheet.text(text)
    return np.repeat(sheet.pixels[..., None], 3, axis=2) if colour else sheet.pixels


def draw_fields(form: FormTemplate, page: PageTemplate, px_per_mm: float) -> Pixels:
    """Draw one blank sheet with the cells of every field outlined and the field named.

    Returns:
        (height, width, 3) uint8, BGR, of the same size as ``draw_page``'s picture.

    """
    picture = draw_page(form, page, px_per_mm, colour=True)
    for field in page.fields:
        for kind, box in _cells(field):
            corners = to_px(np.array(box).reshape(2, 2), px_per_mm)
            start, end = (tuple(round(float(v)) for v in corner) for corner in corners)
            cv2.rectangle(picture, start, end, _FIELD_COLOURS[kind], max(1, round(0.4 * px_per_mm)))
    image = Image.fromarray(picture[..., ::-1])
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(8.0, 4.2 * px_per_mm))
    for field in page.fields:
        x, y = to_px(np.array(field.boxes[0][:2]), px_per_mm)
        place = (float(x), float(y) - 0.6 * px_per_mm)
        pen.rectangle(pen.textbbox(place, field.name, font, "lb"), fill=(255, 255, 255))
        pen.text(place, field.name, (220, 40, 40), font, "lb")
    return np.ascontiguousarray(np.array(image)[..., ::-1])


def marker_modules(tag: Tag, tag_family: str) -> Pixels:
    """The tag's modules as printed on the page, border included: (n, n) uint8, 0 or 255.

    Raises:
        ValueError: where OpenCV has no such family or the family no such id.

    """
    family = getattr(cv2.aruco, tag_family, None)
    if not isinstance(family, int):
        raise ValueError(f"OpenCV knows no marker family {tag_family!r}")
    dictionary = cv2.aruco.getPredefinedDictionary(family)
    if tag.id >= len(dictionary.bytesList):
        raise ValueError(f"{tag_family} has no marker {tag.id}")
    side = dictionary.markerSize + 2
    modules = cv2.aruco.generateImageMarker(dictionary, tag.id, side, borderBits=1)
    return np.rot90(modules, -tag.quarter_turns).astype(np.uint8)


class _Sheet:
    """Pixels that are drawn on in mm."""

    def __init__(self, pixels: Pixels, px_per_mm: float) -> None:
        self.pixels = pixels
        self.px_per_mm = px_per_mm

    def fill(self, box: BoxMm, ink: int) -> None:
        """Fill a box with ink."""
        self._put(box, None, ink)

    def frame(self, box: BoxMm, stroke_mm: float, ink: int) -> None:
        """Stroke the outline of a box, centred on it."""
        x0, y0, x1, y1 = box
        half = stroke_mm / 2
        inner = (x0 + half, y0 + half, x1 - half, y1 - half)
        self._put((x0 - half, y0 - half, x1 + half, y1 + half), inner, ink)

    def line(
        self, line: tuple[float, float, float, float], width_mm: float, ink: int, *, dashed: bool
    ) -> None:
        """Stroke a horizontal or vertical line."""
        x0, y0, x1, y1 = line
        half = width_mm / 2
        if not dashed:
            # Print joins rulings at their ends, so that a table's corner has no notch.
            self.fill((x0 - half, y0 - half, x1 + half, y1 + half), ink)
            return
        on, off = DASH_MM
        for start in np.arange(x0 if y0 == y1 else y0, x1 if y0 == y1 else y1, on + off):
            dash = (
                (start, y0 - half, min(start + on, x1), y0 + half)
                if y0 == y1
                else (x0 - half, start, x0 + half, min(start + on, y1))
            )
            self.fill(dash, ink)

    def circle(self, centre: tuple[float, float], diameter_mm: float, stroke_mm: float) -> None:
        """Stroke a circle, centred on the given diameter."""
        reach = diameter_mm / 2 + stroke_mm
        x0, y0, x1, y1 = self._pixel_box(
            (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
        )
        cx, cy = (value * self.px_per_mm - 0.5 for value in centre)
        ys, xs = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        off_line = np.abs(np.hypot(xs - cx, ys - cy) - diameter_mm / 2 * self.px_per_mm)
        stroke = stroke_mm * self.px_per_mm
        cover = np.clip(stroke / 2 + 0.5 - off_line, 0, min(1.0, stroke))
        self._blend(x0, y0, cover.astype(np.float32), BLACK)

    def text(self, text: PrintedText, *, upward: bool = False, ink: int = BLACK) -> None:
        """Print a line of text; ``upward`` turns it by 90° to read from bottom to top."""
        high, wide = self.pixels.shape
        fine = max(1, round(FINE_TEXT_PX / (text.height * self.px_per_mm)))
        mask, (ox, oy) = _text_mask(
            text.text, text.height * self.px_per_mm * fine, text.weight == "bold", text.anchor
        )
        if upward:
            mask, ox, oy = np.rot90(mask), oy, mask.shape[1] - ox
        left = round(text.at[0] * self.px_per_mm * fine - ox)
        top = round(text.at[1] * self.px_per_mm * fine - oy)
        x, y = max(0, left // fine), max(0, top // fine)
        right = min(wide, -(-(left + mask.shape[1]) // fine))
        bottom = min(high, -(-(top + mask.shape[0]) // fine))
        if x >= right or y >= bottom:
            return
        part = np.zeros(((bottom - y) * fine, (right - x) * fine), np.float32)
        down, across = top - y * fine, left - x * fine
        mask = mask[max(0, -down) :, max(0, -across) :]
        down, across = max(0, down), max(0, across)
        mask = mask[: part.shape[0] - down, : part.shape[1] - across]
        part[down : down + mask.shape[0], across : across + mask.shape[1]] = mask
        cover = cv2.resize(part / 255, (right - x, bottom - y), interpolation=cv2.INTER_AREA)
        self._blend(x, y, cover.astype(np.float32), ink)

    def modules(self, box: BoxMm, modules: Pixels) -> None:
        """Print a square code: equal cells that fill the box."""
        x0, y0, x1, y1 = box
        left, top, right, bottom = self._pixel_box(box)
        rows, columns = modules.shape
        across = _cover(np.linspace(x0, x1, columns + 1) * self.px_per_mm, left, right)
        down = _cover(np.linspace(y0, y1, rows + 1) * self.px_per_mm, top, bottom)
        dark = (modules < 128).astype(np.float32)
        self._blend(left, top, (down.T @ dark @ across).astype(np.float32), BLACK)

    def _put(self, outer: BoxMm, inner: BoxMm | None, ink: int) -> None:
        left, top, right, bottom = self._pixel_box(outer)
        cover = self._box_cover(outer, left, top, right, bottom)
        if inner is not None and inner[0] < inner[2] and inner[1] < inner[3]:
            cover = cover - self._box_cover(inner, left, top, right, bottom)
        self._blend(left, top, cover, ink)

    def _box_cover(
        self, box: BoxMm, left: int, top: int, right: int, bottom: int
    ) -> NDArray[np.float32]:
        x0, y0, x1, y1 = (value * self.px_per_mm for value in box)
        across = _cover(np.array([x0, x1]), left, right)[0]
        down = _cover(np.array([y0, y1]), top, bottom)[0]
        return np.outer(down, across)

    def _pixel_box(self, box: BoxMm) -> tuple[int, int, int, int]:
        """The whole pixels that a box touches, within the sheet: left, top, right, bottom."""
        x0, y0, x1, y1 = (value * self.px_per_mm for value in box)
        high, wide = self.pixels.shape
        left, top = max(0, int(np.floor(x0))), max(0, int(np.floor(y0)))
        return left, top, min(wide, int(np.ceil(x1))), min(high, int(np.ceil(y1)))

    def _blend(self, left: int, top: int, cover: NDArray[np.float32], ink: int) -> None:
        if cover.size == 0:
            return
        high, wide = cover.shape
        part = self.pixels[top : top + high, left : left + wide]
        part[:] = np.rint(part + (ink - part.astype(np.float32)) * cover).astype(np.uint8)


def _cover(edges_px: NDArray[np.float64], start: int, stop: int) -> NDArray[np.float32]:
    """Share of each pixel that lies between neighbouring edges: (edges - 1, stop - start)."""
    pixels = np.arange(start, stop, dtype=np.float64)
    below = np.clip(edges_px[:, None] - pixels[None, :], 0.0, 1.0)
    return (below[1:] - below[:-1]).astype(np.float32)


def text_width_mm(text: str, height: float) -> float:
    """How wide a line of text without leaders is drawn, in mm, for a height in mm."""
    return float(_font(FINE_TEXT_PX).getlength(text)) / FINE_TEXT_PX * height * _STRETCH


@lru_cache(maxsize=64)
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType: it has no scalable font")
    return font


@lru_cache(maxsize=1024)
def _text_mask(
    text: str, height_px: float, bold: bool, anchor: str
) -> tuple[Pixels, tuple[float, float]]:
    """A line of text and where its anchor lies in it: (h, w) coverage 0-255, (x, y) in px."""
    font = _font(height_px)
    stroke = height_px * _BOLD_STROKE if bold else 0.0
    pieces = [piece for piece in _LEADER.split(text) if piece]
    pitch = LEADER_PITCH * height_px / _STRETCH
    margin = int(np.ceil(0.3 * height_px)) + 1
    widths = [
        pitch * len(piece) if _LEADER.fullmatch(piece) else font.getlength(piece)
        for piece in pieces
    ]
    width = sum(widths)
    image = Image.new("L", (int(np.ceil(width)) + 2 * margin, int(np.ceil(1.2 * height_px)) + 4))
    pen = ImageDraw.Draw(image)
    # Letters and digits of the fonts in use reach 0.7 of the height above their line.
    line = image.height / 2 + 0.35 * height_px
    x = float(margin)
    for piece, wide in zip(pieces, widths, strict=True):
        if _LEADER.fullmatch(piece):
            for dot in range(len(piece)):
                pen.text((x + (dot + 0.3) * pitch, line), ".", 255, font, "ls", stroke_width=stroke)
        else:
            pen.text((x, line), piece, 255, font, "ls", stroke_width=stroke)
        x += wide
    size = (round(image.width * _STRETCH), image.height)
    mask = cv2.resize(np.array(image), size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    mask.setflags(write=False)
    start = margin if anchor == "start" else image.width / 2
    return mask, (start * _STRETCH, image.height / 2)


def _draw_field(sheet: _Sheet, field: FieldTemplate, box_stroke_mm: float, box_ink: int) -> None:
    for box in field.boxes:
        sheet.frame(box, box_stroke_mm, box_ink)
    for guide in field.guides or ():
        _draw_guide(sheet, guide)
    if field.bubbles is not None:
        for column in range(len(field.bubbles.columns_x)):
            for value in range(10):
                centre = field.bubbles.centre(column, value)
                sheet.circle(centre, field.bubbles.diameter, BUBBLE_STROKE_MM)
                sheet.text(
                    PrintedText(
                        text=str(value), at=centre, height=BUBBLE_NUMERAL_MM, anchor="middle"
                    )
                )


def _draw_guide(sheet: _Sheet, guide: BoxMm) -> None:
    x0, y0, x1, y1 = guide
    across, down = GUIDE_DOTS
    half = GUIDE_DOT_MM / 2
    xs = np.linspace(x0 + half, x1 - half, across)
    ys = np.linspace(y0 + half, y1 - half, down)
    for column, x in enumerate(xs):
        for row, y in enumerate(ys):
            if column in (0, across // 2, across - 1) or row in (0, down // 2, down - 1):
                sheet.fill((x - half, y - half, x + half, y + half), GREY)


def _draw_tag(sheet: _Sheet, tag: Tag, tag_family: str) -> None:
    sheet.modules(tag.box, marker_modules(tag, tag_family))
    x0, y0, _, y1 = tag.box
    number = PrintedText(
        text=str(tag.id), at=(x0 - 5.6, (y0 + y1) / 2), height=6.5, anchor="middle"
    )
    sheet.text(number, upward=True)


def _cells(field: FieldTemplate) -> list[tuple[str, BoxMm]]:
    """Every cell of a field with what it is, the boxes last."""
    cells: list[tuple[str, BoxMm]] = []
    if field.words is not None:
        cells.append(("words", field.words))
    for kind, grid in (("tally", field.tally), ("row_totals", field.row_totals)):
        if grid is not None:
            cells += [
                (kind, grid.cell(row, column))
                for row in range(grid.rows)
                for column in range(grid.columns)
            ]
    if field.bubbles is not None:
        radius = field.bubbles.diameter / 2
        for column in range(len(field.bubbles.columns_x)):
            for value in range(10):
                x, y = field.bubbles.centre(column, value)
                cells.append(("bubbles", (x - radius, y - radius, x + radius, y + radius)))
    cells += [("guides", guide) for guide in field.guides or ()]
    cells += [("boxes", box) for box in field.boxes]
    return cells
