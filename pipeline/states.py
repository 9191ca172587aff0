"""The states a photo passes through on its way to numbers. Each step takes one, returns the next.

    bytes → OpenedPhoto → PlacedPage → CutPage → WitnessedPage → models.records.PageReading

A function can only be handed the state it needs, so that a half-placed page can't be read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
"""A greyscale picture, (height, width), 0 black to 255 white."""

Points = NDArray[np.float64]
"""(n, 2) points, x then y; the name says whether mm or px."""


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
