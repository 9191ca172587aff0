"""Find a page by its rulings: the lines of its tables, as a pattern of spacings.

For forms without a square code, and for scans whose digit boxes touch. Straight lines in the
picture run in two directions. Once these are made upright, a page can lie there in four ways
(quarter turns), and each way has two scales and two offsets: the spacings of the horizontal lines
give one of each, those of the vertical lines the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.forms.template import FormTemplate, PageTemplate
from pipeline.arrays import Array, Grey
from pipeline.constellation import Guess
from pipeline.fitting import robust_homography
from pipeline.ink import even_ink
from pipeline.locate import enlarge
from pipeline.spread import Known
from pipeline.warp import project

LONG_SIDE_PX = 1100
"""Lines are looked for at this size."""

INK_WINDOW = 1 / 40
"""Neighbourhood of the ink map as a share of the long side."""

FAINT_INK = 40
"""Ink below this is no line: paper, shade, and the watermark behind the print."""

LEAST_LINE = 0.016
"""Shortest piece of a line, as a share of the long side: a digit box of A4 is 0.025."""

LEAST_PIECES = 16
"""With fewer pieces of lines there is no table."""

SLANT_DEGREES = 14.0
"""How far lines of one direction may differ from its middle: perspective."""

CELLS = 1000
"""The straightened picture has this many cells along its long side."""

NEAR_CELLS = 2
"""How far a line may be from where it is expected."""

BESIDE_MM = 5.0
"""So far beside a line there should be none."""

STRONGEST = 12
"""Lines of a page that are laid, two by two, on two of the picture."""

STRONGEST_SEEN = 18
"""Lines of the picture that are tried."""

MOST_PER_AXIS = 8
"""Ways to lay one axis that are kept."""

LEAST_OF_AXIS = 0.25
"""Share of the rulings of one direction that must be seen for the other to be tried."""

SHEET = (0.3, 1.6)
"""Size of a sheet in the picture, as a share of the picture's long side."""

STRETCH = (0.72, 1.4)
"""Ratio of the two scales: what tilt leaves after straightening."""

LEAST_SCORE = 0.30
"""Share of the page's rulings that must be seen, less what is seen beside them."""

LONG_LINE = 0.025
"""Pieces of lines longer than this share of the long side are no handwriting."""

SAME = 0.02
"""Two placings whose corners are nearer than this share of the long side are one."""

Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Straight lines of a picture, made upright."""

    upright: Array
    """(3, 3) px of the picture to cells."""
    across: Array
    """(n, 4) cells: x0, y, x1, y of horizontal pieces."""
    down: Array
    """(m, 4) cells: x, y0, x, y1 of vertical pieces."""
    size: tuple[int, int]
    """Width and height in cells."""


def guesses_by_rulings(grey: Grey, forms: Iterable[FormTemplate], most: int) -> list[Guess]:
    """The best ways to lay a page's rulings over the lines of a picture, best first.

    Args:
        grey: (h, w) picture.
        forms: Whose pages to try.
        most: How many guesses to give at most, each a different placing.
    """
    factor = max(1.0, max(grey.shape) / LONG_SIDE_PX)
    size = round(grey.shape[1] / factor), round(grey.shape[0] / factor)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if factor > 1 else grey
    lines = _lines(np.asarray(small, np.uint8))
    if lines is None:
        return []
    picture = _Picture(lines)
    made: list[tuple[float, FormTemplate, PageTemplate, Array]] = []
    for form in forms:
        for page in form.pages:
            pattern = pattern_of(form, page)
            if pattern is None:
                continue
            for quarter_turns in range(4):
                turned = pattern.turned(quarter_turns, form.page_mm)
                for seen, laid in picture.lay(turned):
                    fit = seen * picture.explained(turned, laid)
                    made.append((fit, form, page, laid @ _turn(quarter_turns, form.page_mm)))
    made.sort(key=lambda one: one[0], reverse=True)
    guesses: list[Guess] = []
    corners: list[Array] = []
    for fit, form, page, to_cells in made:
        wide, high = form.page_mm
        outline = project(to_cells, np.array([[0.0, 0], [wide, 0], [wide, high], [0, high]]))
        if any(
            other.page is page and np.abs(outline - there).max() < SAME * CELLS
            for other, there in zip(guesses, corners, strict=True)
        ):
            continue
        guess = picture.guess(form, page, to_cells, factor, fit)
        if guess is not None:
            guesses.append(guess)
            corners.append(outline)
        if len(guesses) == most:
            break
    return guesses


@dataclass(frozen=True, slots=True)
class Pattern:
    """A page's rulings, (n, 4) mm each: x0, y0, x1, y1."""

    across: Array
    down: Array

    def turned(self, quarter_turns: int, size_mm: tuple[float, float]) -> Pattern:
        """The rulings of the sheet turned clockwise."""
        turn = _turn(quarter_turns, size_mm)

        def moved(lines: Array) -> Array:
            ends = project(turn, lines.reshape(-1, 2)).reshape(-1, 2, 2)
            return np.concatenate([ends.min(axis=1), ends.max(axis=1)], axis=1)

        across, down = moved(self.across), moved(self.down)
        return Pattern(across, down) if quarter_turns % 2 == 0 else Pattern(down, across)


def _turn(quarter_turns: int, size_mm: tuple[float, float]) -> Array:
    """(3, 3): the sheet turned clockwise, its top left corner again at the origin."""
    wide, high = size_mm
    turns = (
        np.eye(3),
        np.array([[0.0, -1, high], [1, 0, 0], [0, 0, 1]]),
        np.array([[-1.0, 0, wide], [0, -1, high], [0, 0, 1]]),
        np.array([[0.0, 1, 0], [-1, 0, wide], [0, 0, 1]]),
    )
    return turns[quarter_turns]


def pattern_of(form: FormTemplate, page: PageTemplate) -> Pattern | None:
    """All black lines of a page: its rulings and the sides of its boxes."""
    lines = [ruling.line for ruling in page.rulings if ruling.ink == "black"]
    boxes = [box for field in page.fields for box in field.boxes if form.box_ink == "black"]
    for box in (*boxes, *page.extra_boxes):
        x0, y0, x1, y1 = box
        lines += [(x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)]
    every = np.array(lines, np.float64)
    across = every[every[:, 1] == every[:, 3]]
    down = every[every[:, 0] == every[:, 2]]
    if len(across) < 3 or len(down) < 3:
        return None
    return Pattern(across, down)


def _lines(grey: Grey) -> _Lines | None:
    """Straight lines of the two main directions, or nothing where there are too few."""
    dark = even_ink(grey, round(max(grey.shape) * INK_WINDOW))
    dark[dark < FAINT_INK] = 0
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE).detect(dark)[0]
    if found is None:
        return None
    pieces = np.asarray(found, np.float64).reshape(-1, 4)
    long_side = max(grey.shape)
    length = np.hypot(pieces[:, 2] - pieces[:, 0], pieces[:, 3] - pieces[:, 1])
    pieces, length = (
        pieces[length >= LEAST_LINE * long_side],
        length[length >= LEAST_LINE * long_side],
    )
    if len(pieces) < LEAST_PIECES:
        return None
    angle = np.degrees(np.arctan2(pieces[:, 3] - pieces[:, 1], pieces[:, 2] - pieces[:, 0]))
    main = _main_direction(angle, length)
    off = (angle - main + 90) % 180 - 90
    across = np.abs(off) < SLANT_DEGREES
    down = np.abs(off) > 90 - SLANT_DEGREES
    if across.sum() < LEAST_PIECES / 2 or down.sum() < LEAST_PIECES / 2:
        return None
    centre = np.array([grey.shape[1], grey.shape[0]]) / 2
    half = long_side / 2
    scaled = (pieces.reshape(-1, 2, 2) - centre) / half
    right = _vanishing(scaled[across], main)
    below = _vanishing(scaled[down], main + 90)
    horizon = np.cross(right, below)
    if abs(horizon[2]) < 0.2 * np.abs(horizon).max():
        return None
    flat = np.array([[1.0, 0, 0], [0, 1, 0], horizon / horizon[2]])
    along, aside = (flat @ right)[:2], (flat @ below)[:2]
    basis = np.stack([along / np.hypot(*along), aside / np.hypot(*aside)], axis=1)
    upright = np.eye(3)
    upright[:2, :2] = np.linalg.inv(basis)
    into = np.array([[1 / half, 0, -centre[0] / half], [0, 1 / half, -centre[1] / half], [0, 0, 1]])
    upright = upright @ flat @ into
    return _measured(upright, pieces[across], pieces[down])


def _measured(upright: Array, across: Array, down: Array) -> _Lines | None:
    """Lay the pieces into cells; those that are not upright after all are left out."""
    flat_across = project(upright, across.reshape(-1, 2)).reshape(-1, 2, 2)
    flat_down = project(upright, down.reshape(-1, 2)).reshape(-1, 2, 2)
    ends = np.concatenate([flat_across, flat_down]).reshape(-1, 2)
    low, high = np.percentile(ends, 0.5, axis=0), np.percentile(ends, 99.5, axis=0)
    scale = CELLS / max(1e-6, float((high - low).max()))
    shift = np.array([[scale, 0, -scale * low[0]], [0, scale, -scale * low[1]], [0, 0, 1]])
    size = np.ceil((high - low) * scale).astype(int) + 1
    flat_across = (flat_across - low) * scale
    flat_down = (flat_down - low) * scale

    def kept(pieces: Array, axis: int) -> Array:
        rise = np.abs(pieces[:, 1, axis] - pieces[:, 0, axis])
        run = np.abs(pieces[:, 1, 1 - axis] - pieces[:, 0, 1 - axis])
        good = pieces[rise < np.maximum(2.0, 0.035 * run)]
        middle = good[:, :, axis].mean(axis=1)
        start, end = good[:, :, 1 - axis].min(axis=1), good[:, :, 1 - axis].max(axis=1)
        columns = [start, middle, end, middle] if axis == 1 else [middle, start, middle, end]
        return np.stack(columns, axis=1)

    lines = _Lines(
        shift @ upright, kept(flat_across, 1), kept(flat_down, 0), (int(size[0]), int(size[1]))
    )
    enough = min(len(lines.across), len(lines.down)) >= LEAST_PIECES / 2
    return lines if enough else None


def _main_direction(angle: Array, length: Array) -> float:
    """The angle, -45 to 45 degrees, in which most of the lines run or at right angles to it."""
    folded = (angle + 45) % 90 - 45
    bins = np.round((folded + 45) * 2).astype(int) % 180
    counts = np.bincount(bins, weights=length, minlength=180)
    around = sum(np.roll(counts, step) for step in range(-4, 5))
    return float(np.argmax(around)) / 2 - 45


def _vanishing(pieces: Array, degrees: float) -> Array:
    """The point, homogeneous, where (n, 2, 2) pieces of lines meet: far away, as a rule."""
    ends = np.concatenate([pieces, np.ones((len(pieces), 2, 1))], axis=2)
    lines = np.cross(ends[:, 0], ends[:, 1])
    length = np.hypot(*(pieces[:, 1] - pieces[:, 0]).T)
    lines /= np.hypot(lines[:, 0], lines[:, 1])[:, None]
    direction = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    aside = np.array([-direction[1], direction[0]])
    # The point is direction + s * aside + t * (0, 0, 1): two unknowns, few degrees each.
    columns = np.stack([lines[:, :2] @ aside, lines[:, 2]], axis=1)
    values = -(lines[:, :2] @ direction)
    answer = np.zeros(2)
    weight = length
    for tolerance in np.geomspace(0.12, 0.008, 8):
        root = np.sqrt(weight)[:, None]
        ridge = np.diag([1e-3, 0.02]) * weight.sum() * 0.02
        left = (columns * root).T @ (columns * root) + ridge
        answer = np.linalg.solve(left, (columns * weight[:, None]).T @ values)
        error = columns @ answer - values
        weight = length / (1 + (error / tolerance) ** 2) ** 2
    return np.array([*(direction + answer[0] * aside), answer[1]])


class _Picture:
    """The lines of a picture as masks and profiles, ready for pages to be laid on them."""

    def __init__(self, lines: _Lines) -> None:
        self.lines = lines
        wide, high = lines.size
        thin_across, thin_down = np.zeros((high, wide), np.uint8), np.zeros((high, wide), np.uint8)
        for mask, pieces in ((thin_across, lines.across), (thin_down, lines.down)):
            ends = np.rint(pieces).astype(np.int32).reshape(-1, 2, 2)
            cv2.polylines(mask, list(ends), False, 1)
        near = 2 * NEAR_CELLS + 1
        self.across: Mask = _thick(thin_across, (near, 1))
        self.down: Mask = _thick(thin_down, (1, near))
        self.rows = _thick(thin_across, (3, 1)).sum(axis=1).astype(np.float64)
        self.columns = _thick(thin_down, (1, 3)).sum(axis=0).astype(np.float64)

    def lay(self, pattern: Pattern) -> list[tuple[float, Array]]:
        """Ways to lay a page: score, and (3, 3) mm to cells."""
        extent = np.concatenate([pattern.across, pattern.down])
        mm = max(extent[:, 2].max() - extent[:, 0].min(), extent[:, 3].max() - extent[:, 1].min())
        scales = SHEET[0] * CELLS / mm, SHEET[1] * CELLS / mm
        ys = _axis(self.rows, pattern.across[:, 1], _lengths(pattern.across), scales)
        if not len(ys):
            return []
        xs = _axis(self.columns, pattern.down[:, 0], _lengths(pattern.down), scales)
        if not len(xs):
            return []
        across, down = sampled(pattern.across), sampled(pattern.down)
        ways: list[tuple[float, Array]] = []
        for sy, oy in ys:
            for sx, ox in xs:
                if not STRETCH[0] < sx / sy < STRETCH[1]:
                    continue
                score = self._score(across, down, (sx, ox), (sy, oy))
                if score >= LEAST_SCORE:
                    ways.append((score, np.array([[sx, 0, ox], [0, sy, oy], [0, 0, 1.0]])))
        ways.sort(key=lambda way: way[0], reverse=True)
        return ways[:3]

    def _score(
        self, across: Array, down: Array, x: tuple[float, float], y: tuple[float, float]
    ) -> float:
        """Share of the rulings seen, less the share seen beside them; 0 where few are in view."""
        total = hits = wrong = 0.0
        wide, high = self.lines.size
        for points, mask, step in (
            (across, self.across, (0.0, 1.0)),
            (down, self.down, (1.0, 0.0)),
        ):
            u, v = points[:, 0] * x[0] + x[1], points[:, 1] * y[0] + y[1]
            inside = (u >= 0) & (u < wide - 1) & (v >= 0) & (v < high - 1)
            if inside.sum() < 0.5 * len(points):
                return 0.0
            total += float(inside.sum())
            hits += _at(mask, u[inside], v[inside])
            for sign in (-1, 1):
                du, dv = sign * step[0] * BESIDE_MM * x[0], sign * step[1] * BESIDE_MM * y[0]
                wrong += 0.5 * _at(mask, u[inside] + du, v[inside] + dv)
        return (hits - wrong) / total

    def explained(self, pattern: Pattern, laid: Array) -> float:
        """Share of the long lines within a page's tables that the page has, 0 to 1."""
        high, wide = self.across.shape
        scale, shift = laid[[0, 1], [0, 1]], laid[:2, 2]
        every = np.concatenate([pattern.across, pattern.down])
        corners = np.array([every[:, :2].min(axis=0), every[:, 2:].max(axis=0)]) * scale + shift
        (x0, y0), (x1, y1) = np.clip(np.rint(corners), 0, [wide, high]).astype(int)
        known = every_length = 0
        for lines, pieces in ((pattern.across, self.lines.across), (pattern.down, self.lines.down)):
            there, here = np.zeros((high, wide), np.uint8), np.zeros((high, wide), np.uint8)
            ends = np.rint(lines.reshape(-1, 2, 2) * scale + shift).astype(np.int32)
            cv2.polylines(there, list(ends), False, 1, thickness=4 * NEAR_CELLS - 1)
            long = pieces[_lengths(pieces) > LONG_LINE * CELLS]
            cv2.polylines(here, list(np.rint(long).astype(np.int32).reshape(-1, 2, 2)), False, 1)
            known += int((there & here)[y0:y1, x0:x1].sum())
            every_length += int(here[y0:y1, x0:x1].sum())
        return known / every_length if every_length else 0.0

    def guess(
        self, form: FormTemplate, page: PageTemplate, to_cells: Array, factor: float, fit: float
    ) -> Guess | None:
        """A way to lay a page as a guess: its crossings in px of the full picture."""
        points = _crossings(form, page)
        expected = project(to_cells, points)
        seen = np.full((len(points), 2), np.nan)
        for index, (u, v) in enumerate(expected):
            seen[index, 1] = _line_at(self.lines.across, v, u, 1)
            seen[index, 0] = _line_at(self.lines.down, u, v, 0)
        found = ~np.isnan(seen).any(axis=1)
        if found.sum() < 6:
            return None
        back = np.asarray(np.linalg.inv(self.lines.upright), np.float64)
        targets = enlarge(project(back, seen[found]), factor)
        start = _enlarging(factor) @ back @ to_cells
        trust = np.ones(int(found.sum()))
        homography = robust_homography(points[found], targets, trust, start, (8.0, 2.0))
        # Crossings that the fit contradicts are other lines: leave them out.
        scale = _px_per_mm(homography, form.page_mm)
        off = np.hypot(*(project(homography, points[found]) - targets).T) / scale
        good = off < 2.5
        if good.sum() < 6:
            return None
        known = Known(points[found][good], targets[good], trust[good])
        matched, missed = int(good.sum()), int((~found).sum())
        return Guess(form, page, homography, known, matched, missed, "rulings", fit)


def _thick(mask: Mask, shape: tuple[int, int]) -> Mask:
    return np.asarray(cv2.dilate(mask, np.ones(shape, np.uint8)), np.uint8)


def _lengths(lines: Array) -> Array:
    return np.asarray(np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]), np.float64)


def sampled(lines: Array, step_mm: float = 10.0) -> Array:
    """(n, 2) mm: points along lines, ends left out."""
    points = []
    for x0, y0, x1, y1 in lines:
        count = max(1, round(max(x1 - x0, y1 - y0) / step_mm))
        share = (np.arange(count) + 0.5) / count
        points.append(np.stack([x0 + share * (x1 - x0), y0 + share * (y1 - y0)], axis=1))
    return np.concatenate(points)


def _at(mask: Mask, u: Array, v: Array) -> float:
    """How many points lie on a mask; those outside do not."""
    columns, rows = np.rint(u).astype(int), np.rint(v).astype(int)
    high, wide = mask.shape
    inside = (columns >= 0) & (columns < wide) & (rows >= 0) & (rows < high)
    return float(mask[rows[inside], columns[inside]].sum())


def _axis(
    profile: Array, places: Array, lengths: Array, scales: tuple[float, float]
) -> list[tuple[float, float]]:
    """Ways to lay the lines of one direction on a profile: (cells per mm, offset in cells)."""
    order = np.argsort(places)
    places, lengths = places[order], lengths[order]
    groups = np.cumsum(np.concatenate([[0], np.diff(places) > 1.0]))
    weight = np.bincount(groups, weights=lengths)
    place = np.bincount(groups, weights=places * lengths) / weight
    strong = np.argsort(-weight)[:STRONGEST]
    peaks = _peaks(profile, STRONGEST_SEEN)
    if len(peaks) < 3 or len(strong) < 3:
        return []
    first, second = np.array(list(combinations(np.sort(peaks), 2))).T
    low, high = np.array(list(combinations(np.sort(place[strong]), 2))).T
    scale = (second - first)[:, None] / (high - low)[None, :]
    offset = first[:, None] - scale * low[None, :]
    good = (scale >= scales[0]) & (scale <= scales[1])
    scale, offset = scale[good], offset[good]
    if not len(scale):
        return []
    at = scale[:, None] * place[None, :] + offset[:, None]
    cells = np.rint(at).astype(int)
    inside = (cells >= 0) & (cells < len(profile))
    smooth = np.maximum(profile, np.maximum(np.roll(profile, 1), np.roll(profile, -1)))
    seen = np.where(inside, smooth[np.clip(cells, 0, len(profile) - 1)], 0.0)
    due = scale[:, None] * weight[None, :]
    cover = np.minimum(seen / np.maximum(due, 1.0), 1.0) * weight
    in_view = (inside * weight).sum(axis=1)
    beside = np.zeros(len(scale))
    for sign in (-1, 1):
        there = np.rint(at + sign * BESIDE_MM * scale[:, None]).astype(int)
        ok = (there >= 0) & (there < len(profile))
        value = np.where(ok, profile[np.clip(there, 0, len(profile) - 1)], 0.0)
        beside += 0.5 * (np.minimum(value / np.maximum(due, 1.0), 1.0) * weight).sum(axis=1)
    score = np.where(
        in_view >= 0.5 * weight.sum(),
        (cover.sum(axis=1) - beside) / np.maximum(in_view, 1e-9),
        -1.0,
    )
    span = float(place[-1] - place[0])
    kept: list[tuple[float, float]] = []
    for index in np.argsort(-score)[:200]:
        if score[index] < LEAST_OF_AXIS:
            break
        s, o = float(scale[index]), float(offset[index])
        start, end = s * place[0] + o, s * (place[0] + span) + o
        if any(
            abs(start - (t * place[0] + p)) < 4 and abs(end - (t * (place[0] + span) + p)) < 4
            for t, p in kept
        ):
            continue
        kept.append((s, o))
        if len(kept) == MOST_PER_AXIS:
            break
    return kept


def _peaks(profile: Array, most: int) -> Array:
    """Cells of the strongest lines, a few cells apart."""
    left = profile.copy()
    found: list[int] = []
    while len(found) < most:
        best = int(np.argmax(left))
        if left[best] <= 0:
            break
        found.append(best)
        left[max(0, best - 5) : best + 6] = 0
    return np.array(sorted(found), np.float64)


def _crossings(form: FormTemplate, page: PageTemplate) -> Array:
    """(n, 2) mm: where a horizontal and a vertical black line meet."""
    pattern = pattern_of(form, page)
    if pattern is None:
        return np.zeros((0, 2))
    found = {
        (round(float(x), 1), round(float(y), 1))
        for x0, y, x1, _ in pattern.across
        for x, y0, _, y1 in pattern.down
        if x0 - 1 <= x <= x1 + 1 and y0 - 1 <= y <= y1 + 1
    }
    return np.array(sorted(found), np.float64).reshape(-1, 2)


def _line_at(pieces: Array, place: float, along: float, axis: int) -> float:
    """Where the line near a place runs: between the edges of its stroke; NaN where there is none.

    Args:
        pieces: (n, 4) upright pieces.
        place: Expected y (axis 1) or x (axis 0).
        along: The other coordinate.
        axis: 1 for horizontal lines.
    """
    middle = pieces[:, axis]
    start, end = pieces[:, 1 - axis], pieces[:, 3 - axis]
    near = (
        (np.abs(middle - place) <= 2 * NEAR_CELLS + 1) & (start - 12 <= along) & (end + 12 >= along)
    )
    if not near.any():
        return float("nan")
    return float((middle[near].min() + middle[near].max()) / 2)


def _enlarging(factor: float) -> Array:
    """(3, 3): ``pipeline.locate.enlarge``."""
    shift = 0.5 * factor - 0.5
    return np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1.0]])


def _px_per_mm(homography: Array, size_mm: tuple[float, float]) -> float:
    wide, high = size_mm
    middle = np.array([[wide / 2, high / 2], [wide / 2 + 10, high / 2], [wide / 2, high / 2 + 10]])
    at = project(homography, middle)
    across, down = (at[1] - at[0]) / 10, (at[2] - at[0]) / 10
    return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))
