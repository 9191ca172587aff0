"""Where a picture is darker than its surroundings, whatever the light."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.states import Grey


def ink(grey: Grey, window_px: int) -> NDArray[np.uint8]:
    """Darkness against the local mean, 0 (paper) to 255 (ink), same shape as ``grey``.

    Args:
        grey: (h, w) picture.
        window_px: Side of the neighbourhood; several times the width of a stroke.
    """
    window_px |= 1
    around = cv2.blur(grey, (window_px, window_px))
    darker = cv2.subtract(around, grey)
    # A black line on paper is about half as bright as the paper, in light or in shade.
    return np.asarray(cv2.divide(darker, around, scale=255 * 2.2), np.uint8)
