"""What is printed on a blank sheet, in mm: strokes, black squares, circles, dots and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.forms.template import BoxMm

Grey = NDArray[np.uint8]
Ink = Literal["black", "grey", "dashed"]


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One straight stroke, level or upright; ``line`` is its centre-line, x0, y0, x1, y1 in mm."""

    line: tuple[float, float, float, float]
    width: float
    """In mm."""
    ink: Ink

    @property
    def is_level(self) -> bool:
        """Whether it runs across the sheet."""
        x0, y0, x1, y1 = self.line
        return x1 - x0 >= y1 - y0

    @property
    def length(self) -> float:
        """In mm."""
        x0, y0, x1, y1 = self.line
        return max(x1 - x0, y1 - y0)


@dataclass(frozen=True, slots=True)
class Circle:
    """A printed ring: centre and diameter of the middle of its stroke, in mm."""

    x: float
    y: float
    diameter: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """A printed line of text; ``box`` holds its letters, in mm."""

    text: str
    box: BoxMm
    words: tuple[tuple[str, BoxMm], ...] = ()
    is_bold: bool = False

    @property
    def middle(self) -> tuple[float, float]:
        """Middle of the box, x and y in mm."""
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2


@dataclass(frozen=True)
class BlankSheet:
    """One blank sheet as a picture, with what its file says about it exactly."""

    page_mm: tuple[float, float]
    px_per_mm: float
    grey: Grey
    """(high, wide); the point (x, y) mm lies at (x, y) * px_per_mm - 0.5 px."""
    lines: tuple[PrintedLine, ...] | None = None
    """From the file's vectors; ``None`` where the sheet is a picture."""
    circles: tuple[Circle, ...] | None = None
    texts: tuple[TextLine, ...] | None = None
    """From the file's own letters; ``None`` where they have to be read off the picture."""
    notes: tuple[str, ...] = ()
    """What a person should know about how it was opened."""


@dataclass(frozen=True)
class Print:
    """Everything found on one sheet."""

    sheet: BlankSheet
    lines: tuple[PrintedLine, ...]
    circles: tuple[Circle, ...]
    squares: tuple[BoxMm, ...]
    """Solid black squares."""
    texts: tuple[TextLine, ...]
    cells: tuple[BoxMm, ...] = field(default=())
    """Areas that strokes close in on four sides, along the middle of the strokes."""
