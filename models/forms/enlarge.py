"""Every form as large as a wall sheet: what small forms are measured in while they are read.

Placing and reading know how wide a stroke is, how far a sheet curls, and how much of a cell's
surroundings tells it from its neighbour, all in mm on a sheet whose digit boxes are some 20 mm
wide (C.HASIL, 600 × 900 mm). A form on A4 has boxes of 8 mm. Enlarged until its boxes are as
wide, it is the same to the camera, and one set of measures serves both.
"""

from __future__ import annotations

from statistics import median

from models.forms.template import (
    BoxMm,
    Bubbles,
    Fiducial,
    FieldTemplate,
    FormTemplate,
    Grid,
    PageTemplate,
    PrintedText,
    Ruling,
    Tag,
)

WALL_BOX_MM = 20.0
"""Digit boxes of an enlarged form are about this wide."""

WALL_BOXES_MM = (15.0, 25.0)
"""Forms whose boxes are in this range are left as they are."""


_made: dict[str, FormTemplate] = {}


def at_wall_size(form: FormTemplate) -> FormTemplate:
    """The form with all lengths multiplied so that its digit boxes are some 20 mm wide.

    ``enlargement`` of the answer says how many times larger it is than the sheet. A form whose
    boxes are 15 to 25 mm wide is returned unchanged.
    """
    if form.enlargement != 1.0:
        return form
    if form.digest and form.digest in _made:
        return _made[form.digest]
    width = median(
        min(x1 - x0, y1 - y0)
        for page in form.pages
        for field in page.fields
        for x0, y0, x1, y1 in field.boxes
    )
    least, most = WALL_BOXES_MM
    enlarged = form if least <= width <= most else _enlarged(form, WALL_BOX_MM / width)
    if form.digest:
        _made[form.digest] = enlarged
    return enlarged


def _enlarged(form: FormTemplate, factor: float) -> FormTemplate:
    wide, high = form.page_mm
    return form.model_copy(
        update={
            "page_mm": (wide * factor, high * factor),
            "box_stroke_mm": form.box_stroke_mm * factor,
            "enlargement": form.enlargement * factor,
            "pages": tuple(_page(page, factor) for page in form.pages),
        }
    )


def _box(box: BoxMm, factor: float) -> BoxMm:
    x0, y0, x1, y1 = box
    return x0 * factor, y0 * factor, x1 * factor, y1 * factor


def _boxes(boxes: tuple[BoxMm, ...], factor: float) -> tuple[BoxMm, ...]:
    return tuple(_box(box, factor) for box in boxes)


def _page(page: PageTemplate, factor: float) -> PageTemplate:
    return page.model_copy(
        update={
            "tag": _tag(page.tag, factor) if page.tag else None,
            "fiducials": tuple(_fiducial(mark, factor) for mark in page.fiducials),
            "rulings": tuple(_ruling(ruling, factor) for ruling in page.rulings),
            "texts": tuple(_text(text, factor) for text in page.texts),
            "extra_boxes": _boxes(page.extra_boxes, factor),
            "header": {part: _box(box, factor) for part, box in page.header.items()},
            "fields": tuple(_field(field, factor) for field in page.fields),
        }
    )


def _tag(tag: Tag, factor: float) -> Tag:
    return tag.model_copy(update={"box": _box(tag.box, factor)})


def _fiducial(mark: Fiducial, factor: float) -> Fiducial:
    x, y = mark.centre
    first, second = mark.squares
    return mark.model_copy(
        update={
            "centre": (x * factor, y * factor),
            "squares": (_box(first, factor), _box(second, factor)),
        }
    )


def _ruling(ruling: Ruling, factor: float) -> Ruling:
    x0, y0, x1, y1 = ruling.line
    line = x0 * factor, y0 * factor, x1 * factor, y1 * factor
    return ruling.model_copy(update={"line": line, "width": ruling.width * factor})


def _text(text: PrintedText, factor: float) -> PrintedText:
    x, y = text.at
    return text.model_copy(update={"at": (x * factor, y * factor), "height": text.height * factor})


def _bubbles(bubbles: Bubbles, factor: float) -> Bubbles:
    return bubbles.model_copy(
        update={
            "columns_x": tuple(x * factor for x in bubbles.columns_x),
            "first_y": bubbles.first_y * factor,
            "pitch_y": bubbles.pitch_y * factor,
            "diameter": bubbles.diameter * factor,
        }
    )


def _grid(grid: Grid | None, factor: float) -> Grid | None:
    if grid is None:
        return None
    return grid.model_copy(update={"frame": _box(grid.frame, factor)})


def _field(field: FieldTemplate, factor: float) -> FieldTemplate:
    return field.model_copy(
        update={
            "boxes": _boxes(field.boxes, factor),
            "guides": None if field.guides is None else _boxes(field.guides, factor),
            "bubbles": None if field.bubbles is None else _bubbles(field.bubbles, factor),
            "tally": _grid(field.tally, factor),
            "row_totals": _grid(field.row_totals, factor),
            "words": None if field.words is None else _box(field.words, factor),
            "words_print": _boxes(field.words_print, factor),
        }
    )
