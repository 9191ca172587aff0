"""Where in an area the handwriting is: its lines, each straightened and at the recogniser's height.

The area may be empty, hold one line or two, large or small, slanting, anywhere; round it runs a
printed frame, and in it stand printed notes whose places are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recognisers.lines import prepare_line
from models.records import BoxPx
from pipeline.arrays import Array, Flags, Grey, Points
from pipeline.states import LineCut
from pipeline.witnesses.digits import around

FRAME_MM = 1.6
"""So far from the area's edge ink counts as its printed frame."""
FRAME_NEAR_MM, FRAME_WIDTH_MM = 4.0, 2.5
"""Pieces so near to the edge, so narrow and along it are pieces of the frame."""
FRAME_OFF_MM = 8.0
"""Where the page lies badly, its printed frame may be so far from the edge."""
NOTE_MM = 1.5
"""Printed notes may lie so far off their places."""
NOTE_SIGN_MM = 7.5
"""Higher pieces inside a note may be handwriting over it."""
NOTE_END_MM, NOTE_OFF_MM = 15.0, 4.0
NOTE_LETTER_MM = 4.5
"""Pieces as low as this are print even further off, along and across."""
LEAST_LETTER_MM = 2.2
"""Lower pieces of ink are no letters, but may belong to some."""
HIGHEST_LETTER_MM = 45.0
LEAST_INK_MM2 = 6.0
"""Less ink than this in a line is dirt, not a word."""
LEAST_DARKNESS = 0.06
"""Share of the paper's brightness that must be missing for ink."""
FAINT_DARKNESS = 0.09
CLEAR_DARKNESS = 0.16
"""A piece of ink has at least one place as dark as the latter; or the former, if all is faint."""
FINE_MM, COARSE_MM = 0.12, 0.45
STRONG_GRAIN = 0.015
NOISE_TIMES = 4.5
"""Ink is darker than the paper's grain by so many standard deviations of it."""
PAPER_MM = 7.0
"""Strokes are narrower than this: what is brighter nearby is the paper."""
STEEPEST = 0.12
"""Lines rise or fall by at most this much, mm a mm."""
LINE_FILL = 0.62
"""Share of a prepared line's height that its letters take."""
LINE_END = 0.7
"""A line's picture shows so much paper before and after, as a share of its letters' height."""


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """One line of handwriting."""

    picture: Grey
    """(32, width) for the recogniser."""
    box: BoxPx
    """Round the line, px of the full-size photo."""
    height_mm: float
    """Of its letters."""


def find_lines(cut: LineCut, *, frame_mm: float = FRAME_MM) -> tuple[WrittenLine, ...]:
    """The lines of handwriting in an area, top first; none where nothing is written.

    Args:
        cut: The area, with its printed notes.
        frame_mm: Width of the printed frame round it, 0 where it has none.

    """
    darkness, noise = ink_darkness(cut.picture, cut.px_per_mm)
    ink = darkness > max(LEAST_DARKNESS, NOISE_TIMES * noise)
    frame = _frame(ink, cut.px_per_mm, frame_mm)
    ink &= ~frame
    letters, notes = _letters(ink, darkness, cut)
    if letters.sum() < LEAST_INK_MM2 * cut.px_per_mm**2:
        return ()
    printed = _near(notes | frame) & ~letters
    clean = np.where(printed, _paper(cut.picture, cut.px_per_mm), cut.picture)
    slope = _slope(letters)
    level = _sheared(letters.astype(np.uint8), slope) > 0
    picture = _sheared(clean.astype(np.uint8), slope)
    found = []
    for top, foot in _bands(level, cut.px_per_mm):
        columns = np.flatnonzero(level[top:foot].any(axis=0))
        left, right = int(columns[0]), int(columns[-1]) + 1
        corners = np.array([[left, top], [right, top], [right, foot], [left, foot]], np.float64)
        corners[:, 1] += slope * (corners[:, 0] - level.shape[1] / 2)
        found.append(
            WrittenLine(
                picture=_cut_line(picture, (left, top, right, foot)),
                box=around(_in_photo(corners, cut)),
                height_mm=round((foot - top) / cut.px_per_mm, 2),
            )
        )
    return tuple(found)


def ink_darkness(picture: Grey, px_per_mm: float) -> tuple[NDArray[np.float32], float]:
    """How much of the paper's brightness is missing, 0 to 1, (high, wide); and the paper's grain.

    The grain is a standard deviation, of the same unit, taken where there is no ink. Where it is
    strong, the picture is smoothed more.
    """
    paper = np.maximum(_paper(picture, px_per_mm).astype(np.float32), 1.0)
    darkness, grain = _smoothed(picture, paper, FINE_MM * px_per_mm)
    if grain > STRONG_GRAIN:
        darkness, grain = _smoothed(picture, paper, COARSE_MM * px_per_mm)
    return darkness, grain


def _smoothed(
    picture: Grey, paper: NDArray[np.float32], reach: float
) -> tuple[NDArray[np.float32], float]:
    soft = cv2.GaussianBlur(picture, (0, 0), reach).astype(np.float32)
    darkness = (1 - soft / paper).astype(np.float32)
    some = darkness[::3, ::3]
    typical = float(np.median(some))
    grain = float(np.median(np.abs(some - typical))) * 1.4826
    return np.clip(darkness - typical, 0.0, 1.0), grain


def _paper(picture: Grey, px_per_mm: float) -> Grey:
    """The brightness of the paper at each place, ink filled in from beside it."""
    size = 2 * round(PAPER_MM * px_per_mm / 2) + 1
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    half = max(3, 2 * (size // 4) + 1)
    filled = cv2.morphologyEx(
        cv2.medianBlur(np.asarray(small, np.uint8), 3),
        cv2.MORPH_CLOSE,
        cv2.getStructuringElement(cv2.MORPH_RECT, (half, half)),
    )
    even = cv2.blur(filled, (half, half))
    high, wide = picture.shape
    return np.asarray(cv2.resize(even, (wide, high), interpolation=cv2.INTER_LINEAR), np.uint8)


def _frame(ink: Flags, px_per_mm: float, frame_mm: float) -> Flags:
    """The area's edge, long level or upright rules anywhere, and shorter ones near the edge."""
    found = np.zeros_like(ink)
    edge, near = round(frame_mm * px_per_mm), round(FRAME_OFF_MM * px_per_mm)
    if edge:
        found[:edge] = found[-edge:] = True
        found[:, :edge] = found[:, -edge:] = True
    high, wide = ink.shape
    eight = ink.astype(np.uint8)
    for across, down, margin in (
        (round(30 * px_per_mm), 1, 0),
        (1, round(0.7 * high), 0),
        (round(15 * px_per_mm), 1, near),
        (1, round(0.4 * high), near),
    ):
        if across < wide and down < high:
            rules = cv2.morphologyEx(eight, cv2.MORPH_OPEN, np.ones((down, across), np.uint8)) > 0
            if margin:
                level = across > down
                inner = (
                    (slice(margin, -margin), slice(None))
                    if level
                    else (slice(None), slice(margin, -margin))
                )
                rules[inner] = False
            found |= rules
    return found


def _letters(ink: Flags, darkness: NDArray[np.float32], cut: LineCut) -> tuple[Flags, Flags]:
    """Ink that belongs to letters, and ink that belongs to printed notes."""
    count, labels, stats, middles = cv2.connectedComponentsWithStats(
        ink.astype(np.uint8), connectivity=8
    )
    darkest = np.zeros(count, np.float32)
    np.maximum.at(darkest, labels[ink].astype(np.intp), darkness[ink])
    left, top, wide, high, area = (stats[:, k].astype(np.float64) / cut.px_per_mm for k in range(5))
    area /= cut.px_per_mm
    right, foot = left + wide, top + high
    note, over = np.zeros(count, bool), np.zeros(count, bool)
    for printed in cut.print:
        x0, y0, x1, y1 = (side / cut.px_per_mm for side in printed)
        inside = (left >= x0 - NOTE_MM) & (right <= x1 + NOTE_MM)
        inside &= (top >= y0 - NOTE_MM) & (foot <= y1 + NOTE_MM)
        over |= inside & (high > NOTE_SIGN_MM) & (high > 0.3 * wide)
        # Print may run on beyond its place, or lie off it; handwriting is higher.
        beside = (left >= x0 - NOTE_END_MM) & (right <= x1 + NOTE_END_MM)
        beside &= (top >= y0 - NOTE_OFF_MM) & (foot <= y1 + NOTE_OFF_MM)
        note |= inside | (beside & (high <= NOTE_LETTER_MM))
    across, down = (side / cut.px_per_mm for side in ink.shape[::-1])
    from_side, from_end = np.minimum(left, across - right), np.minimum(top, down - foot)
    thickest = np.where(from_end < FRAME_OFF_MM, 2.5, 1.2)
    flat = (wide > 12.0) & (high < 0.2 * wide) & (area < thickest * wide)
    flat |= (from_end < FRAME_NEAR_MM) & (high < FRAME_WIDTH_MM) & (wide > 2.5 * high)
    upright = (high > 12.0) & (wide < 0.2 * high)
    upright &= (from_side < FRAME_OFF_MM) | (darkest < 2 * CLEAR_DARKNESS)
    upright |= (from_side < FRAME_NEAR_MM) & (wide < FRAME_WIDTH_MM) & (high > 2.5 * wide)
    sound = ~note & ~flat & ~upright & (high <= HIGHEST_LETTER_MM)
    sound[0] = note[0] = False
    sound &= darkest >= _clear_darkness(darkest[sound], area[sound])
    letter = sound & (high >= LEAST_LETTER_MM) & (area >= 0.8)
    if letter.any():
        # A piece much lower than the letters is one of theirs only where it stands among them.
        usual = _weighted(high[letter], area[letter], 0.5)
        letter &= high >= 0.3 * usual
        tops, feet, lefts, rights = top[letter], foot[letter], left[letter], right[letter]
        for piece in np.flatnonzero(sound & ~letter & (area >= 0.2)):
            middle = middles[piece, 1] / cut.px_per_mm
            near = (lefts < right[piece] + 0.5 * usual) & (rights > left[piece] - 0.5 * usual)
            letter[piece] = bool((near & (tops < middle) & (feet > middle)).any())
        # Handwriting may run on over a note, letter after letter at its own height.
        over &= (high > 0.5 * usual) & (high < 1.8 * usual)
        for piece in np.flatnonzero(over)[np.argsort(left[over])]:
            middle = top[piece] + high[piece] / 2
            before = letter & (left < left[piece]) & (right > left[piece] - 1.5 * usual)
            letter[piece] = bool((before & (top < middle) & (foot > middle)).any())
        note &= ~letter
    return letter[labels], note[labels]


def _clear_darkness(darkest: NDArray[np.float32], area: Array) -> float:
    """How dark the darkest place of a piece of ink must be: faint pens and blur make it less."""
    if not len(area):
        return CLEAR_DARKNESS
    usual = _weighted(darkest.astype(np.float64), area, 0.7)
    return min(CLEAR_DARKNESS, max(FAINT_DARKNESS, 0.5 * usual))


def _near(flags: Flags) -> Flags:
    """These places and those beside them."""
    return np.asarray(cv2.dilate(flags.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)


def _slope(letters: Flags) -> float:
    """The slope at which the rows of ink are sharpest, mm a mm."""
    eight = letters.astype(np.uint8) * 255
    small = cv2.resize(eight, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    best, sharpest = 0.0, -1.0
    for slope in np.linspace(-STEEPEST, STEEPEST, 25):
        rows = _sheared(np.asarray(small, np.uint8), float(slope)).sum(axis=1, dtype=np.float64)
        sharp = float(np.square(np.diff(rows)).sum() * (1 - 0.5 * abs(slope)))
        if sharp > sharpest:
            best, sharpest = float(slope), sharp
    return best


def _sheared(picture: Grey, slope: float) -> Grey:
    """Each column moved up by ``slope`` for each px that it is right of the middle."""
    high, wide = picture.shape
    matrix = np.array([[1.0, 0.0, 0.0], [-slope, 1.0, slope * wide / 2]])
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(picture, matrix, (wide, high), borderMode=border), np.uint8)


def _bands(letters: Flags, px_per_mm: float) -> list[tuple[int, int]]:
    """Top and foot, px, of each line: the pieces of ink gathered by their heights' middles."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(letters.astype(np.uint8))
    if count < 2:
        return []
    top, high, area = (stats[1:, k].astype(np.float64) for k in (1, 3, 4))
    usual = _weighted(high, area, 0.5)
    middle = top + high / 2
    # Small pieces belong to letters; what is far higher has run together with something else.
    plain = (high >= 0.5 * usual) & (high <= 1.9 * usual)
    order = np.flatnonzero(plain)[np.argsort(middle[plain])]
    groups: list[list[int]] = []
    for piece in order:
        if groups:
            level = float(np.median(middle[groups[-1]]))
            if middle[piece] - level < 0.62 * usual:
                groups[-1].append(int(piece))
                continue
        groups.append([int(piece)])
    bands: list[tuple[int, int]] = []
    for group in sorted(groups, key=lambda group: -float(area[group].sum())):
        weight = area[group]
        enough = float(weight.sum()) >= max(LEAST_INK_MM2 * px_per_mm**2, 0.06 * float(area.sum()))
        # A tail or a tall stroke here and there does not make the line higher.
        upper = max(0, int(_weighted(top[group], weight, 0.12)))
        lower = int(np.ceil(_weighted((top + high)[group], weight, 0.88)))
        lower = min(letters.shape[0], lower)
        # What lies mostly in a line with more ink is a part of it.
        room = lower - upper
        inside = any(min(lower, foot) - max(upper, start) > 0.5 * room for start, foot in bands)
        if enough and room >= LEAST_LETTER_MM * px_per_mm and not inside:
            bands.append((upper, lower))
    return sorted(bands)


def _weighted(values: Array, weights: Array, share: float) -> float:
    """The value below which a share of the weight lies."""
    order = np.argsort(values)
    gone = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(gone, share * gone[-1])])


def _cut_line(picture: Grey, box: tuple[int, int, int, int]) -> Grey:
    """A line with paper round it, at the recogniser's height."""
    left, top, right, foot = box
    edge = round((foot - top) * (1 / LINE_FILL - 1) / 2)
    end = round(LINE_END * (foot - top))
    around_it = np.pad(picture, ((edge, edge), (end, end)), mode="edge")
    line = around_it[top : foot + 2 * edge, left : right + 2 * end]
    return prepare_line(np.ascontiguousarray(line))


def _in_photo(points: Array, cut: LineCut) -> Points:
    """Pixels of the area's picture to those of the full-size photo, as between its corners."""
    high, wide = cut.picture.shape
    u = (points[:, :1] / wide).clip(0, 1)
    v = (points[:, 1:] / high).clip(0, 1)
    tl, tr, br, bl = cut.outline
    moved: Points = (1 - v) * ((1 - u) * tl + u * tr) + v * ((1 - u) * bl + u * br)
    return moved
