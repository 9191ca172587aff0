"""From millimetres on the sheet to pixels of the photo: a smooth bend, then a homography."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.arrays import Array


def project(homography: Array, points: Array) -> Array:
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


def monomials(points: Array, size_mm: tuple[float, float], degree: int) -> Array:
    """Terms x^i y^j with i + j ≤ degree, of points scaled to about -1 to 1; (n, k)."""
    x = points[:, 0] / size_mm[0] * 2 - 1
    y = points[:, 1] / size_mm[1] * 2 - 1
    return np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], axis=1)


def terms(degree: int) -> int:
    """How many monomials of two variables there are up to a degree."""
    return (degree + 1) * (degree + 2) // 2


def raised(bend: Array, degree: int, to_degree: int) -> Array:
    """The same polynomial's (terms, 2) coefficients in the basis of a higher degree."""
    index = {
        power: place
        for place, power in enumerate(
            (i, j) for i in range(to_degree + 1) for j in range(to_degree + 1 - i)
        )
    }
    lifted = np.zeros((terms(to_degree), 2))
    powers = ((i, j) for i in range(degree + 1) for j in range(degree + 1 - i))
    for place, power in enumerate(powers):
        lifted[index[power]] = bend[place]
    return lifted


@dataclass(frozen=True, slots=True)
class PageWarp:
    """mm to px. ``bend`` takes up curl and folds that a flat sheet's homography can't."""

    homography: Array
    """(3, 3), mm to px of the greyscale picture."""
    bend: Array
    """(terms, 2) mm of displacement for each monomial; a flat sheet has zeros."""
    degree: int
    size_mm: tuple[float, float]

    @classmethod
    def flat(cls, homography: Array, size_mm: tuple[float, float]) -> PageWarp:
        """A sheet without any bend."""
        return cls(homography, np.zeros((1, 2)), 0, size_mm)

    def bent(self, points_mm: Array) -> Array:
        """Where points of a flat sheet lie, in mm, after the bend; (n, 2)."""
        return points_mm + monomials(points_mm, self.size_mm, self.degree) @ self.bend

    def to_px(self, points_mm: Array) -> Array:
        """Pixels of the greyscale picture for (n, 2) mm."""
        return project(self.homography, self.bent(points_mm))

    def px_per_mm(self, point_mm: tuple[float, float]) -> float:
        """Resolution of the photo at one place of the sheet: root of the area ratio."""
        x, y = point_mm
        ring = self.to_px(np.array([[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]))
        across, down = (ring[1] - ring[0]) / 2, (ring[3] - ring[2]) / 2
        return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))
