"""The states a photo passes through on its way to numbers. Each step takes one, returns the next.

    bytes → OpenedPhoto → PlacedPage → CutPage → WitnessedPage → models.records.PageReading

A function can only be handed the state it needs, so that a half-placed page can't be read.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.forms.template import FormTemplate, PageTemplate
from models.records import BubbleColumn, DigitBox, HeaderReading, Placement, Witness
from pipeline.arrays import Grey, Matrix, Points, Points3, Points4
from pipeline.spread import Known
from pipeline.warp import PageWarp


@dataclass(frozen=True, slots=True)
class OpenedPhoto:
    """A picture that decoded."""

    name: str
    sha256: str
    content: bytes
    """The file's bytes (for a PDF: of the page's picture), to decode again at a finer scale."""
    grey: Grey
    """Upright (EXIF honoured), at ``1 / reduction`` of full size."""
    reduction: int
    """1, 2, 4 or 8: full-size pixels per pixel of ``grey``."""
    full_size: tuple[int, int]
    """Width and height of the upright photo in pixels."""
    pdf_page: int | None = None


@dataclass(frozen=True, slots=True)
class LocatedPage:
    """A picture in which a page was found, roughly (a few mm)."""

    photo: OpenedPhoto
    dark: Grey
    """Ink map of ``photo.grey``, same shape, see ``pipeline.ink``."""
    form: FormTemplate
    page: PageTemplate
    homography: Matrix
    """(3, 3), mm on the sheet to px of ``photo.grey``."""
    known: Known
    """The points it is known from."""
    method: str
    """What found it: ``tag`` or ``boxes``."""


@dataclass(frozen=True, slots=True)
class PlacedPage:
    """A page whose every cell is placed."""

    photo: OpenedPhoto
    form: FormTemplate
    page: PageTemplate
    warp: PageWarp
    nudges: dict[str, tuple[float, float]]
    """Field to its own last correction, mm, on top of ``warp``."""
    in_view: frozenset[str]
    """Fields whose digit boxes are all in the picture."""
    loose: frozenset[str]
    """Fields whose printed boxes were not recognised where they should be."""
    agreeing: int
    """How many printed marks are where the placing says."""
    support: float
    """By how much they look more like the blank page than chance does, added up."""
    looked_for: int
    """How many should be in view."""
    placement: Placement


@dataclass(frozen=True, slots=True)
class CellCut:
    """The cells of one field, cut out of the photo."""

    in_view: bool
    digits: Grey
    """(boxes, 48, 48)."""
    digit_outlines: Points3
    """(boxes, 4, 2) px of the full-size photo, clockwise from top left."""
    bubbles: Grey | None
    """(columns, 10, s, s), each bubble in the middle third, or ``None``."""
    bubble_outlines: Points3 | None
    """(columns, 4, 2) px of the full-size photo."""
    tally: GridCut | None = None
    """The cells of the tally, or ``None``."""
    row_totals: GridCut | None = None
    """The boxes of the written row totals, or ``None``."""
    words: LineCut | None = None
    """The area of the number in words, or ``None``."""


@dataclass(frozen=True, slots=True)
class GridCut:
    """The cells of a grid that is in view, each with a margin."""

    pictures: Grey
    """(rows, columns, 48, 48)."""
    outlines: Points4
    """(rows, columns, 4, 2) px of the full-size photo, clockwise from top left."""


@dataclass(frozen=True, slots=True)
class LineCut:
    """An area for a line of handwriting, straightened and to scale."""

    picture: Grey
    """(high, wide) at ``px_per_mm``, the area's own proportions."""
    px_per_mm: float
    outline: Points
    """(4, 2) px of the full-size photo, clockwise from top left."""
    print: tuple[tuple[float, float, float, float], ...] = ()
    """x0, y0, x1, y1 in px of ``picture``: printed notes."""


@dataclass(frozen=True, slots=True)
class CutPage:
    """A placed page with its cells."""

    placed: PlacedPage
    cells: dict[str, CellCut]


@dataclass(frozen=True, slots=True)
class WitnessedPage:
    """A cut page whose cells have been read, witness by witness."""

    cut: CutPage
    digits: dict[str, tuple[DigitBox, ...]]
    bubbles: dict[str, tuple[BubbleColumn, ...]]
    tally: dict[str, Witness]
    words: dict[str, Witness]
    header: HeaderReading | None
