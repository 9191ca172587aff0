"""A homography from points of which some are mistaken and all may crowd in one strip."""

from __future__ import annotations

import numpy as np

from pipeline.arrays import Array

SCALE_MM = 450.0
"""Half a sheet: points are divided by this before fitting."""

NOISE_MM = 2.0
"""What one sighting is off by, curl and folds included."""

USUAL_PERSPECTIVE = 0.12
"""Change of scale over half a sheet in a photo taken by hand (standard deviation). Where the
points say little about perspective (all in one column), this keeps it small."""

USUAL_STRETCH = 0.05
"""Difference in scale between two directions (standard deviation): a tilt of 18° makes 0.05."""


def robust_homography(
    on_sheet: Array,
    in_photo: Array,
    weight: Array,
    start: Array,
    tolerance_mm: tuple[float, float],
    steps: int = 8,
) -> Array:
    """Fit a homography that most of the weight agrees with.

    Args:
        on_sheet: (n, 2) mm.
        in_photo: (n, 2) px.
        weight: (n,) trust in each point; 0 leaves it out.
        start: (3, 3) first guess; its errors decide who is listened to first.
        tolerance_mm: From which error a point loses its say, at the start and at the end.
        steps: How many fits from the one to the other, two at least.

    Returns:
        (3, 3) mm to px; ``start`` where fewer than three points count.
    """
    used = weight > 0
    if used.sum() < 3:
        return start
    points, targets, trust = on_sheet[used], in_photo[used], weight[used]
    middle, centre = points.mean(axis=0), targets.mean(axis=0)
    reach = max(1.0, float(np.sqrt(np.mean((targets - centre) ** 2))))
    px_per_mm = reach / max(1.0, float(np.sqrt(np.mean((points - middle) ** 2))))
    scale_px = SCALE_MM * px_per_mm
    x, y = ((points - middle) / SCALE_MM).T
    u, v = ((targets - centre) / scale_px).T
    one, none = np.ones_like(x), np.zeros_like(x)
    rows_u = np.stack([x, y, one, none, none, none, -x * u, -y * u], axis=1)
    rows_v = np.stack([none, none, none, x, y, one, -x * v, -y * v], axis=1)
    rows, values = np.vstack([rows_u, rows_v]), np.concatenate([u, v])
    ridge = np.diag([0.0] * 6 + [(NOISE_MM / SCALE_MM / USUAL_PERSPECTIVE) ** 2] * 2)
    # (a - e) and (b + d) are nought for a sheet seen straight on: u = ax + by, v = dx + ey.
    for one_term, other_term, sign in ((0, 4, -1.0), (1, 3, 1.0)):
        pull = np.zeros(8)
        pull[one_term], pull[other_term] = 1.0, sign
        ridge += (NOISE_MM / SCALE_MM / USUAL_STRETCH) ** 2 * np.outer(pull, pull)
    ridge += 1e-12 * np.eye(8)
    into = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, SCALE_MM]]) / SCALE_MM
    out = np.array([[scale_px, 0, centre[0]], [0, scale_px, centre[1]], [0, 0, 1.0]])
    # All that follows is in these small numbers: of the sheet x and y, of the photo u and v.
    small = np.linalg.solve(out, start) @ np.linalg.inv(into)
    places = np.stack([x, y, one])
    first, last = tolerance_mm
    for step in range(steps):
        tolerance = first * (last / first) ** (step / (steps - 1))
        across, down, depth = small @ places
        error_mm = np.hypot(across / depth - u, down / depth - v) * SCALE_MM
        say = trust / (1 + (error_mm / tolerance) ** 2) ** 2
        weighed = rows.T * np.concatenate([say, say])
        solution = np.linalg.solve(weighed @ rows + ridge, weighed @ values)
        small = np.append(solution, 1.0).reshape(3, 3)
    homography = out @ small @ into
    return np.asarray(homography / homography[2, 2], np.float64)
