"""Where a page says which TPS it is of: the dotted lines beside the printed words."""

from __future__ import annotations

import re

from flows.newform.prints import Print, TextLine
from models.forms.template import BoxMm

PARTS: tuple[tuple[str, str], ...] = (
    ("provinsi", r"^provinsi"),
    ("kabupaten", r"^kabupaten"),
    ("kecamatan", r"^kecamatan"),
    ("kelurahan", r"^(kelurahan|desa)"),
    ("tps", r"^(nomor|no\.?) ?tps|^tps\b"),
)
"""Part of the header to what is printed before it."""
ABOVE, BELOW = 0.8, 0.22
"""How far handwriting reaches above and below its dotted line, as a share of the lines' pitch."""
FARTHEST_MM = 60.0


def header_of(found: Print, leaders: tuple[BoxMm, ...]) -> dict[str, BoxMm]:
    """The header's parts that were made out, each with the area that people write in.

    The TPS's number may be followed by a second dotted line, for the number in words.
    """
    header: dict[str, BoxMm] = {}
    for part, pattern in PARTS:
        label = next(
            (line for line in found.texts if re.search(pattern, line.text.strip(), re.IGNORECASE)),
            None,
        )
        if label is None:
            continue
        beside = _beside(label, leaders, _next_label(label, found))
        pitch = _pitch(beside[0], leaders) if beside else 0.0
        for name, leader in zip((part, "tps_words") if part == "tps" else (part,), beside,
                                strict=False):  # fmt: skip
            x0, y0, x1, y1 = leader
            y = (y0 + y1) / 2
            header[name] = (x0, round(y - ABOVE * pitch, 2), x1, round(y + BELOW * pitch, 2))
    return header


def _next_label(label: TextLine, found: Print) -> float:
    """Where the next label on the same level begins, mm: a second dotted line there is its own."""
    y0, y1 = label.box[1], label.box[3]
    return min(
        (
            line.box[0]
            for line in found.texts
            if line.box[0] > _end_of_words(label)
            and y0 < line.middle[1] < y1
            and any(re.search(pattern, line.text.strip(), re.IGNORECASE) for _, pattern in PARTS)
        ),
        default=float("inf"),
    )


def _end_of_words(label: TextLine) -> float:
    """Where the label itself ends, mm: a dotted line may be printed as letters of the same line."""
    lettered = [box[2] for word, box in label.words if re.search("[A-Za-z]", word)]
    return max(lettered, default=label.box[2])


def _beside(label: TextLine, leaders: tuple[BoxMm, ...], end: float) -> list[BoxMm]:
    _, y0, _, y1 = label.box
    x1, high = _end_of_words(label), y1 - y0
    found = [
        leader
        for leader in leaders
        if x1 - 1 < leader[0] < end
        and leader[0] - x1 < FARTHEST_MM + 10 * high
        and -high < leader[1] - y1 < 1.2 * high
    ]
    return sorted(found)


def _pitch(leader: BoxMm, leaders: tuple[BoxMm, ...]) -> float:
    """Distance to the next dotted line above or below in the same column."""
    steps = [
        abs(other[1] - leader[1])
        for other in leaders
        if other[0] < leader[2] and leader[0] < other[2] and abs(other[1] - leader[1]) > 2
    ]
    return min(14.0, max(5.0, min(steps, default=6.0)))
