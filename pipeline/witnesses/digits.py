"""The digit boxes: pictures in, a label with probabilities for each box out."""

from __future__ import annotations

import numpy as np

from models.recognisers.recogniser import LABELS, DigitRecogniser
from models.records import BoxPx, DigitBox
from pipeline.arrays import Points
from pipeline.states import CutPage


def read_digits(cut: CutPage, recogniser: DigitRecogniser) -> dict[str, tuple[DigitBox, ...]]:
    """Read all digit boxes of a page in one go; fields out of view are left out."""
    names = [name for name, cell in cut.cells.items() if cell.in_view]
    if not names:
        return {}
    crops = np.concatenate([cut.cells[name].digits for name in names])
    rows = iter(recogniser.probabilities(crops))
    return {
        name: tuple(
            digit_box(next(rows), around(outline)) for outline in cut.cells[name].digit_outlines
        )
        for name in names
    }


def digit_box(probabilities: np.ndarray[tuple[int], np.dtype[np.float32]], box: BoxPx) -> DigitBox:
    """One box's record from its (14,) probabilities."""
    best = int(np.argmax(probabilities))
    return DigitBox(
        label=LABELS[best],
        confidence=_rounded(probabilities[best]),
        probabilities={label: _rounded(p) for label, p in zip(LABELS, probabilities, strict=True)},
        box=box,
    )


def _rounded(probability: float | np.float32) -> float:
    return round(min(1.0, max(0.0, float(probability))), 6)


def around(outline: Points) -> BoxPx:
    """The upright box around an outline of (n, 2) px."""
    (x0, y0), (x1, y1) = outline.min(axis=0), outline.max(axis=0)
    return round(float(x0), 1), round(float(y0), 1), round(float(x1), 1), round(float(y1), 1)
