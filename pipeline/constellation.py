"""Find a page by its digit boxes alone, by the pattern that their rows make.

For photos whose square code is torn, glared over or out of frame, and for those that show only
part of a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from models.forms.template import FormTemplate, PageTemplate
from pipeline.anchors import INK_WINDOW_MM
from pipeline.arrays import Array, Grey
from pipeline.fitting import robust_homography
from pipeline.ink import even_ink, ink
from pipeline.landmarks import box_outlines
from pipeline.spread import Known
from pipeline.states import LocatedPage, OpenedPhoto
from pipeline.warp import PageWarp, project

INK_WINDOW = 1 / 60
"""Neighbourhood of the ink map as a share of the photo's long side; the scale is not known yet."""

SMALLEST_BOX_PX = 12.0
LARGEST_BOX = 0.14
"""Largest side of a digit box as a share of the photo's long side: about a sixth of a page."""

MOST_BOXES = 300
"""Squares that are looked at, largest first: a page has 66 digit boxes."""

MOST_ROWS_FOUND = 1500
"""A page of C.HASIL has some 100 rows, both ways round; a table of square cells has thousands."""

MOST_ROWS = 8
"""Rows of boxes that are tried as a beginning."""

SAME_MM = 12.0
"""Two guesses that put the page's middle this near to each other are one."""

PITCH = (1.05, 1.5)
"""Distance of neighbouring boxes of a row, in box sides (1.18 and 1.28 on C.HASIL-PPWP)."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One way to lay a page over the boxes that were found."""

    form: FormTemplate
    page: PageTemplate
    homography: Array
    known: Known
    """Centres of the boxes that it fits."""
    matched: int
    missed: int
    """Boxes that should be in view and were not found."""
    method: str = "boxes"
    """What found it."""
    fit: float = 1.0
    """How well the page's lines and those of the picture are each other's, 0 to 1."""

    @property
    def score(self) -> float:
        """What speaks for it."""
        return self.matched - 0.35 * self.missed


def guesses(grey: Grey, forms: Iterable[FormTemplate], most: int) -> list[Guess]:
    """The best ways to lay a page over the photo's boxes, best first, each a different placing.

    At least ``most`` where there are as many, and all that are as good as the last of them.
    """
    long_side = max(grey.shape)
    dark = even_ink(grey, round(long_side * INK_WINDOW))
    found = box_outlines(dark, SMALLEST_BOX_PX, LARGEST_BOX * long_side)
    found = found[np.argsort([-_area(box) for box in found])][:MOST_BOXES]
    rows = list(_rows(found))
    if len(rows) > MOST_ROWS_FOUND:
        rows = rows[:: -(-len(rows) // MOST_ROWS_FOUND)]
    # Rows in the thick of things first: a row of window panes has no rows beside it.
    crowding = _crowding(rows)
    rows = [rows[index] for index in np.argsort(-crowding, kind="stable")]
    made: list[Guess] = []
    for form in forms:
        for page in form.pages:
            sheet = _Sheet(form, page)
            for row in rows[: 2 * MOST_ROWS]:
                for field_boxes in sheet.rows:
                    guess = sheet.guess(row, field_boxes, found, grey.shape)
                    if guess is not None:
                        made.append(guess)
    made.sort(key=lambda guess: guess.score, reverse=True)
    return _distinct(made, most)


def by_guess(photo: OpenedPhoto, guess: Guess) -> LocatedPage:
    """A guess as a placing to be refined."""
    warp = PageWarp(guess.homography, guess.form.page_mm)
    x0, y0, _, _ = guess.page.fields[0].boxes[0]
    dark = ink(photo.grey, round(INK_WINDOW_MM * max(0.5, warp.px_per_mm((x0, y0)))))
    return LocatedPage(
        photo, dark, guess.form, guess.page, guess.homography, guess.known, guess.method
    )


def _rows(found: Array) -> Iterator[Array]:
    """Three boxes in a row, both ways round: (3, 4, 2) px, corners clockwise from top left."""
    centres = found.mean(axis=1)
    sides = np.sqrt([_area(box) for box in found])
    for b in range(len(found)):
        gaps = np.hypot(*(centres - centres[b]).T)
        beside = np.flatnonzero(
            (gaps > PITCH[0] * 0.9 * sides[b])
            & (gaps < PITCH[1] * 1.1 * sides[b])
            & (sides > 0.75 * sides[b])
            & (sides < 1.33 * sides[b])
        )
        for a, c in permutations(beside, 2):
            bend = np.hypot(*(centres[a] + centres[c] - 2 * centres[b]))
            if bend < 0.12 * np.hypot(*(centres[c] - centres[a])):
                along = centres[c] - centres[a]
                yield _from_top_left(found[np.array([a, b, c])], np.stack([along] * 3))


def _area(box: Array) -> float:
    x, y = box.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _from_top_left(boxes: Array, along: Array) -> Array:
    """Corners clockwise from top left of (n, 4, 2) boxes, for rows that run (n, 2) ``along``."""
    unit = along / np.hypot(*along.T)[:, None]
    offset = boxes - boxes.mean(axis=1, keepdims=True)
    right = (offset * unit[:, None]).sum(axis=-1)
    down = (offset * np.stack([-unit[:, 1], unit[:, 0]], axis=1)[:, None]).sum(axis=-1)
    angle = np.arctan2(down, right)
    # Top left is at -135°; clockwise in a picture is towards larger angles.
    order = np.argsort((angle + np.pi) % (2 * np.pi), axis=1)
    return np.asarray(np.take_along_axis(boxes, order[..., None], axis=1), np.float64)


def _crowding(rows: Sequence[Array]) -> NDArray[np.int64]:
    """(n,) how many rows are near each."""
    if not rows:
        return np.zeros(0, np.int64)
    every = np.stack(rows)
    middles = every.mean(axis=(1, 2))
    ends = every.mean(axis=2)
    reach = 6 * np.hypot(*(ends[:, 2] - ends[:, 0]).T)
    away = np.hypot(*np.moveaxis(middles[:, None] - middles[None], -1, 0))
    return np.asarray((away < reach[:, None]).sum(axis=1), np.int64)


class _Sheet:
    """One page's digit boxes, ready to be laid over a photo."""

    def __init__(self, form: FormTemplate, page: PageTemplate) -> None:
        self.form, self.page = form, page
        boxes = [
            [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
            for field in page.fields
            for x0, y0, x1, y1 in field.boxes
        ]
        self.boxes: Array = np.array(boxes, np.float64)
        starts = np.cumsum([0, *(len(field.boxes) for field in page.fields)])
        self.rows = [
            slice(int(start), int(start) + 3)
            for start, field in zip(starts, page.fields, strict=False)
            if len(field.boxes) == 3
        ]

    def guess(
        self, row: Array, field_boxes: slice, found: Array, shape: tuple[int, ...]
    ) -> Guess | None:
        """Lay the page so that a field's boxes lie on a row; grow from there."""
        on_sheet = self.boxes[field_boxes].reshape(-1, 2)
        in_photo = row.reshape(-1, 2)
        homography = _affine(on_sheet, in_photo)
        warp = PageWarp(homography, self.form.page_mm)
        start = on_sheet.mean(axis=0)
        px_per_mm = warp.px_per_mm((float(start[0]), float(start[1])))
        off = np.hypot(*(project(homography, on_sheet) - in_photo).T)
        if off.max() > 3.0 * px_per_mm:
            return None
        centres = self.boxes.mean(axis=1)
        found_centres = found.mean(axis=1)
        distance = np.hypot(*(centres - start).T)
        matched = missed = 0
        for reach in (70.0, 160.0, 350.0, 1000.0):
            near = distance <= reach
            expected = project(homography, centres)
            inside = (
                near
                & (expected > 10 * px_per_mm).all(axis=1)
                & (expected[:, 0] < shape[1] - 10 * px_per_mm)
                & (expected[:, 1] < shape[0] - 10 * px_per_mm)
            )
            gaps = np.hypot(*np.moveaxis(expected[:, None] - found_centres[None], -1, 0))
            nearest = gaps.argmin(axis=1)
            gap_mm = gaps.min(axis=1) / px_per_mm
            match = inside & (gap_mm < np.minimum(3.0 + 0.05 * distance, 9.0))
            matched, missed = int(match.sum()), int((inside & ~match).sum())
            if matched < 3 or (reach > 160 and missed > 2 * matched):
                return None
            along = project(homography, centres[match] + [5.0, 0.0]) - expected[match]
            targets = _from_top_left(found[nearest[match]], along)
            homography = robust_homography(
                self.boxes[match].reshape(-1, 2),
                targets.reshape(-1, 2),
                np.ones(4 * matched),
                homography,
                (8.0, 2.0),
            )
        known = Known(centres[match], found_centres[nearest[match]], np.ones(matched))
        return Guess(self.form, self.page, homography, known, matched, missed)


def _affine(on_sheet: Array, in_photo: Array) -> Array:
    rows = np.column_stack([on_sheet, np.ones(len(on_sheet))])
    solution, *_ = np.linalg.lstsq(rows, in_photo, rcond=None)
    return np.vstack([solution.T, [0.0, 0.0, 1.0]])


def _distinct(made: Sequence[Guess], most: int) -> list[Guess]:
    """The first of each placing: two guesses are one if they put the page's middle alike."""
    kept: list[Guess] = []
    middle = np.array([[400.0, 350.0]])
    for guess in made:
        if len(kept) >= most and guess.score < kept[most - 1].score:
            break
        here = project(guess.homography, middle)
        warp = PageWarp(guess.homography, guess.form.page_mm)
        near_px = SAME_MM * warp.px_per_mm((400.0, 350.0))
        if not any(
            other.page is guess.page
            and float(np.hypot(*(project(other.homography, middle) - here)[0])) < near_px
            for other in kept
        ):
            kept.append(guess)
    return kept
