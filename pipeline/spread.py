"""Spread from the marks that are known to those that are not, a little farther each time.

A curled or folded sheet follows no single homography, and its rows of boxes look alike: a mark
that is looked for too far from where it is would be mistaken for the one in the next row. So
each mark is expected where its known neighbours point to, and looked for only as far around as
they can be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.anchors import COARSE_PX_PER_MM, Anchors
from pipeline.arrays import Array, Flags, Matrix
from pipeline.fitting import robust_homography
from pipeline.sighting import look
from pipeline.warp import Bend, PageWarp, project

STEP_MM = 130.0
"""Marks farther than this from all known ones wait for a later round."""

CLOSE_MM = 10.0
"""Where all are farther: those about as near as the nearest go first."""

START_REACH_MM = 2.5
REACH_PER_MM = 0.06
"""How far off a mark may be: a little, and more the farther its nearest known neighbour."""

MOST_ROUNDS = 12
FITTED_ROUNDS = 5
"""Rounds after which the homography is left as it is: the bend takes up the rest."""

STRAY_MM = 2.0
STRETCH = 0.06
"""How far two marks of one sheet may be off from each other: a little, and 6 % of their distance.
A slope of 16° shortens paper by 4 %. Measured on 300 photos: 0.12 places no more of them, and
lets more rows be taken for the next."""

JUDGES = 5
"""How many trusted neighbours say whether a mark fits."""


@dataclass(frozen=True, slots=True)
class Known:
    """Marks whose place in the photo is known."""

    centres: Array
    """(n, 2) mm on the sheet."""
    targets: Array
    """(n, 2) px in the photo."""
    trust: Array
    """(n,) weight."""

    def bend(self, homography: Matrix) -> Bend:
        """What a homography leaves over."""
        back = np.asarray(np.linalg.inv(homography), np.float64)
        return Bend(self.centres, project(back, self.targets) - self.centres, self.trust)

    def plus(self, centres: Array, targets: Array, trust: Array) -> Known:
        """These and some more."""
        return Known(
            np.vstack([self.centres, centres]),
            np.vstack([self.targets, targets]),
            np.concatenate([self.trust, trust]),
        )


def spread(
    dark: NDArray[np.uint8],
    anchors: Anchors,
    start: Known,
    homography: Array,
    size_mm: tuple[float, float],
) -> tuple[Matrix, Known]:
    """Find as many anchors as can be found, from a few known points.

    Args:
        dark: (h, w) ink map of the photo.
        anchors: The page's marks.
        start: Points known from elsewhere (a square code's corners, boxes).
        homography: (3, 3) mm to px that fits them.
        size_mm: Of the sheet.

    Returns:
        A homography through all that was found, and what was found.
    """
    count = len(anchors.centres)
    targets, likeness = np.zeros((count, 2)), np.zeros(count)
    tried_from = np.full(count, np.inf)
    for turn in range(MOST_ROUNDS):
        found = likeness > 0
        known = start.plus(anchors.centres[found], targets[found], likeness[found])
        if turn < FITTED_ROUNDS:
            homography = robust_homography(
                known.centres, known.targets, known.trust, homography, (12.0, 4.0), steps=4
            )
        gap = _nearest(anchors.centres, known.centres)
        # A mark is tried again only once its known neighbours have come much nearer.
        due = ~found & (gap <= STEP_MM) & (gap < 0.6 * tried_from)
        if not due.any():
            # None is near: the nearest of those that are left, if any.
            left = ~found & (gap < 0.6 * tried_from)
            if not left.any():
                break
            due = left & (gap <= gap[left].min() + CLOSE_MM)
        expected = np.zeros((count, 2))
        expected[due] = known.bend(homography).at(anchors.centres[due])
        warp = PageWarp(homography, size_mm)
        sighting = look(
            dark,
            anchors,
            warp,
            START_REACH_MM + REACH_PER_MM * gap,
            COARSE_PX_PER_MM,
            only=due,
            expected_mm=expected,
        )
        tried_from[due] = gap[due]
        new = due & sighting.found
        targets[new] = warp.to_px(anchors.centres[new] + sighting.offset_mm[new])
        likeness[new] = sighting.likeness[new]
        likeness[_strays(anchors, targets, new, known, homography)] = 0.0
    found = likeness > 0
    return homography, Known(anchors.centres[found], targets[found], likeness[found])


def _distances(points: Array, others: Array) -> Array:
    """(n, m) distances; by squares, which is quicker and exact enough for mm."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * points @ others.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)), np.float64)


def _nearest(points: Array, others: Array) -> Array:
    return np.asarray(_distances(points, others).min(axis=1), np.float64)


def _strays(
    anchors: Anchors,
    targets: Array,
    new: Flags,
    known: Known,
    homography: Matrix,
) -> NDArray[np.int64]:
    """Marks found just now that those known before contradict."""
    index = np.flatnonzero(new)
    everything = known.plus(anchors.centres[index], targets[index], np.ones(len(index)))
    seeds = np.arange(len(everything.trust)) < len(known.trust)
    return index[contradicted(everything.bend(homography), seeds)[len(known.trust) :]]


def contradicted(bend: Bend, seeds: Flags) -> Flags:
    """Which marks of a bend can't be on one sheet with those that are sure.

    Paper does not stretch: what a homography leaves over changes little from one mark to the
    next. A row of boxes taken for the one below it is 23 mm off within 40 mm. So trust spreads
    from the sure marks to their neighbours, nearest first, and stops where the sheet would tear.

    Args:
        bend: All marks found, and those known from elsewhere.
        seeds: (k,) which are sure.

    Returns:
        (k,) the marks that trust did not reach.
    """
    distance = _distances(bend.centres, bend.centres)
    fits = _distances(bend.offsets, bend.offsets) <= STRAY_MM + STRETCH * distance
    nearest_first = np.argsort(distance, axis=1)
    trusted = seeds.copy()
    waiting = ~seeds
    near_trusted = np.where(seeds, distance, np.inf).min(axis=1)
    while waiting.any():
        mark = int(np.argmin(np.where(waiting, near_trusted, np.inf)))
        order = nearest_first[mark]
        judges = order[trusted[order]][:JUDGES]
        waiting[mark] = False
        if 2 * int(fits[mark, judges].sum()) >= len(judges):
            trusted[mark] = True
            np.minimum(near_trusted, distance[mark], out=near_trusted)
    return ~trusted
