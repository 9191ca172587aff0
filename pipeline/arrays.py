"""Names for the arrays that steps hand on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Numbers; the docstring says which shape."""

Flags = NDArray[np.bool_]

Grey = NDArray[np.uint8]
"""A greyscale picture, (height, width), 0 black to 255 white."""

Points = NDArray[np.float64]
"""(n, 2) points, x then y; the name says whether mm or px."""

Points3 = NDArray[np.float64]
"""(m, 4, 2) outlines of boxes, px."""

Points4 = NDArray[np.float64]
"""(rows, columns, 4, 2) outlines of a grid's cells, px."""

Matrix = NDArray[np.float64]
"""(3, 3) homography."""
