"""Capitals and digits as a pen draws them: our own centre-lines, for a pen of any width.

Each way of drawing a sign is a few strokes. A stroke is a string of points on a grid of ten by ten,
x before y, y down, ``~`` before it where it is a smooth curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

GRID = 9.0

WAYS: dict[str, tuple[str, ...]] = {
    "A": ("09 40 89|25 65", "09 40 89|16 76", "~09 13 40 53 89|26 75", "09 20 60 89|15 75"),
    "B": ("00 09|~00 51 73 44 04|~04 64 87 69 09", "00 09|~00 60 62 24|~24 77 49 09"),
    "C": ("~81 50 12 05 18 59 88", "~71 40 03 07 49 78", "~82 60 20 04 19 69 98"),
    "D": ("00 09|~00 62 85 68 09", "10 19|~00 50 84 59 09", "00 09|~00 81 86 59 09"),
    "E": ("80 00 09 89|04 64", "00 09|00 70|04 54|09 79", "~80 30 01 24 54|~54 14 07 29 89"),
    "F": ("80 00 09|04 64", "00 09|00 80|05 55", "10 19|00 90|15 65", "~90 30 11 19|05 65"),
    "G": (
        "~81 50 12 05 18 59 87 85|55 95",
        "~80 40 04 29 69 86 65|65 96 99",
        "~81 30 04 39 78|45 85 89",
    ),
    "H": ("00 09|80 89|05 84", "10 09|90 89|04 84", "00 09|70 79|05 74"),
    "I": ("40 49", "20 60|40 49|29 69", "50 39", "40 48", "10 70|40 49|19 79"),
    "J": ("~60 66 49 19 07", "30 90|~60 67 39 08", "~50 57 38 09", "10 80|50 58 29 07"),
    "K": ("00 09|80 05|24 89", "00 09|~80 44 05|~05 46 89", "10 09|70 14 79"),
    "L": ("00 09 79", "10 09 89", "~10 07 19 79", "00 08 88", "~20 15 09 49 88"),
    "M": ("09 00 45 80 89", "09 10 46 70 89", "09 00 49 80 89", "~09 10 15|~15 40 49|~45 70 89"),
    "N": ("09 00 89 80", "09 10 79 90", "~09 00 12|12 78 80", "~09 01 30 61 79"),
    "O": ("~50 11 05 29 69 86 72 40", "~40 03 07 49 87 83 50", "~30 05 49 94 50 20"),
    "P": ("00 09|~00 60 83 55 05", "10 09|~00 71 72 34 04", "00 09|~00 81 64 05"),
    "Q": ("~50 11 05 29 69 86 72 40|56 99", "~40 03 07 49 87 83 50|66 89", "~50 05 49 84 40|47 99"),
    "R": (
        "00 09|~00 60 83 55 05|45 89",
        "10 09|~00 71 72 34 04|34 79",
        "00 09|~00 81 63 14|~14 56 89",
    ),
    "S": ("~81 40 12 34 66 78 39 07", "~70 20 03 54 87 49 08", "~91 50 12 55 87 29 07"),
    "T": ("00 80|40 49", "00 90|50 39", "~01 40 90|40 48", "10 90|50 49"),
    "U": (
        "~00 06 29 69 86 80",
        "~00 07 49 87 80|80 89",
        "~00 05 18 59 75 70|~70 77 99",
        "~10 07 38 77 80",
    ),
    "V": ("00 49 80", "10 39 90", "~00 25 49 65 90"),
    "W": ("00 29 44 69 80", "00 19 40 79 90", "~00 07 29 45|~43 58 79 96 90", "10 29 53 69 90"),
    "X": ("00 89|80 09", "10 79|90 09", "~00 35 89|~80 44 09"),
    "Y": ("00 44 80|44 49", "00 45|90 19", "~00 13 44 73 80|80 69 29", "10 45 80|45 39"),
    "Z": ("00 80 09 89", "00 80 09 89|24 64", "~00 40 80|80 09|~09 49 89"),
    "0": ("~40 13 06 39 67 72 40", "~50 20 05 39 76 63 40", "~30 05 39 65 30"),
    "1": ("40 49", "22 40 49", "13 50 59|29 89", "50 39"),
    "2": ("~12 30 62 65 09|09 79", "~02 20 61 54 19|19 69", "~11 40 72 45 09|~09 39 78"),
    "3": ("~01 40 62 34|~34 67 39 08", "00 70 34|~34 77 49 08", "~01 50 52 24 67 49 09"),
    "4": ("50 06 86|60 69", "20 05 75|60 59", "10 15 75|70 69"),
    "5": ("70 20 14|~14 54 77 49 08", "20 14|20 80|~14 64 67 29 08", "~70 10 04 53 77 39 08"),
    "6": ("~60 23 07 39 67 55 16", "~50 13 07 49 66 35 07", "~70 15 18 49 66 25"),
    "7": ("00 70 29", "00 70 39|25 65", "02 00 70 49", "~00 40 70|70 35 29"),
    "8": ("~60 20 12 55 77 39 07 25 62 50", "~40 12 44 72 40|~44 07 49 77 44"),
    "9": ("~62 30 13 35 63 60|60 69", "~61 20 14 54 61|~61 66 29", "~60 20 14 64 61 49"),
}


@dataclass(frozen=True)
class Writer:
    """How one writer draws each sign, and with which pen."""

    ways: dict[str, str]
    width: float
    """Of a sign of height 1."""
    wobble: float
    """How far points stray, as a share of the height."""
    pen: float
    """Width of the pen's line, as a share of the height."""


def new_writer(rng: np.random.Generator) -> Writer:
    """A writer at random, who keeps to one way of drawing each sign."""
    return Writer(
        {sign: ways[int(rng.integers(len(ways)))] for sign, ways in WAYS.items()},
        float(rng.uniform(0.42, 0.85)),
        float(rng.uniform(0.01, 0.055)),
        float(rng.uniform(0.05, 0.17)),
    )


def draw_sign(
    writer: Writer, sign: str, high: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], float, float, float]:
    """One sign ``high`` px high, in the terms of ``Font.sign``; it is different every time."""
    edge = round(high * 0.25) + 2
    strokes = []
    for text in writer.ways[sign].split("|"):
        points = np.array([[int(p[0]), int(p[1])] for p in text.lstrip("~").split()], np.float64)
        points = points / GRID + rng.normal(0, writer.wobble, points.shape)
        points[:, 0] *= writer.width
        strokes.append(_smooth(points) if text.startswith("~") else points)
    left = min(float(stroke[:, 0].min()) for stroke in strokes)
    right = max(float(stroke[:, 0].max()) for stroke in strokes)
    wide = round((right - left) * high)
    ink = np.zeros((high + 2 * edge, wide + 2 * edge), np.uint8)
    for stroke in strokes:
        fixed = np.rint(((stroke - [left, 0.0]) * high + edge) * 16).astype(np.int32)
        pen = max(1, round(writer.pen * high * float(rng.uniform(0.85, 1.15))))
        cv2.polylines(ink, [fixed.reshape(-1, 1, 2)], False, 255, pen, cv2.LINE_AA, 4)
    return ink, -float(edge), -float(high + edge), float(wide)


def _smooth(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A curve through points (Catmull–Rom)."""
    if len(points) < 3:
        return points
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    a, b, c, d = (padded[k : len(padded) - 3 + k, None, :] for k in range(4))
    t = np.linspace(0, 1, 7)[None, :, None]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.asarray(curve.reshape(-1, 2))
