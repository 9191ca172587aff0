"""From millimetres on the sheet to pixels of the photo: a bend, then a homography."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.arrays import Array, Matrix

KERNEL_MM = 25.0
"""How near a known mark must be to have most of the say."""

NOISE_MM = 0.4
"""What one sighting of a mark is off by."""

USUAL_SLOPE = 0.05
"""How much the bend of a sheet changes from place to place (standard deviation): 5 mm in 100."""


def project(homography: Matrix, points: Array) -> Array:
    """Apply a (3, 3) homography to (n, 2) points."""
    x, y = points[:, 0], points[:, 1]
    h = homography
    w = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    return np.stack(
        [
            (h[0, 0] * x + h[0, 1] * y + h[0, 2]) / w,
            (h[1, 0] * x + h[1, 1] * y + h[1, 2]) / w,
        ],
        axis=1,
    )


@dataclass(frozen=True, slots=True)
class Bend:
    """Offsets known at some marks, and what they say about the places between.

    At each place: a linear fit of the offsets of the marks around it. A curled or folded sheet
    follows no single curve, but near by it is flat.
    """

    centres: Array
    """(k, 2) mm."""
    offsets: Array
    """(k, 2) mm."""
    trust: Array
    """(k,) weight."""

    def at(self, points: Array, *, without_self: bool = False) -> Array:
        """Offsets at (n, 2) mm; ``without_self`` asks the other marks about a mark's own place."""
        if len(self.centres) == 0:
            return np.zeros_like(points)
        away = self.centres[None] - points[:, None]
        distance = np.hypot(away[..., 0], away[..., 1])
        if without_self:
            distance = np.where(distance < 1e-6, np.inf, distance)
        width = KERNEL_MM + distance.min(axis=1, keepdims=True)
        weight = self.trust * np.exp(-0.5 * (distance / width) ** 2)
        # Normal equations of offset = constant + slope · away, slopes kept small by a ridge.
        x, y = away[..., 0], away[..., 1]
        wx, wy = weight * x, weight * y
        slope = (NOISE_MM / USUAL_SLOPE) ** 2
        sums = np.stack([weight, wx, wy, wx * x, wx * y, wy * y]).sum(axis=2)
        w, a, b, aa, ab, bb = sums
        normal = np.empty((len(points), 3, 3))
        normal[:, 0, 0], normal[:, 1, 1], normal[:, 2, 2] = w + 1e-3, aa + slope, bb + slope
        normal[:, 0, 1] = normal[:, 1, 0] = a
        normal[:, 0, 2] = normal[:, 2, 0] = b
        normal[:, 1, 2] = normal[:, 2, 1] = ab
        right = np.stack([weight @ self.offsets, wx @ self.offsets, wy @ self.offsets], axis=1)
        return np.asarray(np.linalg.solve(normal, right)[:, 0], np.float64)


NO_BEND = Bend(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


@dataclass(frozen=True, slots=True)
class PageWarp:
    """mm to px."""

    homography: Matrix
    """(3, 3), mm to px of the greyscale picture."""
    size_mm: tuple[float, float]
    bend: Bend = NO_BEND

    def bent(self, points_mm: Array) -> Array:
        """Where points of a flat sheet lie, in mm, after the bend; (n, 2)."""
        return points_mm + self.bend.at(points_mm)

    def to_px(self, points_mm: Array) -> Array:
        """Pixels of the greyscale picture for (n, 2) mm."""
        return project(self.homography, self.bent(points_mm))

    def px_per_mm(self, point_mm: tuple[float, float]) -> float:
        """Resolution of the photo at one place of the sheet: root of the area ratio."""
        x, y = point_mm
        ring = self.to_px(np.array([[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]))
        across, down = (ring[1] - ring[0]) / 2, (ring[3] - ring[2]) / 2
        return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))
