"""Tally strokes and lines that shut unused cells, as pen paths in units of one cell.

(0, 0) is the cell's top left corner and (1, 1) its bottom right; what reaches beyond belongs to
the neighbours' pictures too. Independent of ``fixtures``, which the recogniser is tested on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Paths = list[NDArray[np.float64]]
"""Each (n, 2), x then y."""


@dataclass(frozen=True)
class Writer:
    """How one hand tallies."""

    kind: str
    """``uprights`` (four and a stroke across), ``joined`` (the pen is not lifted between them),
    ``box`` (a square and its diagonal) or ``five`` (five uprights)."""
    aspect: float
    """Width of a cell by its height, on paper."""
    pitch: float
    """From one upright to the next, as a share of the cell's width."""
    height: float
    """Of an upright, as a share of the cell's height."""
    lean: float
    """To the right at the top, as a share of an upright's height."""
    uneven: float
    """How much tops, feet and distances differ, as a share of height and pitch."""
    bow: float
    """How far an upright bends, as a share of its height."""
    shake: float
    start: tuple[float, float]
    """Usual middle of a five, in the cell."""
    across: tuple[float, float, float, float]
    """The stroke across: where it starts and ends, in pitches from the first upright (0) to the
    fourth (3) and in heights from the tops (0) to the feet (1): x, y, x, y."""
    hooks: float
    """Chance that a foot or top is joined to the next by a light line."""
    corner: int
    """Of a box: where its strokes begin."""

    @classmethod
    def random(cls, rng: np.random.Generator) -> Writer:
        """Invent a hand."""
        kind = str(rng.choice(["uprights", "joined", "box", "five"], p=[0.73, 0.14, 0.1, 0.03]))
        aspect = float(rng.uniform(1.05, 1.4) if rng.random() < 0.6 else rng.uniform(0.85, 2.1))
        pitch = float(rng.uniform(0.085, 0.17) if rng.random() < 0.75 else rng.uniform(0.1, 0.24))
        if kind == "five":
            pitch = min(pitch, 0.17)
        return cls(
            kind=kind,
            aspect=aspect,
            pitch=pitch,
            height=float(rng.uniform(0.4, 0.75) if rng.random() < 0.7 else rng.uniform(0.3, 0.98)),
            lean=float(np.clip(rng.normal(0.06, 0.13), -0.3, 0.42)),
            uneven=float(rng.uniform(0.0, 0.13)),
            bow=float(rng.normal(0, 0.05)),
            shake=float(rng.uniform(0.0, 0.012)),
            start=(
                float(np.clip(rng.normal(0.45, 0.1), 0.25, 0.7)),
                float(np.clip(rng.normal(0.5, 0.08), 0.32, 0.68)),
            ),
            across=_across(rng),
            hooks=float(rng.choice([0.0, 0.25, 0.7], p=[0.65, 0.2, 0.15])),
            corner=int(rng.integers(8)),
        )


def _across(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """The stroke that makes four a five, in all its ways."""
    way = rng.random()
    if way < 0.42:  # through all of them, from end to end or from corner to corner
        x0, x1 = rng.uniform(-0.9, 0.05), rng.uniform(2.9, 4.2)
    elif way < 0.8:  # it starts at the second, and ends at the fourth or beyond it
        x0, x1 = rng.uniform(0.35, 1.1), rng.uniform(2.8, 4.4)
    elif way < 0.9:  # it ends before the fourth
        x0, x1 = rng.uniform(-0.9, 0.1), rng.uniform(2.05, 2.8)
    else:  # only the middle ones
        x0, x1 = rng.uniform(0.3, 0.95), rng.uniform(2.05, 2.75)
    lie = rng.random()
    if lie < 0.34:  # down
        y0, y1 = rng.uniform(-0.12, 0.36), rng.uniform(0.62, 1.12)
    elif lie < 0.74:  # up
        y0, y1 = rng.uniform(0.55, 1.12), rng.uniform(-0.12, 0.42)
    else:  # level, or nearly
        y0 = rng.uniform(0.25, 0.72)
        y1 = y0 + rng.normal(0, 0.09)
    return float(x0), float(y0), float(x1), float(y1)


def strokes(writer: Writer, count: int, rng: np.random.Generator) -> Paths:
    """1 to 5 counted votes, where this hand puts them in a cell."""
    drawn = _box if writer.kind == "box" else _uprights
    return _settle(drawn(writer, count, rng), rng)


def _uprights(writer: Writer, count: int, rng: np.random.Generator) -> Paths:
    all_upright = writer.kind == "five"
    uprights = count if all_upright else min(count, 4)
    middle_x = writer.start[0] + rng.normal(0, 0.06)
    middle_y = writer.start[1] + rng.normal(0, 0.05)
    if count < 5 and rng.random() < 0.3:  # a few strokes stand anywhere
        middle_x += rng.uniform(-0.1, 0.2)
    left = middle_x - 1.5 * writer.pitch
    xs = left + writer.pitch * (
        np.arange(uprights) + np.clip(rng.normal(0, writer.uneven * 1.6, uprights), -0.35, 0.35)
    )
    high = writer.height * np.maximum(0.45, 1 + rng.normal(0, writer.uneven, uprights))
    tops = middle_y - high / 2 + rng.normal(0, writer.uneven / 2, uprights) * writer.height
    leans = (writer.lean + rng.normal(0, 0.06, uprights)) * high / writer.aspect
    lines = [
        _bowed(
            np.array([[xs[i] + leans[i] / 2, tops[i]], [xs[i] - leans[i] / 2, tops[i] + high[i]]]),
            (writer.bow + rng.normal(0, 0.02)) * high[i] / writer.aspect,
        )
        for i in range(uprights)
    ]
    if writer.kind == "joined":
        lines = [np.concatenate(lines)]
    else:
        lines += [
            np.stack([a[-1], b[-1]]) if rng.random() < 0.6 else np.stack([a[-1], b[0]])
            for a, b in pairwise(lines)
            if rng.random() < writer.hooks * 0.5
        ]
    if count == 5 and not all_upright:
        x0, y0, x1, y1 = writer.across
        top, foot = float(tops.min()), float((tops + high).max())
        ends = np.array([[x0, y0], [x1, y1]]) + rng.normal(0, 0.09, (2, 2))
        level = left + ends[:, 0] * writer.pitch
        slope = writer.lean * writer.height / writer.aspect
        level += (0.5 - ends[:, 1]) * slope
        across = np.stack([level, top + ends[:, 1] * (foot - top)], axis=1)
        lines.append(_bowed(across, rng.normal(0, 0.02)))
    return [line + rng.normal(0, writer.shake, line.shape) for line in lines]


def _box(writer: Writer, count: int, rng: np.random.Generator) -> Paths:
    """A square side by side, the fifth its diagonal; the first side is an upright."""
    high = writer.height * rng.uniform(0.85, 1.1)
    wide = high / writer.aspect * float(np.clip(2.2 * writer.pitch / 0.25, 0.6, 1.5))
    corners = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]]) * (wide, high)
    if writer.corner & 1:  # mirrored: it begins on the right
        corners = corners * (-1, 1)
    if writer.corner & 2:  # upside down: the second side is the top
        corners = corners * (1, -1)
    order = [0, 1, 2, 3] if not writer.corner & 4 else [0, 1, 3, 2]
    corners = corners + np.array(writer.start) + rng.normal(0, 0.04, 2)
    ends = {0: (0, 1), 1: (1, 2), 2: (2, 3), 3: (3, 0)}
    sides = [np.stack([corners[ends[i][0]], corners[ends[i][1]]]) for i in order]
    across = (0, 2) if rng.random() < 0.5 else (1, 3)
    sides.append(np.stack([corners[across[0]], corners[across[1]]]))
    stretch = rng.uniform(-0.1, 0.15)
    lines = []
    for side in sides[:count]:
        middle = side.mean(axis=0)
        long = middle + (side - middle) * (1 + stretch)
        lines.append(_bowed(long + rng.normal(0, 0.02, (2, 2)), rng.normal(0, 0.015)))
    return [line + rng.normal(0, writer.shake, line.shape) for line in lines]


def _settle(paths: Paths, rng: np.random.Generator) -> Paths:
    """Push a group back where it would stand too far in a neighbour's cell.

    A tenth of the cell beyond its lines is left to it, or a tail of the last stroke.
    """
    points = np.concatenate(paths)
    low, high = np.quantile(points, (0.04, 0.96), axis=0)
    slack = rng.uniform(0.0, 0.1, 2)
    shift = np.maximum(-slack - low, 0) + np.minimum(1 + slack - high, 0)
    return [path + shift for path in paths]


def _bowed(ends: NDArray[np.float64], bow: float) -> NDArray[np.float64]:
    """A line as three to five points, bent sideways by ``bow``."""
    t = np.linspace(0, 1, 5)[:, None]
    across = np.array([ends[1, 1] - ends[0, 1], ends[0, 0] - ends[1, 0]])
    across = across / max(float(np.hypot(*across)), 1e-6)
    return np.asarray(ends[0] + (ends[1] - ends[0]) * t + 4 * bow * t * (1 - t) * across)


def cross(aspect: float, rng: np.random.Generator) -> Paths:
    """One cell crossed out: flat or tall, small or beyond its lines, in one stroke or two."""
    half = np.array([rng.uniform(0.22, 0.56), rng.uniform(0.22, 0.56)])
    if rng.random() < 0.15:
        half *= rng.uniform(0.55, 0.85)
    centre = 0.5 + rng.normal(0, 0.06, 2)
    lines = []
    for way in ([[-1, -1], [1, 1]], [[1, -1], [-1, 1]]):
        ends = np.array(way) * half + rng.normal(0, 0.045, (2, 2)) + centre
        lines.append(_bowed(ends, rng.normal(0, 0.03)))
    if rng.random() < 0.2:
        lines = [np.concatenate([lines[0], lines[1][::-1] if rng.random() < 0.5 else lines[1]])]
    if rng.random() < 0.08:
        lines.append(lines[0] + rng.normal(0, 0.05, 2))
    del aspect
    return lines


def passing(aspect: float, rng: np.random.Generator) -> Paths:
    """Lines that shut several cells at once, as far as one cell sees them."""
    way = rng.random()
    if way < 0.3:
        paths = _levels(rng)
    elif way < 0.55:
        paths = [_through(aspect, rng)]
    elif way < 0.68:
        paths = _corner(aspect, rng)
    elif way < 0.78:  # the middle of a large cross, or where two lines meet
        paths = [_through(aspect, rng), _through(aspect, rng)]
    elif way < 0.86:  # hatched
        first = _through(aspect, rng)
        step = np.array([rng.uniform(0.3, 0.8), rng.uniform(-0.1, 0.1)])
        paths = [first + step * k for k in (-2, -1, 0, 1, 2)]
    elif way < 0.93:
        paths = [_alone(rng)]
    else:  # a wave
        t = np.linspace(-0.6, 1.6, 40)
        wave = rng.uniform(0.05, 0.25) * np.sin(rng.uniform(4, 16) * t + rng.uniform(0, 6.3))
        paths = [np.stack([t, rng.uniform(0.3, 0.7) + wave], axis=1)]
    return paths


def _alone(rng: np.random.Generator) -> NDArray[np.float64]:
    """One stroke in each cell: a diagonal or a dash."""
    if rng.random() < 0.5:
        half, y = rng.uniform(0.22, 0.48), rng.uniform(0.35, 0.65)
        ends = np.array([[0.5 - half, y], [0.5 + half, y + rng.normal(0, 0.05)]])
    else:
        half_x, half_y = rng.uniform(0.32, 0.55), rng.uniform(0.32, 0.55)
        ends = np.array([[-half_x, half_y], [half_x, -half_y]])
        ends = ends * np.array([1, rng.choice([1, -1], p=[0.75, 0.25])]) + 0.5
    return _bowed(ends + rng.normal(0, 0.04, (2, 2)), rng.normal(0, 0.03))


def _levels(rng: np.random.Generator) -> Paths:
    """A level line right through, or its beginning or end; sometimes two."""
    lines = []
    for _ in range(2 if rng.random() < 0.15 else 1):
        y, rise = rng.uniform(0.08, 0.92), rng.normal(0, 0.06)
        x0, x1 = -1.0, 2.0
        part = rng.random()
        if part < 0.25:
            x0 = rng.uniform(0.0, 0.68)
        elif part < 0.5:
            x1 = rng.uniform(0.32, 1.0)
        lines.append(_bowed(np.array([[x0, y - rise], [x1, y + rise]]), rng.normal(0, 0.03)))
    return lines


def _through(aspect: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A long slanting line with a good part of it in the cell; steep ones pass its borders."""
    for _ in range(50):
        angle = np.radians(rng.uniform(-38, 38) if rng.random() < 0.6 else rng.uniform(-84, 84))
        step = np.array([np.cos(angle), -np.sin(angle) * aspect])
        point = rng.uniform(0.06, 0.94, 2)
        line = np.array([point - 3 * step, point + 3 * step])
        inside = _share_inside(line)
        if inside >= (0.8 if abs(step[1]) > abs(step[0]) else 0.4):
            return _bowed(line, rng.normal(0, 0.02))
    return _bowed(np.array([[-1.0, 0.5], [2.0, 0.5]]), 0.0)


def _share_inside(line: NDArray[np.float64]) -> float:
    """The longer of the sides (in cells) of what is inside the cell of a line."""
    t = np.linspace(0, 1, 400)[:, None]
    points = line[0] + (line[1] - line[0]) * t
    inside = points[((points >= 0) & (points <= 1)).all(axis=1)]
    return float(np.ptp(inside, axis=0).max()) if len(inside) > 1 else 0.0


def _corner(aspect: float, rng: np.random.Generator) -> Paths:
    """Where the Z turns: a level line and a slanting one meet in the cell."""
    point = np.array([rng.uniform(0.15, 0.9), rng.uniform(0.15, 0.85)])
    side = rng.choice([-1.0, 1.0])
    slant = np.radians(rng.uniform(4, 80))
    level = np.array([point + np.array([2 * side, rng.normal(0, 0.06)]), point])
    away = np.array([2 * side * np.cos(slant), 2 * np.sin(slant) * aspect * side])
    return [np.concatenate([_bowed(level, 0.0), _bowed(np.array([point, point + away]), 0.0)])]


def beside(rng: np.random.Generator) -> Paths:
    """A line that shuts cells of the row above or below and only touches this one's margin."""
    y = rng.uniform(-0.3, -0.04) if rng.random() < 0.5 else rng.uniform(1.04, 1.3)
    rise = rng.normal(0, 0.01)
    return [_bowed(np.array([[-1.0, y - rise], [2.0, y + rise]]), 0.0)]
