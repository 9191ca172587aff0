"""Which print stands beside a number: its row's label and the head of its column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flows.newform.naming import (
    CANDIDATE,
    DATE,
    candidate_number,
    column_ending,
    known_name,
    name_of_words,
)
from flows.newform.numbers import WORDS_NOTE, NumberPlace
from flows.newform.prints import Print, TextLine
from models.forms.template import BoxMm

NOT_A_LABEL = re.compile(r"hitamkan|bulatan|isian angka|^\W*$", re.IGNORECASE)
COLUMN_WORDS = {"l": "laki-laki", "p": "perempuan", "j": "jumlah"}
"""What tells the labels of one row apart."""
TALL = 6.0
"""A cell that is taller than this many times the digit boxes is a panel, not a row."""


@dataclass(frozen=True)
class Named:
    """A number with what the print says about it."""

    place: NumberPlace
    label: str
    name: str | None
    """Proposed; ``None`` where the print says nothing."""
    is_date: bool


def named(places: Sequence[NumberPlace], found: Print) -> tuple[Named, ...]:
    """Every number with its label and a proposed name, in the same order."""
    result: list[Named] = []
    for place in places:
        row = [one for one in places if _on_one_level(one.box, place.box)]
        row.sort(key=lambda one: one.box[0])
        at = row.index(place)
        beside = _left_of(place, row[at - 1] if at else None, found)
        label = _joined(beside)
        is_date = bool(DATE.search(label)) and known_name(label) is None and place.tally is None
        if not beside:
            # The numbers of one row share the label left of the first of them.
            beside = _left_of(row[0], None, found) or _above(place, found)
            label = _joined(beside)
        name = _name(label, beside, place, found)
        if name is not None and len(row) > 1 and not is_date:
            ending = _ending(place, found)
            name = f"{name}_{ending}" if ending else name
            label = f"{label}, {COLUMN_WORDS[ending]}" if ending else label
        result.append(Named(place, label or "?", name, is_date))
    return tuple(result)


def _name(label: str, beside: Sequence[TextLine], place: NumberPlace, found: Print) -> str | None:
    known = known_name(label)
    if known is not None and not (CANDIDATE.search(label) and candidate_number(label)):
        return known
    number = candidate_number(label)
    if number is not None and re.match(r"0?\d", label) and _under_candidates(beside, found):
        return f"suara_paslon_{number}" if CANDIDATE.search(label) else f"suara_calon_{number}"
    large = any(_height(line) > 0.3 * (place.box[3] - place.box[1]) for line in beside)
    if number is not None and (CANDIDATE.search(label) or (large and _is_vote_table(place, found))):
        return f"suara_paslon_{number}" if CANDIDATE.search(label) else f"suara_calon_{number}"
    return name_of_words(label)


SECTION = re.compile(r"(?:[A-Z]|[IVX]+)\.\s")
"""What the heading of a section of the form begins with; its rows have numbers."""


def _under_candidates(beside: Sequence[TextLine], found: Print) -> bool:
    """Whether the row stands in a table of candidates, as a head or its section's heading says."""
    top = min(line.box[1] for line in beside)
    x0, x1 = min(line.box[0] for line in beside), max(line.box[2] for line in beside)
    above = [line for line in found.texts if line.box[3] <= top + 0.5]
    heads = [
        line.box[1]
        for line in above
        if CANDIDATE.search(line.text) and line.box[0] < x1 and line.box[2] > x0
    ]
    return bool(heads) and max(heads) >= _top_of_section(top, found) - 0.5


def _top_of_section(y: float, found: Print) -> float:
    """Where the heading of the section that holds ``y`` begins, mm; 0 where there is none."""
    return max(
        (
            line.box[1]
            for line in found.texts
            if line.box[3] <= y + 0.5
            and SECTION.match(line.text)
            and not any(_holds(cell, line) for cell in found.cells)
        ),
        default=0.0,
    )


def _holds(cell: BoxMm, line: TextLine) -> bool:
    x, y = line.middle
    return cell[0] < x < cell[2] and cell[1] < y < cell[3]


def _is_vote_table(place: NumberPlace, found: Print) -> bool:
    """Whether a head above the number, in its section of the form, speaks of votes."""
    x0, y0, x1, _ = place.box
    from_here = _top_of_section(y0, found) - 0.5
    return any(
        re.search(r"suara|calon", line.text, re.IGNORECASE)
        for line in found.texts
        if from_here <= line.box[1] and line.box[3] <= y0 and line.box[0] < x1 and line.box[2] > x0
    )


def _height(line: TextLine) -> float:
    return line.box[3] - line.box[1]


def _on_one_level(one: BoxMm, other: BoxMm) -> bool:
    return abs(one[1] - other[1]) < 1.5 and abs(one[3] - other[3]) < 1.5


def _extent(line: TextLine, place: NumberPlace, found: Print) -> tuple[float, float]:
    """From where to where a line of print speaks for what stands beside it, y in mm."""
    x, y = line.middle
    around = [cell for cell in found.cells if cell[0] < x < cell[2] and cell[1] < y < cell[3]]
    tallest = TALL * (place.box[3] - place.box[1])
    rows = [cell for cell in around if cell[3] - cell[1] <= tallest]
    if not rows:
        return line.box[1], line.box[3]
    row = min(rows, key=lambda cell: (cell[2] - cell[0]) * (cell[3] - cell[1]))
    return row[1], row[3]


def _left_of(place: NumberPlace, before: NumberPlace | None, found: Print) -> list[TextLine]:
    start = before.box[2] if before else 0.0
    end = (place.box if place.tally is None else place.tally.frame)[0] + 1
    lines = []
    for line in found.texts:
        if line.box[2] > end or line.box[0] < start or _is_no_label(line):
            continue
        top, foot = _extent(line, place, found)
        common = min(foot, place.box[3]) - max(top, place.box[1])
        if common > 0.5 * min(foot - top, place.box[3] - place.box[1]):
            lines.append(line)
    return _nearest_cells(lines, place, found)


def _nearest_cells(lines: list[TextLine], place: NumberPlace, found: Print) -> list[TextLine]:
    """Without a running section's letter in a cell that spans several rows."""
    kept = []
    for line in lines:
        x, y = line.middle
        around = [cell for cell in found.cells if cell[0] < x < cell[2] and cell[1] < y < cell[3]]
        if around and len(lines) > 1:
            cell = min(around, key=lambda one: (one[2] - one[0]) * (one[3] - one[1]))
            if cell[3] - cell[1] > TALL * (place.box[3] - place.box[1]):
                continue
        kept.append(line)
    return kept


def _above(place: NumberPlace, found: Print) -> list[TextLine]:
    x0, y0, x1, y1 = place.box
    over = [
        line
        for line in found.texts
        if line.box[3] <= y0 + 0.5
        and y0 - line.box[3] < 1.5 * (y1 - y0)
        and line.box[0] < x1
        and line.box[2] > x0
        and not _is_no_label(line)
    ]
    return [max(over, key=lambda line: line.box[3])] if over else []


def _is_no_label(line: TextLine) -> bool:
    return bool(WORDS_NOTE.search(line.text) or NOT_A_LABEL.search(line.text))


def _ending(place: NumberPlace, found: Print) -> str | None:
    x0, y0, x1, _ = place.box
    heads = [
        (y0 - line.box[3], ending)
        for line in found.texts
        if line.box[3] <= y0
        and x0 - 3 <= line.middle[0] <= x1 + 3
        and line.box[2] - line.box[0] < 1.8 * (x1 - x0)
        and (ending := column_ending(line.text)) is not None
    ]
    return min(heads)[1] if heads else None


def _joined(lines: Sequence[TextLine]) -> str:
    ordered = sorted(lines, key=lambda line: (round(line.middle[1] / 3), line.box[0]))
    return re.sub(r"\s+", " ", " ".join(line.text for line in ordered)).strip()
