"""Find a page by its rulings: the lines of its tables, as a pattern of spacings.

For forms without a square code, and for scans whose digit boxes touch. Straight lines in the
picture run in two directions. Once these are made upright, a page can lie there in four ways
(quarter turns), and each way has two scales and two offsets: the spacings of the horizontal lines
give one of each, those of the vertical lines the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
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

LEAST_LINE = 0.010
"""Shortest piece of a line, as a share of the long side: a digit box of A4 is 0.025."""

LEAST_PIECES = 16
"""With fewer pieces of lines there is no table."""

SLANT_DEGREES = 14.0
"""How far lines of one direction may differ from its middle: perspective."""

CELLS = 1000
"""The straightened picture has this many cells along its long side."""

NEAR_CELLS = 2
"""How far a line may be from where it is expected."""

BESIDE_MM = 7.0
"""So far beside a line there should be none."""

STRONGEST = 12
"""Lines of a page that are laid, two by two, on two of the picture."""

STRONGEST_SEEN = 18
"""Lines of the picture that are tried."""

MOST_LIKELY = 600
"""Ways to lay one axis by its strongest lines that are compared in all lines."""

MOST_PER_AXIS = 5
"""Ways to lay one axis that are kept."""

LEAST_OF_AXIS = 0.25
"""Share of the rulings of one direction that must be seen for the other to be tried."""

SHEET = (0.3, 1.6)
"""Size of a sheet in the picture, as a share of the picture's long side."""

STRETCH = (0.72, 1.4)
"""Ratio of the two scales: what tilt leaves after straightening."""

LEAST_SCORE = 0.25
"""Share of the page's rulings that must be seen, less what is seen beside them."""

LONG_LINE = 0.025
"""Pieces of lines longer than this share of the long side are no handwriting."""

SAME = 0.02
"""Two placings whose corners are nearer than this share of the long side are one."""

MOST_LAID_ANEW = 4
"""Ways to lay a page that are gone over again, axis by axis."""

LEAST_IN_VIEW = 0.5
"""Share of a page's lines that must be in the picture."""

GIVEN = (0.8, 1.25)
FINEST_STRETCH = 0.006
"""Scales of one axis, by the other one's, and the step from one to the next: 2 cells at either
end of a table of 700."""

MOST_GIVEN = 4
"""Ways to lay one axis that are kept where the other is known."""

MOST_SETTLED = 16
SETTLING_CELLS = (10.0, 8.0, 6.0, 5.0, 4.0, 3.0)
"""How far a line of the page may be from the one that pulls it, step by step."""

SETTLING_MM = 300.0
"""Half a sheet: lengths are divided by this before fitting."""

LEAST_TO_SETTLE = 40

Mask = NDArray[np.uint8]
Axis = tuple[float, float]
"""Cells a mm, and the cell of 0 mm."""


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


def ruled_picture(grey: Grey) -> RuledPicture | None:
    """The straight lines of a picture, ready for pages to be laid on; ``None`` for too few.

    Args:
        grey: (h, w) picture.
    """
    factor = max(1.0, max(grey.shape) / LONG_SIDE_PX)
    size = round(grey.shape[1] / factor), round(grey.shape[0] / factor)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if factor > 1 else grey
    lines = _lines(np.asarray(small, np.uint8))
    return None if lines is None else RuledPicture(lines, size, factor)


def guesses_by_rulings(
    picture: RuledPicture, forms: Iterable[FormTemplate], most: int
) -> list[Guess]:
    """The best ways to lay a page's rulings over the lines of a picture, best first.

    Args:
        picture: Its lines.
        forms: Whose pages to try.
        most: How many guesses to give at most, each a different placing.
    """
    made = [
        way
        for form in forms
        for page in form.pages
        for quarter_turns in range(4)
        for way in picture.lay(form, page, quarter_turns)
    ]
    made.sort(key=lambda way: way.seen, reverse=True)
    made += [better for way in _rows_apart(made) for better in picture.laid_anew(way)]
    made.sort(key=lambda way: way.seen, reverse=True)
    settled = [picture.settled(way) for way in made[:MOST_SETTLED]]
    fits = [(way.seen * picture.explained(way), way) for way in settled]
    fits.sort(key=lambda one: one[0], reverse=True)
    guesses: list[Guess] = []
    corners: list[Array] = []
    for fit, way in fits:
        outline = project(way.to_cells, _outline(way.form))
        if any(
            other.page is way.page and np.abs(outline - there).max() < SAME * CELLS
            for other, there in zip(guesses, corners, strict=True)
        ):
            continue
        guess = picture.guess(way, fit)
        if guess is not None:
            guesses.append(guess)
            corners.append(outline)
        if len(guesses) == most:
            break
    return guesses


def _rows_apart(made: Iterable[Way]) -> list[Way]:
    """The first of the ways that lay the same page's rows alike, and not too many."""
    kept: list[Way] = []
    for way in made:
        same = (
            other.page is way.page
            and other.quarter_turns == way.quarter_turns
            and np.allclose(other.laid[1], way.laid[1], atol=4.0, rtol=0.01)
            for other in kept
        )
        if not any(same):
            kept.append(way)
        if len(kept) == MOST_LAID_ANEW:
            break
    return kept


def _outline(form: FormTemplate) -> Array:
    wide, high = form.page_mm
    return np.array([[0.0, 0], [wide, 0], [wide, high], [0, high]])


@dataclass(frozen=True)
class Pattern:
    """A page's rulings, (n, 4) mm each: x0, y0, x1, y1."""

    across: Array
    down: Array

    @cached_property
    def samples(self) -> tuple[Array, Array]:
        """(n, 2) mm each: points along the lines."""
        return sampled(self.across), sampled(self.down)

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


_patterns: dict[tuple[str, float, int, int], Pattern | None] = {}


def pattern_of(form: FormTemplate, page: PageTemplate, quarter_turns: int = 0) -> Pattern | None:
    """All black lines of a page, turned clockwise: its rulings and the sides of its boxes."""
    key = form.digest, form.enlargement, page.number, quarter_turns
    if form.digest and key in _patterns:
        return _patterns[key]
    lines = [ruling.line for ruling in page.rulings if ruling.ink == "black"]
    boxes = [box for field in page.fields for box in field.boxes if form.box_ink == "black"]
    for box in (*boxes, *page.extra_boxes):
        x0, y0, x1, y1 = box
        lines += [(x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)]
    every = np.array(sorted(set(lines)), np.float64).reshape(-1, 4)
    across = every[every[:, 1] == every[:, 3]]
    down = every[every[:, 0] == every[:, 2]]
    enough = len(across) >= 3 and len(down) >= 3
    pattern = Pattern(across, down).turned(quarter_turns, form.page_mm) if enough else None
    if form.digest:
        _patterns[key] = pattern
    return pattern


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


@dataclass(frozen=True, slots=True)
class Way:
    """A page laid on the lines of a picture."""

    form: FormTemplate
    page: PageTemplate
    quarter_turns: int
    pattern: Pattern
    """The page's lines, turned."""
    laid: Array
    """(3, 3): mm of the turned sheet to cells."""
    seen: float
    """Share of the page's rulings seen, less the share seen beside them."""

    @property
    def to_cells(self) -> Array:
        """(3, 3): mm of the sheet to cells."""
        return np.asarray(self.laid @ _turn(self.quarter_turns, self.form.page_mm), np.float64)


class RuledPicture:
    """The lines of a picture as masks and profiles, ready for pages to be laid on them."""

    def __init__(self, lines: _Lines, size: tuple[int, int], factor: float) -> None:
        """Draw the lines.

        Args:
            lines: The lines.
            size: Width and height of the picture they were seen in.
            factor: By which that was shrunk.
        """
        self.lines, self.size, self.factor = lines, size, factor
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
        self.to_across = _to_nearest(thin_across)
        self.to_down = np.ascontiguousarray(_to_nearest(np.ascontiguousarray(thin_down.T)).T)

    def mirrored(self) -> RuledPicture:
        """The lines of the picture's mirror image."""
        last = self.lines.size[0] - 1.0
        over = np.array([[-1.0, 0, last], [0, 1, 0], [0, 0, 1]])
        back = np.array([[-1.0, 0, self.size[0] - 1.0], [0, 1, 0], [0, 0, 1]])
        across, down = self.lines.across.copy(), self.lines.down.copy()
        across[:, [0, 2]] = last - across[:, [2, 0]]
        down[:, [0, 2]] = last - down[:, [2, 0]]
        lines = _Lines(over @ self.lines.upright @ back, across, down, self.lines.size)
        return RuledPicture(lines, self.size, self.factor)

    def lay(self, form: FormTemplate, page: PageTemplate, quarter_turns: int) -> list[Way]:
        """The best ways to lay a page, up to three."""
        pattern = pattern_of(form, page, quarter_turns)
        if pattern is None:
            return []
        extent = np.concatenate([pattern.across, pattern.down])
        mm = max(extent[:, 2].max() - extent[:, 0].min(), extent[:, 3].max() - extent[:, 1].min())
        scales = SHEET[0] * CELLS / mm, SHEET[1] * CELLS / mm
        ys = _axis(self.rows, pattern.across[:, 1], _lengths(pattern.across), scales)
        if not len(ys):
            return []
        xs = _axis(self.columns, pattern.down[:, 0], _lengths(pattern.down), scales)
        if not len(xs):
            return []
        return self._best(form, page, quarter_turns, [(x, y) for y in ys for x in xs])

    def laid_anew(self, way: Way) -> list[Way]:
        """Better ways to lay a page, each axis by the lines that the other one says it has.

        A table's columns end with the table: once the rows are known, so is where each of the
        verticals begins and ends, and columns of another table no longer speak for it.
        """
        form, page, turns = way.form, way.page, way.quarter_turns
        across, down = way.pattern.across, way.pattern.down
        y = float(way.laid[1, 1]), float(way.laid[1, 2])
        xs = _axis_given(self.down, down[:, [0, 1, 3]], y)
        better = self._best(form, page, turns, [(x, y) for x in xs])
        for other in better[:1]:
            x = float(other.laid[0, 0]), float(other.laid[0, 2])
            ys = _axis_given(self.across.T, across[:, [1, 0, 2]], x)
            better += self._best(form, page, turns, [(x, y) for y in ys])
        return better

    def _best(
        self,
        form: FormTemplate,
        page: PageTemplate,
        quarter_turns: int,
        axes: Iterable[tuple[Axis, Axis]],
    ) -> list[Way]:
        pattern = pattern_of(form, page, quarter_turns)
        if pattern is None:
            return []
        ways = []
        for x, y in axes:
            if STRETCH[0] < x[0] / y[0] < STRETCH[1]:
                laid = np.array([[x[0], 0.0, x[1]], [0, y[0], y[1]], [0, 0, 1]])
                seen = self._score(pattern, laid)
                ways.append(Way(form, page, quarter_turns, pattern, laid, seen))
        good = [way for way in ways if way.seen >= LEAST_SCORE]
        good.sort(key=lambda way: way.seen, reverse=True)
        return good[:3]

    def settled(self, way: Way) -> Way:
        """The way once each of its lines has pulled it to the nearest one in the picture.

        Lines of the picture never are quite upright: what lies under the sheet has lines too.
        """
        across, down = way.pattern.samples
        middle = np.concatenate([across, down]).mean(axis=0)
        laid = way.laid
        for reach in SETTLING_CELLS:
            rows, values, weights = [], [], []
            for points, to_line, axis in ((across, self.to_across, 1), (down, self.to_down, 0)):
                at = project(laid, points)
                off, inside = _looked_up(to_line, at)
                near = inside & (np.abs(off) <= reach)
                x, y = ((points[near] - middle) / SETTLING_MM).T
                there = at[near, axis] + off[near]
                one, none = np.ones_like(x), np.zeros_like(x)
                own = [x, y, one, none, none, none], [none, none, none, x, y, one]
                rows.append(np.stack([*own[axis], -x * there, -y * there], axis=1))
                values.append(there)
                weights.append(1.0 / (1.0 + (off[near] / (0.4 * reach)) ** 2) ** 2)
            left, right, say = (np.concatenate(part) for part in (rows, values, weights))
            if len(left) < LEAST_TO_SETTLE:
                break
            into = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, SETTLING_MM]])
            into /= SETTLING_MM
            before = laid @ np.linalg.inv(into)
            before = (before / before[2, 2]).ravel()[:8]
            # Where few lines have a say the rest stays as it is.
            pull = len(left) * np.array([1e-3] * 6 + [CELLS**2 * 1e-3] * 2)
            normal = (left * say[:, None]).T @ left + np.diag(pull)
            change = np.linalg.solve(normal, (left * say[:, None]).T @ (right - left @ before))
            laid = np.append(before + change, 1.0).reshape(3, 3) @ into
            laid = laid / laid[2, 2]
        return replace(way, laid=laid, seen=self._score(way.pattern, laid))

    def _score(self, pattern: Pattern, laid: Array) -> float:
        """Share of the rulings seen, less the share seen beside them; 0 where few are in view."""
        total = hits = wrong = 0.0
        across, down = pattern.samples
        for points, mask, axis in ((across, self.across, 1), (down, self.down, 0)):
            at = project(laid, points)
            seen, inside = _looked_up(mask, at)
            if inside.sum() < LEAST_IN_VIEW * len(points):
                return 0.0
            total += float(inside.sum())
            hits += float(seen[inside].sum())
            aside = np.zeros(2)
            aside[axis] = BESIDE_MM * laid[axis, axis]
            for sign in (-1, 1):
                beside, within = _looked_up(mask, at + sign * aside)
                wrong += 0.5 * float(beside[within & inside].sum())
        return (hits - wrong) / total

    def explained(self, way: Way) -> float:
        """Share of the long lines within a page's tables that the page has, 0 to 1."""
        pattern, laid = way.pattern, way.laid
        high, wide = self.across.shape
        every = project(laid, np.concatenate([pattern.across, pattern.down]).reshape(-1, 2))
        corners = np.array([every.min(axis=0), every.max(axis=0)])
        (x0, y0), (x1, y1) = np.clip(np.rint(corners), 0, [wide, high]).astype(int)
        known = every_length = 0
        for lines, pieces in ((pattern.across, self.lines.across), (pattern.down, self.lines.down)):
            there, here = np.zeros((high, wide), np.uint8), np.zeros((high, wide), np.uint8)
            ends = np.rint(project(laid, lines.reshape(-1, 2))).astype(np.int32).reshape(-1, 2, 2)
            cv2.polylines(there, list(ends), False, 1, thickness=4 * NEAR_CELLS - 1)
            long = pieces[_lengths(pieces) > LONG_LINE * CELLS]
            cv2.polylines(here, list(np.rint(long).astype(np.int32).reshape(-1, 2, 2)), False, 1)
            known += int((there & here)[y0:y1, x0:x1].sum())
            every_length += int(here[y0:y1, x0:x1].sum())
        return known / every_length if every_length else 0.0

    def guess(self, way: Way, fit: float) -> Guess | None:
        """A way to lay a page as a guess: its crossings in px of the full picture."""
        form, page, to_cells, factor = way.form, way.page, way.to_cells, self.factor
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


def _looked_up(cells: NDArray[np.generic], at: Array) -> tuple[Array, NDArray[np.bool_]]:
    """(n,) what stands in the cells at (n, 2) places, 0 outside; and which places are inside."""
    places = np.rint(at).astype(int)
    high, wide = cells.shape
    inside = (
        (places[:, 0] >= 0) & (places[:, 0] < wide) & (places[:, 1] >= 0) & (places[:, 1] < high)
    )
    found = np.zeros(len(at))
    found[inside] = cells[places[inside, 1], places[inside, 0]]
    return found, np.asarray(inside, np.bool_)


def _to_nearest(mask: Mask) -> NDArray[np.int16]:
    """(h, w) how many cells down (or, below 0, up) the nearest line is; far where there is none."""
    far = np.int16(10000)
    row = np.arange(mask.shape[0], dtype=np.int16)[:, None]
    last = np.maximum.accumulate(np.where(mask > 0, row, -far), axis=0) - row
    coming = np.minimum.accumulate(np.where(mask > 0, row, far)[::-1], axis=0)[::-1] - row
    return np.asarray(np.where(-last < coming, last, coming), np.int16)


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
    smooth = np.maximum(profile, np.maximum(np.roll(profile, 1), np.roll(profile, -1)))
    # The strongest lines say which of the thousands are worth a look at all lines.
    cover = _cover(smooth, scale, offset, place[strong], np.asarray(weight[strong], np.float64))
    likely = np.argsort(-cover)[:MOST_LIKELY]
    scale, offset = scale[likely], offset[likely]
    at = scale[:, None] * place[None, :] + offset[:, None]
    cells = np.rint(at).astype(int)
    inside = (cells >= 0) & (cells < len(profile))
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


def _cover(profile: Array, scale: Array, offset: Array, place: Array, weight: Array) -> Array:
    """(n,) share of some lines that a profile has, for each way to lay them."""
    cells = np.rint(scale[:, None] * place[None, :] + offset[:, None]).astype(int)
    inside = (cells >= 0) & (cells < len(profile))
    seen = np.where(inside, profile[np.clip(cells, 0, len(profile) - 1)], 0.0)
    due = np.maximum(scale[:, None] * weight[None, :], 1.0)
    hits = (np.minimum(seen / due, 1.0) * weight).sum(axis=1)
    return np.asarray(hits / np.maximum((inside * weight).sum(axis=1), 0.5 * weight.sum()))


def _axis_given(mask: Mask, lines: Array, other: Axis) -> list[Axis]:
    """Ways to lay the lines of one direction where the other axis is known, best first.

    Every scale and every offset is tried: each line says for all offsets at once how much of it
    would be seen.

    Args:
        mask: (h, w) where the picture has lines of this direction, which run down it.
        lines: (n, 3) mm: place, start and end of each.
        other: How the axis along the lines is laid.
    """
    high, wide = mask.shape
    scale, offset = other
    lines = lines[np.argsort(lines[:, 0])]
    spans, span_of = np.unique(np.rint(lines[:, 1:]), axis=0, return_inverse=True)
    below = np.concatenate([np.zeros((1, wide), np.int32), np.cumsum(mask, axis=0, dtype=np.int32)])
    rows = np.rint(np.clip(spans * scale + offset, 0, high)).astype(int)
    run = rows[:, 1] - rows[:, 0]
    share = ((below[rows[:, 1]] - below[rows[:, 0]]) / np.maximum(run, 1)[:, None]).astype("f4")
    step = max(1, round(BESIDE_MM * scale))
    hits = share.copy()
    hits[:, step:] -= 0.5 * share[:, :-step]
    hits[:, :-step] -= 0.5 * share[:, step:]
    weight = run[span_of.ravel()] / scale
    hits = hits[span_of.ravel()] * weight[:, None].astype("f4")
    scales = scale * np.exp(np.arange(np.log(GIVEN[0]), np.log(GIVEN[1]), FINEST_STRETCH))
    first = float(lines[0, 0])
    cells = np.rint((lines[:, 0] - first)[None] * scales[:, None]).astype(int)
    # Column k of the sums: the first line lies at cell k - reach.
    reach = int(cells.max())
    sums = np.zeros((len(scales), wide + reach), np.float32)
    for one, at in zip(sums, cells, strict=True):
        for line, cell in zip(hits, at, strict=True):
            one[reach - cell : reach - cell + wide] += line
    starts = np.arange(wide + reach) - reach
    sofar = np.concatenate([[0.0], np.cumsum(weight)])
    in_view = np.stack(
        [
            sofar[np.searchsorted(at, wide - starts)] - sofar[np.searchsorted(at, -starts)]
            for at in cells
        ]
    )
    score = np.where(in_view >= LEAST_IN_VIEW * sofar[-1], sums / np.maximum(in_view, 1e-9), -1.0)
    kept: list[Axis] = []
    near = round(np.log(1.02) / FINEST_STRETCH)
    while len(kept) < MOST_GIVEN:
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, column] < LEAST_OF_AXIS:
            break
        kept.append((float(scales[row]), float(starts[column] - scales[row] * first)))
        score[max(0, row - near) : row + near + 1, max(0, column - 4) : column + 5] = -1.0
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


_crossing_points: dict[tuple[str, float, int], Array] = {}


def _crossings(form: FormTemplate, page: PageTemplate) -> Array:
    """(n, 2) mm: where a horizontal and a vertical black line meet."""
    key = form.digest, form.enlargement, page.number
    if form.digest and key in _crossing_points:
        return _crossing_points[key]
    pattern = pattern_of(form, page)
    if pattern is None:
        return np.zeros((0, 2))
    across, down = pattern.across[:, None], pattern.down[None]
    x, y = down[..., 0], across[..., 1]
    meet = (
        (across[..., 0] - 1 <= x)
        & (x <= across[..., 2] + 1)
        & (down[..., 1] - 1 <= y)
        & (y <= down[..., 3] + 1)
    )
    every = np.stack(np.broadcast_arrays(x, y), axis=-1)[meet]
    points = np.unique(np.round(every, 1), axis=0).reshape(-1, 2)
    if form.digest:
        _crossing_points[key] = points
    return points


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
