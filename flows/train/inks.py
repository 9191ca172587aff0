"""What people put into a box, as ink: strokes drawn on a square, 255 where the pen went.

All coordinates are in units of the printed box: (0, 0) is its top left corner and (1, 1) its
bottom right, along the centre-lines of its frame. Ink is drawn on a canvas of 128 px on which
the box is 80 px wide, in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

CANVAS_PX = 128
BOX_PX = 80.0
BOX_LEFT = (CANVAS_PX - BOX_PX) / 2

Ink = NDArray[np.uint8]
"""(128, 128), 255 where the pen went."""
Path2D = NDArray[np.float64]
"""(n, 2), x then y, in units of the box."""

GUIDE = (0.275, 0.151, 0.722, 0.849)
"""The printed dotted guide in the box: 8.94 × 13.96 mm in 20 × 20 mm (official blank form)."""

_SEGMENTS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "0": (((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)),),
    "1": (((0.5, 0), (0.5, 1)),),
    "2": (((0, 0), (1, 0), (1, 0.5), (0, 0.5), (0, 1), (1, 1)),),
    "3": (((0, 0), (1, 0), (1, 1), (0, 1)), ((0, 0.5), (1, 0.5))),
    "4": (((0, 0), (0, 0.5), (1, 0.5)), ((1, 0), (1, 1))),
    "5": (((1, 0), (0, 0), (0, 0.5), (1, 0.5), (1, 1), (0, 1)),),
    "6": (((1, 0), (0, 0), (0, 1), (1, 1), (1, 0.5), (0, 0.5)),),
    "7": (((0, 0), (1, 0), (1, 1)),),
    "8": (((0, 0.5), (0, 0), (1, 0), (1, 1), (0, 1), (0, 0.5), (1, 0.5)),),
    "9": (((1, 0.5), (0, 0.5), (0, 0), (1, 0), (1, 1), (0, 1)),),
}
_OTHER_SEGMENTS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "1": (((1, 0), (1, 1)),),
    "4": (((0.7, 0), (0, 0.62), (1, 0.62)), ((0.7, 0.2), (0.7, 1))),
    "6": (((0, 0), (0, 1), (1, 1), (1, 0.5), (0, 0.5)),),
    "7": (((0, 0.2), (0, 0), (1, 0), (1, 1)),),
    "9": (((1, 0.5), (0, 0.5), (0, 0), (1, 0), (1, 1)),),
}
_FREE: dict[str, tuple[tuple[tuple[tuple[float, float], ...], ...], ...]] = {
    "0": (
        (((0.5, 0), (0, 0.3), (0, 0.7), (0.5, 1), (1, 0.7), (1, 0.3), (0.5, 0)),),
        (((0.6, 0.05), (0.1, 0.25), (0, 0.75), (0.45, 1), (0.95, 0.8), (1, 0.2), (0.4, 0)),),
    ),
    "1": (
        (((0.5, 0), (0.5, 1)),),
        (((0.2, 0.25), (0.6, 0), (0.6, 1)),),
        (((0.15, 0.3), (0.55, 0), (0.55, 1)), ((0.1, 1), (0.95, 1))),
    ),
    "2": (
        (((0, 0.25), (0.4, 0), (0.9, 0.2), (0.7, 0.55), (0, 1), (1, 1)),),
        (((0, 0.2), (0.5, 0), (1, 0.25), (0.3, 0.85), (0.05, 0.95), (0.3, 0.8), (1, 1)),),
    ),
    "3": (
        (((0, 0.12), (0.6, 0), (0.9, 0.22), (0.4, 0.45), (1, 0.7), (0.6, 1), (0, 0.9)),),
        (((0, 0), (1, 0), (0.4, 0.4), (1, 0.65), (0.7, 1), (0, 0.92)),),
    ),
    "4": (
        (((0.65, 0), (0, 0.65), (1, 0.65)), ((0.7, 0.3), (0.65, 1))),
        (((0.1, 0), (0, 0.5), (1, 0.5)), ((0.9, 0), (0.85, 1))),
        (((1, 0.62), (0, 0.62), (0.7, 0), (0.7, 1)),),
    ),
    "5": (
        (((0.15, 0), (0.1, 0.42), (0.6, 0.35), (1, 0.65), (0.6, 1), (0, 0.92)), ((0.1, 0), (1, 0))),
        (((1, 0), (0.15, 0), (0.1, 0.45), (0.8, 0.45), (0.9, 0.85), (0, 1)),),
    ),
    "6": (
        (((0.8, 0), (0.2, 0.35), (0, 0.75), (0.5, 1), (0.95, 0.75), (0.5, 0.5), (0.05, 0.7)),),
        (((0.3, 0), (0, 0.5), (0.2, 1), (0.9, 0.95), (0.85, 0.6), (0.1, 0.62)),),
    ),
    "7": (
        (((0, 0), (1, 0), (0.4, 1)),),
        (((0, 0), (1, 0), (0.4, 1)), ((0.2, 0.5), (0.9, 0.5))),
        (((0, 0.2), (0.05, 0), (1, 0.02), (0.6, 0.5), (0.5, 1)),),
    ),
    "8": (
        (
            (
                *((0.9, 0.15), (0.4, 0), (0.1, 0.2), (0.9, 0.7), (0.5, 1), (0.05, 0.75)),
                *((0.8, 0.3), (0.9, 0.15)),
            ),
        ),
        (
            ((0.5, 0), (0.1, 0.22), (0.5, 0.46), (0.9, 0.22), (0.5, 0)),
            ((0.5, 0.46), (0, 0.74), (0.5, 1), (1, 0.74), (0.5, 0.46)),
        ),
    ),
    "9": (
        (((0.95, 0.25), (0.5, 0), (0.05, 0.25), (0.4, 0.5), (0.9, 0.3), (0.95, 0.2), (0.85, 1)),),
        (((0.9, 0.1), (0.2, 0), (0.05, 0.35), (0.8, 0.4), (0.95, 0.05), (0.9, 0.7), (0.2, 1)),),
    ),
}
_LETTERS = "ACEFGHJKLMNPRTUVWYadefhkmnprtuwy?#%&@+=<>"
"""None that a hand could mean as a digit or a cross (B, D, I, O, Q, S, X, Z, b, g, l, q)."""


def blank_ink() -> Ink:
    """A canvas without ink."""
    return np.zeros((CANVAS_PX, CANVAS_PX), dtype=np.uint8)


def draw(ink: Ink, path: Path2D, width: float) -> None:
    """Draw one stroke, ``width`` in pixels of the canvas, at least 1."""
    points = np.round((BOX_LEFT + path * BOX_PX) * 16).astype(np.int32)
    cv2.polylines(ink, [points], False, 255, max(1, round(width)), cv2.LINE_AA, 4)


def smooth(points: Path2D, rounds: int = 2) -> Path2D:
    """Round the corners of a path (Chaikin's corner cutting), keeping its ends."""
    for _ in range(rounds):
        a, b = points[:-1], points[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.vstack([points[:1], cut, points[-1:]])
    return points


def wobble(rng: np.random.Generator, points: Path2D, size: float) -> Path2D:
    """A hand's path through these corners: subdivided, and unsteady by ``size`` (box units)."""
    steps = [a + (b - a) * t for a, b in pairwise(points) for t in (0.0, 0.5)]
    line = np.array([*steps, points[-1]])
    return line + rng.normal(0, size, line.shape)


def pen_width(rng: np.random.Generator) -> float:
    """A pen: mostly ball-points of 2.5 to 6 px on the canvas, sometimes a marker."""
    return float(rng.uniform(6, 10) if rng.random() < 0.08 else rng.uniform(1.6, 6))


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def _place(
    rng: np.random.Generator, strokes: Sequence[Sequence[tuple[float, float]]], wide: bool
) -> list[Path2D]:
    """Put unit strokes somewhere in the box, leaning and stretched as hands do."""
    height = _between(rng, 0.34, 0.86)
    width = height * _between(rng, 0.35, 0.95 if wide else 0.8)
    lean = rng.normal(0, 0.12)
    x = _between(rng, 0.08, max(0.09, 0.92 - width)) * 0.4 + (0.5 - width / 2) * 0.6
    y = _between(rng, 0.06, max(0.07, 0.94 - height)) * 0.4 + (0.5 - height / 2) * 0.6
    placed = []
    for stroke in strokes:
        unit = np.array(stroke, dtype=np.float64)
        placed.append(
            np.stack(
                [
                    x + unit[:, 0] * width + (0.5 - unit[:, 1]) * lean * height,
                    y + unit[:, 1] * height,
                ],
                axis=1,
            )
        )
    return placed


def guide_digit(rng: np.random.Generator, digit: str) -> Ink:
    """A digit traced in square strokes, on the printed guide or somewhere near it."""
    strokes = _SEGMENTS[digit]
    if digit in _OTHER_SEGMENTS and rng.random() < 0.4:
        strokes = _OTHER_SEGMENTS[digit]
    ink, width = blank_ink(), pen_width(rng)
    if rng.random() < 0.6:
        x0, y0, x1, y1 = np.array(GUIDE) + rng.normal(0, 0.025, 4)
        placed = [
            np.array(stroke, dtype=np.float64) * (x1 - x0, y1 - y0) + (x0, y0) for stroke in strokes
        ]
    else:
        placed = _place(rng, strokes, wide=True)
    shake = _between(rng, 0.002, 0.025)
    for path in placed:
        line = wobble(rng, path + rng.normal(0, 0.015, path.shape), shake)
        draw(ink, smooth(line, int(rng.integers(0, 3))), width)
    return ink


def free_digit(rng: np.random.Generator, digit: str) -> Ink:
    """A digit in a free hand, drawn from our own strokes."""
    strokes = _FREE[digit][int(rng.integers(len(_FREE[digit])))]
    ink, width = blank_ink(), pen_width(rng)
    shake = _between(rng, 0.002, 0.02)
    for path in _place(rng, strokes, wide=digit not in {"1"}):
        moved = path + rng.normal(0, 0.022, path.shape)
        draw(ink, smooth(wobble(rng, moved, shake), 3), width)
    return ink


def line_digit(rng: np.random.Generator, line: NDArray[np.uint8], digit: str) -> Ink:
    """A centre-line (64, 64) of a real hand, drawn with a pen somewhere in the box.

    A one that leans far is kept small: long ones would be the diagonal that crosses a box out.
    """
    rows, columns = np.nonzero(line)
    if len(rows) < 4:
        return blank_ink()
    wide, high = int(np.ptp(columns)), int(np.ptp(rows))
    span = max(high, wide, 1)
    leaning = digit == "1" and wide > 0.4 * high
    size = _between(rng, 0.36, 0.55 if leaning else 0.84) * BOX_PX / span
    stretch, lean, turn = _between(rng, 0.75, 1.25), rng.normal(0, 0.1), rng.normal(0, 0.06)
    matrix = np.array(
        [
            [size * stretch * np.cos(turn), size * (lean - np.sin(turn))],
            [size * stretch * np.sin(turn), size * np.cos(turn)],
        ]
    )
    middle = np.array([(columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2])
    target = CANVAS_PX / 2 + rng.normal(0, 0.045, 2) * BOX_PX
    affine = np.column_stack([matrix, target - matrix @ middle])
    width = pen_width(rng)
    # Drawn as a distance field, so that the pen keeps its width however large the digit is.
    away = cv2.distanceTransform(255 - line, cv2.DIST_L2, 5)
    away = cv2.GaussianBlur(away, (0, 0), 0.8)
    field = cv2.warpAffine(
        away, affine, (CANVAS_PX, CANVAS_PX), flags=cv2.INTER_LINEAR, borderValue=99.0
    )
    distance = (field - 0.45) * size
    return np.asarray(np.clip((width / 2 - distance + 0.5) * 255, 0, 255), dtype=np.uint8)


def cross(rng: np.random.Generator, *, diagonals: bool = True) -> Ink:
    """A crossed-out box: small or corner to corner, one or more strokes a way, or one diagonal.

    Args:
        rng: Source of chance.
        diagonals: Whether one diagonal alone may be drawn.

    """
    ink, width = blank_ink(), pen_width(rng)
    kind = rng.uniform(0, 1 if diagonals else 0.82)
    centre = 0.5 + rng.normal(0, 0.04, 2)
    if kind < 0.35:  # corner to corner
        half = np.array([_between(rng, 0.36, 0.56), _between(rng, 0.36, 0.56)])
    elif kind < 0.82:  # a written x
        size = _between(rng, 0.13, 0.38)
        half = np.array([size * _between(rng, 0.55, 1.15), size])
        centre = 0.5 + rng.normal(0, 0.07, 2)
    else:  # one diagonal
        half = np.array([_between(rng, 0.38, 0.58), _between(rng, 0.38, 0.58)])
    ways = [np.array([[-1.0, -1.0], [1.0, 1.0]]), np.array([[1.0, -1.0], [-1.0, 1.0]])]
    rng.shuffle(ways)
    if kind >= 0.82:
        ways = ways[:1]
    turn = rng.normal(0, 0.12) if kind < 0.82 else rng.normal(0, 0.05)
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    repeats = 2 if rng.random() < 0.12 else 1
    looped = kind < 0.82 and repeats == 1 and rng.random() < 0.12
    shake, bend = _between(rng, 0.002, 0.012), _between(rng, 0, 0.04)
    paths = []
    for way in ways:
        for _ in range(repeats):
            ends = way * half + rng.normal(0, 0.03, (2, 2))
            middle = ends.mean(axis=0) + rng.normal(0, bend, 2)
            paths.append(np.vstack([ends[0], middle, ends[1]]) @ rotate.T + centre)
    if looped:  # the pen is not lifted between the two strokes
        second = (
            paths[1] if np.ptp([paths[0][-1], paths[1][0]], axis=0)[1] < 0.2 else paths[1][::-1]
        )
        paths = [np.vstack([paths[0], second])]
    for path in paths:
        draw(ink, smooth(wobble(rng, path, shake), 2), width)
    return ink


def slash(rng: np.random.Generator, zero: Ink) -> Ink:
    """A zero as some write it: struck by one slash, from within it to a little beyond it."""
    rows, columns = np.nonzero(zero > 60)
    if not len(rows):
        return zero
    low = np.array([columns.min(), rows.min()], dtype=np.float64)
    high = np.array([columns.max(), rows.max()], dtype=np.float64)
    ends = np.array([[1.0, 0.0], [0.0, 1.0]] if rng.random() < 0.9 else [[0.0, 0.0], [1.0, 1.0]])
    ends = ends * (high - low) + low
    middle = (low + high) / 2
    ends = middle + (ends - middle) * rng.uniform(0.7, 1.25) + rng.normal(0, 2.5, (2, 2))
    path = (ends - BOX_LEFT) / BOX_PX
    ink = zero.copy()
    draw(ink, smooth(wobble(rng, path, 0.006), 2), pen_width(rng))
    return ink


def strike_lines(rng: np.random.Generator) -> Ink:
    """Two or three level lines, as digits are struck out."""
    ink, width = blank_ink(), pen_width(rng)
    for _ in range(int(rng.integers(2, 4))):
        y, half = 0.5 + rng.normal(0, 0.1), _between(rng, 0.22, 0.46)
        path = np.array([[0.5 - half, y], [0.5, y], [0.5 + half, y]]) + rng.normal(0, 0.02, (3, 2))
        draw(ink, smooth(path), width)
    return ink


def dash(rng: np.random.Generator) -> Ink:
    """One horizontal stroke: short or long, straight, curved or wavy."""
    ink, width = blank_ink(), pen_width(rng)
    half = _between(rng, 0.1, 0.46)
    rise = np.tan(np.clip(rng.normal(0, 0.08), -0.24, 0.24))
    wave = _between(rng, 0, 0.05) * (rng.random() < 0.5)
    t = np.linspace(-1, 1, 12)
    phase, waves = _between(rng, 0, 6.3), _between(rng, 0.5, 1.6)
    path = np.stack(
        [
            0.5 + rng.normal(0, 0.05) + half * t,
            0.5 + rng.normal(0, 0.08) + rise * half * t + wave * np.sin(phase + waves * np.pi * t),
        ],
        axis=1,
    )
    draw(ink, smooth(path + rng.normal(0, 0.004, path.shape), 2), width)
    return ink


def scribble(rng: np.random.Generator) -> Ink:
    """Back-and-forth or random strokes."""
    ink, width = blank_ink(), pen_width(rng)
    count = int(rng.integers(7, 22))
    low, high = 0.5 - _between(rng, 0.15, 0.42), 0.5 + _between(rng, 0.15, 0.42)
    if rng.random() < 0.5:
        path = rng.uniform(low, high, (count, 2))
    else:
        t = np.linspace(low, high, count)
        side = np.where(np.arange(count) % 2, low, high) + rng.normal(0, 0.04, count)
        path = np.stack([t, side] if rng.random() < 0.5 else [side, t], axis=1)
    draw(ink, smooth(path, 2), width)
    return ink


def letter(rng: np.random.Generator) -> Ink:
    """A letter or sign that is no digit and no cross."""
    ink = blank_ink()
    sign = _LETTERS[int(rng.integers(len(_LETTERS)))]
    faces = (
        cv2.FONT_HERSHEY_SIMPLEX,
        cv2.FONT_HERSHEY_DUPLEX,
        cv2.FONT_HERSHEY_COMPLEX,
        cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
        cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
    )
    face, scale = faces[int(rng.integers(len(faces)))], _between(rng, 1.1, 2.4)
    (wide, high), _ = cv2.getTextSize(sign, face, scale, 2)
    x = round(CANVAS_PX / 2 - wide / 2 + rng.normal(0, 4))
    y = round(CANVAS_PX / 2 + high / 2 + rng.normal(0, 4))
    cv2.putText(ink, sign, (x, y), face, scale, 255, int(rng.integers(1, 6)), cv2.LINE_AA)
    return ink


def print_piece(rng: np.random.Generator) -> Ink:
    """Words as the form prints them, cut anywhere."""
    ink = blank_ink()
    for row in range(int(rng.integers(1, 4))):
        word = "".join(chr(int(code)) for code in rng.integers(65, 91, int(rng.integers(4, 12))))
        at = (int(rng.integers(-20, 40)), int(rng.integers(30, 50)) + 32 * row)
        scale = _between(rng, 0.5, 1.3)
        cv2.putText(ink, word, at, cv2.FONT_HERSHEY_DUPLEX, scale, 255, 2, cv2.LINE_AA)
    return ink


def tally(rng: np.random.Generator) -> Ink:
    """Two to five tally strokes, the fifth across."""
    ink, width = blank_ink(), pen_width(rng)
    count = int(rng.integers(2, 6))
    xs = 0.5 + (np.arange(min(count, 4)) - 1.5) * _between(rng, 0.1, 0.18)
    for x in xs:
        path = np.array([[x, 0.22], [x, 0.5], [x, 0.78]]) + rng.normal(0, 0.02, (3, 2))
        draw(ink, smooth(path), width)
    if count == 5:
        draw(ink, np.array([[0.15, 0.7], [0.85, 0.3]]) + rng.normal(0, 0.03, (2, 2)), width)
    return ink


def bubble(rng: np.random.Generator) -> Ink:
    """One printed bubble, empty or filled, as a badly placed cut would show it."""
    ink = blank_ink()
    centre = tuple(int(c) for c in np.round(CANVAS_PX / 2 + rng.normal(0, 12, 2)))
    radius = int(rng.integers(12, 30))
    thickness = -1 if rng.random() < 0.5 else int(rng.integers(1, 4))
    cv2.circle(ink, centre, radius, 255, thickness, cv2.LINE_AA)
    return ink


def squeezed(ink: Ink, scale: float, shift: float) -> Ink:
    """The same ink narrower by ``scale`` and moved sideways by ``shift`` (box units)."""
    middle = CANVAS_PX / 2
    affine = np.array(
        [[scale, 0, middle + shift * BOX_PX - scale * middle], [0, 1, 0]], dtype=np.float64
    )
    return np.asarray(cv2.warpAffine(ink, affine, (CANVAS_PX, CANVAS_PX)), dtype=np.uint8)


def specks(rng: np.random.Generator) -> Ink:
    """Dirt: a few dots, much smaller than any stroke somebody meant to write."""
    ink = blank_ink()
    for _ in range(int(rng.integers(1, 5))):
        x, y = (int(c) for c in rng.integers(10, CANVAS_PX - 10, 2))
        cv2.circle(ink, (x, y), int(rng.integers(1, 3)), int(rng.integers(80, 255)), -1)
    return ink
