"""Sheet to photo: homographies, bends, and what no sheet can do."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fitting import robust_homography
from pipeline.spread import Known, contradicted
from pipeline.warp import Bend, PageWarp, project

SIZE = (600.0, 900.0)
GRID = np.array([(x, y) for y in range(60, 880, 60) for x in range(50, 580, 60)], float)

homographies = st.builds(
    lambda scale, turn, tilt_x, tilt_y, x, y: (
        np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
        @ np.array(
            [
                [scale * np.cos(turn), -scale * np.sin(turn), 0],
                [scale * np.sin(turn), scale * np.cos(turn), 0],
                [tilt_x, tilt_y, 1.0],
            ]
        )
    ),
    st.floats(0.8, 4),
    st.floats(-3.1, 3.1),
    st.floats(-2e-4, 2e-4),
    st.floats(-2e-4, 2e-4),
    st.floats(-500, 2000),
    st.floats(-500, 2000),
)


@given(homographies)
@settings(max_examples=50)
def test_projecting_there_and_back_is_nothing(homography: np.ndarray) -> None:
    back = project(np.linalg.inv(homography), project(homography, GRID))
    np.testing.assert_allclose(back, GRID, atol=1e-6)


@given(homographies, st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_fifth_of_mistaken_points_moves_nothing(homography: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    there = project(homography, GRID)
    scale = PageWarp(homography, SIZE).px_per_mm((300.0, 450.0))
    wrong = rng.random(len(GRID)) < 0.2
    there[wrong] += rng.normal(0, 25 * scale, (int(wrong.sum()), 2))
    start = homography.copy()
    start[:2, 2] += 4 * scale * homography[2, 2]
    fit = robust_homography(GRID, there, np.ones(len(GRID)), start, (12.0, 1.0))
    off = np.hypot(*(project(fit, GRID) - project(homography, GRID)).T) / scale
    assert np.median(off) < 1.0


def test_too_few_points_leave_the_first_guess() -> None:
    start = np.diag([2.0, 2.0, 1.0])
    assert robust_homography(GRID[:2], GRID[:2] * 2, np.ones(2), start, (5.0, 1.0)) is start


def test_no_bend_bends_nothing() -> None:
    warp = PageWarp(np.diag([2.0, 2.0, 1.0]), SIZE)
    np.testing.assert_allclose(warp.to_px(GRID), GRID * 2)
    assert warp.px_per_mm((100.0, 100.0)) == 2.0


@given(st.floats(-6, 6), st.floats(-0.03, 0.03), st.floats(-0.03, 0.03))
@settings(max_examples=50)
def test_a_bend_knows_the_places_between_its_marks(shift: float, dx: float, dy: float) -> None:
    offsets = np.stack([shift + dx * GRID[:, 0], shift + dy * GRID[:, 1]], axis=1)
    bend = Bend(GRID, offsets, np.ones(len(GRID)))
    between = GRID[:-10] + 25.0
    expected = np.stack([shift + dx * between[:, 0], shift + dy * between[:, 1]], axis=1)
    np.testing.assert_allclose(bend.at(between), expected, atol=0.5)


@given(st.integers(0, 60), st.floats(-0.02, 0.02))
@settings(max_examples=40)
def test_rows_taken_for_the_next_are_contradicted(first: int, slope: float) -> None:
    """23 mm is one row of boxes; the sheet's own curl is far gentler."""
    offsets = np.stack([slope * GRID[:, 0], slope * GRID[:, 1]], axis=1)
    moved = np.arange(len(GRID)) // 9 == 2 + first % 8
    offsets[moved, 1] += 23.0
    seeds = (GRID[:, 1] < 100) | (GRID[:, 1] > 760)
    refused = contradicted(Bend(GRID, offsets, np.ones(len(GRID))), seeds)
    assert refused[moved & ~seeds].all()
    assert not refused[~moved].any()


def test_known_points_leave_what_a_homography_does_not_explain() -> None:
    moved = np.array([1.5, -0.5])
    homography = np.diag([2.0, 2.0, 1.0])
    known = Known(GRID, project(homography, GRID + moved), np.ones(len(GRID)))
    np.testing.assert_allclose(known.bend(homography).offsets, np.tile(moved, (len(GRID), 1)))
