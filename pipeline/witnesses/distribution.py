"""What all witnesses hand over: their likeliest numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.records import BoxPx, Probability

MOST = 12
"""So many numbers are kept."""
LEAST = 1e-6
"""A less likely one is not."""


def likeliest(probabilities: NDArray[np.float64]) -> tuple[tuple[int, Probability], ...]:
    """The likeliest numbers of (n,) probabilities, indexed by number, likeliest first."""
    top = np.argsort(-probabilities, kind="stable")[:MOST]
    return tuple(
        (int(number), round(min(1.0, float(probabilities[number])), 7))
        for number in top
        if probabilities[number] >= LEAST
    )


def union(boxes: Sequence[BoxPx]) -> BoxPx:
    """The smallest upright box around several."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
