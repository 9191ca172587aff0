"""A draft of the form's data file: everything that the sheet itself can tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flows.newform.header import header_of
from flows.newform.labels import Named, named
from flows.newform.look import look_at
from flows.newform.markers import find_fiducials, find_tag
from flows.newform.naming import without_twins
from flows.newform.numbers import dotted_leaders, numbers_on
from flows.newform.prints import BlankSheet, Ink, Print, PrintedLine, TextLine
from models.forms.draw import LEADER_PITCH, text_width_mm
from models.forms.template import BoxMm, Fiducial, Tag

PAGE_NUMBER = re.compile(r"hal(aman)?\.?\s*\d+\s*(dari|/)\s*\d+", re.IGNORECASE)
TITLE = re.compile(r"\bmodel\b|formulir|berita acara|c\.?\s?hasil", re.IGNORECASE)
SHORT_MM = 6.0
"""Strokes that close no cell and are shorter than this are parts of letters or pictures."""
CAPITAL_SHARE = 0.7
"""Height of capitals as a share of a line's height (see ``models.forms.draw``)."""
NARROWED = 0.8
"""Words are drawn smaller, down to this, where our font runs wider than the sheet's."""
DOT_PITCH_MM = 1.6
RIM_MM = 1.5
"""Strokes this close to the sheet's edge are the rim of its picture."""
DESCENDING = set("gjpqy,;()Q/")
ASCENDING = re.compile(r"[A-Zbdfhklit0-9()/]")


@dataclass(frozen=True)
class DraftPage:
    """One sheet, with all that was found on it."""

    number: int
    found: Print
    fields: tuple[Named, ...]
    dates: tuple[BoxMm, ...]
    tag: tuple[str, Tag] | None
    fiducials: tuple[Fiducial, ...]
    header: dict[str, BoxMm]
    leaders: tuple[BoxMm, ...]
    title: tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A whole form as found: what a person still has to confirm is the names and the sums."""

    pages: tuple[DraftPage, ...]
    names: tuple[tuple[str, ...], ...]
    """Proposed names, page by page, in the order of the pages' fields."""

    @property
    def title(self) -> str:
        """The printed title as far as it was made out."""
        lines = [line for page in self.pages for line in page.title]
        telling = [line for line in lines if TITLE.search(line) and not PAGE_NUMBER.search(line)]
        models = [line for line in telling if re.match(r"model\b.", line, re.IGNORECASE)]
        return (*models, *telling, *lines)[0]


def draft_of(sheets: Sequence[BlankSheet]) -> Draft:
    """Look at each sheet of a blank form.

    Raises:
        RecogniserError: the print has to be read and there is no Tesseract.

    """
    pages = tuple(_page(number, sheet) for number, sheet in enumerate(sheets, start=1))
    flat = without_twins(one.name for page in pages for one in page.fields)
    names, start = [], 0
    for page in pages:
        names.append(tuple(flat[start : start + len(page.fields)]))
        start += len(page.fields)
    return Draft(pages, tuple(names))


def _page(number: int, sheet: BlankSheet) -> DraftPage:
    found = look_at(sheet)
    leaders = dotted_leaders(sheet)
    everything = named(numbers_on(found), found)
    return DraftPage(
        number=number,
        found=found,
        fields=tuple(one for one in everything if not one.is_date),
        dates=tuple(box for one in everything if one.is_date for box in one.place.boxes),
        tag=find_tag(sheet),
        fiducials=find_fiducials(found.squares, sheet.page_mm),
        header=header_of(found, leaders),
        leaders=leaders,
        title=_title(found, number),
    )


def _title(found: Print, number: int) -> tuple[str, ...]:
    """Printed lines that tell the page: those that say so, else the largest at the top."""
    high = found.sheet.page_mm[1]
    top = [line for line in found.texts if line.box[1] < 0.3 * high and len(line.text) > 3]
    telling = [line for line in top if TITLE.search(line.text) and len(line.text) < 60]
    # A title in a frame of its own goes over several lines.
    for line in list(telling):
        telling += [
            other
            for other in top
            if other not in telling
            and abs(other.middle[0] - line.middle[0]) < 4
            and 0 < other.middle[1] - line.middle[1] < 2.5 * (line.box[3] - line.box[1])
            and len(other.text) < 40
        ]
    if not telling:
        # Running text that was misread as one tall line is no title.
        short = [line for line in top if len(line.text) < 60] or top
        telling = sorted(short, key=lambda line: line.box[1] - line.box[3])[:1]
    pages = [line for line in found.texts if PAGE_NUMBER.search(line.text)][:1]
    lines = [line.text for line in dict.fromkeys((*telling, *pages))]
    return tuple(lines) or (f"page {number}",)


def page_data(page: DraftPage, names: Sequence[str]) -> dict[str, Any]:
    """A page as the data file has it, with these names for its fields; "" leaves one out."""
    found = page.found
    kept = [(one, name) for one, name in zip(page.fields, names, strict=True) if name]
    left_out = [
        box for one, name in zip(page.fields, names, strict=True) if not name
        for box in one.place.boxes
    ]  # fmt: skip
    data: dict[str, Any] = {"number": page.number, "title": list(page.title)}
    if page.tag is not None:
        data["tag"] = page.tag[1].model_dump(mode="json")
    data["fiducials"] = [mark.model_dump(mode="json") for mark in page.fiducials]
    boxes = [box for one in page.fields for box in one.place.boxes]
    data["rulings"] = [_ruling(line) for line in _rulings(found, boxes, page)]
    data["texts"] = [text for line in _texts(found) for text in _printed(line)]
    data["texts"] += [_dots(leader) for leader in page.leaders]
    data["extra_boxes"] = [_rounded(box) for box in (*page.dates, *left_out)]
    if page.header:
        data["header"] = {part: _rounded(box) for part, box in page.header.items()}
    data["fields"] = [field_data(one, name) for one, name in kept]
    return data


def field_data(one: Named, name: str) -> dict[str, Any]:
    """A field as the data file has it."""
    place = one.place
    data: dict[str, Any] = {
        "name": name,
        "label": one.label,
        "boxes": [_rounded(box) for box in place.boxes],
    }
    if place.guides is not None:
        data["guides"] = [_rounded(box) for box in place.guides]
    for key, part in (
        ("bubbles", place.bubbles),
        ("tally", place.tally),
        ("row_totals", place.row_totals),
    ):
        if part is not None:
            data[key] = part.model_dump(mode="json")
            if "frame" in data[key]:
                data[key]["frame"] = _rounded(part.frame)  # type: ignore[union-attr]
    if place.words is not None:
        data["words"] = _rounded(place.words)
        data["words_print"] = [_rounded(box) for box in place.words_print]
    return data


def box_stroke_mm(draft: Draft) -> float:
    """Width of the strokes round the digit boxes, median; 0.35 where none was found."""
    widths = [
        line.width
        for page in draft.pages
        for one in page.fields
        for box in one.place.boxes
        for line in page.found.lines
        if _is_edge(line, box)
    ]
    return round(float(np.median(widths)), 2) if widths else 0.35


def _is_edge(line: PrintedLine, box: BoxMm) -> bool:
    x0, y0, x1, y1 = line.line
    if line.is_level:
        return min(abs(y0 - box[1]), abs(y0 - box[3])) < 0.15 and x0 < box[2] and x1 > box[0]
    return min(abs(x0 - box[0]), abs(x0 - box[2])) < 0.15 and y0 < box[3] and y1 > box[1]


def _rounded(box: BoxMm) -> list[float]:
    return [round(value, 2) for value in box]


def _rulings(found: Print, boxes: Sequence[BoxMm], page: DraftPage) -> list[PrintedLine]:
    """Strokes that are rulings: not the frames of single boxes, nor parts of letters or codes."""
    merged = _merged(found.lines)
    lines = [
        line
        for line in merged
        if not _frames_a_box(line, boxes)
        and (
            line.length >= 2.5 * SHORT_MM
            or _closes(line, found.cells)
            or (line.length >= SHORT_MM and _joins(line, merged))
        )
        and not _in_words(line, found.texts)
        and not (page.tag and _within(line, page.tag[1].box))
    ]
    lines = [line for line in lines if not _on_the_rim(line, found.sheet.page_mm)]
    marks = [square for mark in page.fiducials for square in mark.squares]
    lines = [line for line in lines if not any(_within(line, square) for square in marks)]
    # A square that is no fiducial of ours is still print that can be found.
    for square in found.squares:
        side = (square[2] - square[0] + square[3] - square[1]) / 2
        in_tag = page.tag is not None and _overlap(square, page.tag[1].box)
        if square in marks or in_tag or side < 2.5 or _in_text(square, found.texts):
            continue
        x, y = (square[0] + square[2]) / 2, (square[1] + square[3]) / 2
        lines.append(PrintedLine((x, y, x, y), side, "black"))
    return lines


def _merged(lines: Sequence[PrintedLine]) -> list[PrintedLine]:
    """Strokes that lie on one another, or go on where another ends, as one."""
    groups: dict[tuple[bool, Ink, float, float], list[tuple[float, float]]] = {}
    for one in lines:
        level = one.is_level
        x0, y0, x1, y1 = one.line
        at = y0 if level else x0
        key = next(
            (
                known
                for known in groups
                if known[0] == level
                and known[1] == one.ink
                and abs(known[2] - at) < 0.12
                and abs(known[3] - one.width) < 0.3
            ),
            (level, one.ink, round(at, 2), round(one.width, 2)),
        )
        groups.setdefault(key, []).append((x0, x1) if level else (y0, y1))
    merged = []
    for (level, ink, at, width), spans in groups.items():
        joined: list[list[float]] = []
        for start, end in sorted(spans):
            if joined and start <= joined[-1][1] + 0.4:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        for start, end in joined:
            line = (start, at, end, at) if level else (at, start, at, end)
            merged.append(PrintedLine(line, width, ink))
    return merged


def _on_the_rim(line: PrintedLine, page_mm: tuple[float, float]) -> bool:
    x0, y0, _, _ = line.line
    if line.is_level:
        return min(y0, page_mm[1] - y0) < RIM_MM
    return min(x0, page_mm[0] - x0) < RIM_MM


def _frames_a_box(line: PrintedLine, boxes: Sequence[BoxMm]) -> bool:
    return any(
        _is_edge(line, box)
        and line.length <= (box[2] - box[0] if line.is_level else box[3] - box[1]) + 0.8
        for box in boxes
    )


def _closes(line: PrintedLine, cells: Sequence[BoxMm]) -> bool:
    return any(_is_edge(line, cell) for cell in cells)


def _joins(line: PrintedLine, lines: Sequence[PrintedLine]) -> bool:
    """Whether both ends of a stroke meet longer strokes that run across it."""
    x0, y0, x1, y1 = line.line
    across = [one for one in lines if one.is_level != line.is_level and one.length >= line.length]

    def meets(x: float, y: float) -> bool:
        return any(
            one.line[0] - 0.6 <= x <= one.line[2] + 0.6
            and one.line[1] - 0.6 <= y <= one.line[3] + 0.6
            for one in across
        )

    return meets(x0, y0) and meets(x1, y1)


def _in_words(line: PrintedLine, texts: Sequence[TextLine]) -> bool:
    x0, y0, x1, y1 = line.line
    return any(
        box[0] - 0.3 <= x0 and x1 <= box[2] + 0.3 and box[1] - 0.3 <= y0 and y1 <= box[3] + 0.3
        for text in texts
        for box in (text.box,)
    )


def _in_text(square: BoxMm, texts: Sequence[TextLine]) -> bool:
    return any(_overlap(square, text.box) for text in texts)


def _within(line: PrintedLine, box: BoxMm) -> bool:
    x0, y0, x1, y1 = line.line
    return box[0] - 0.6 <= x0 and x1 <= box[2] + 0.6 and box[1] - 0.6 <= y0 and y1 <= box[3] + 0.6


def _overlap(one: BoxMm, other: BoxMm) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _ruling(line: PrintedLine) -> dict[str, Any]:
    return {
        "line": [round(value, 2) for value in line.line],
        "width": max(0.1, round(line.width, 2)),
        "ink": line.ink,
    }


def _texts(found: Print) -> list[TextLine]:
    """Lines of print that can be drawn: not what was misread in pictures."""
    return [line for line in found.texts if re.search(r"[A-Za-z0-9]", line.text)]


def _printed(line: TextLine) -> list[dict[str, Any]]:
    """A line of print as the data file has it, word by word so that each stands in its place.

    Its words share one height and one base line: those of a single word are easily misjudged.
    """
    lies = [_lie_of(word, box) for word, box in line.words]
    height = float(np.median([high for _, high in lies]))
    base = float(np.median([base for base, _ in lies]))
    if not 1.0 <= height <= 40:
        return []
    printed = []
    for word, box in line.words:
        drawn = text_width_mm(word, height)
        fitting = height * min(1.0, max(NARROWED, (box[2] - box[0]) / max(drawn, 0.1)))
        printed.append(
            {
                "text": word,
                "at": [round(box[0], 2), round(base - CAPITAL_SHARE / 2 * fitting, 2)],
                "height": round(fitting, 2),
                "weight": "bold" if line.is_bold else "regular",
            }
        )
    return printed


def _lie_of(word: str, box: BoxMm) -> tuple[float, float]:
    """Base line and height of the line that a word's letters, which fill ``box``, stand on."""
    above = CAPITAL_SHARE if ASCENDING.search(word) else 0.52
    below = 0.2 if set(word) & DESCENDING else 0.0
    height = (box[3] - box[1]) / (above + below)
    return box[3] - below * height, height


def _dots(leader: BoxMm) -> dict[str, Any]:
    """A dotted line as the data file has it."""
    x0, y0, x1, y1 = leader
    count = max(3, round((x1 - x0) / DOT_PITCH_MM) + 1)
    height = (x1 - x0) / (count - 1) / LEADER_PITCH
    middle = (y0 + y1) / 2 - CAPITAL_SHARE / 2 * height
    return {
        "text": "." * count,
        "at": [round(x0, 2), round(middle, 2)],
        "height": round(height, 2),
    }
