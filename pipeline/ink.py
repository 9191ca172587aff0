"""Where a picture is darker than its surroundings."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.arrays import Grey


def ink(grey: Grey, window_px: int) -> Grey:
    """Darkness against the local mean, 0 (paper) up, same shape as ``grey``.

    In grey levels of the photo: patches are compared by correlation, which asks nothing of the
    light's strength. ``even_ink`` is for thresholds.

    Args:
        grey: (h, w) picture.
        window_px: Side of the neighbourhood; several times the width of a stroke.
    """
    return np.asarray(cv2.subtract(_around(grey, window_px), grey), np.uint8)


def even_ink(grey: Grey, window_px: int) -> Grey:
    """The same as a share of the local mean: 0 (paper) to 255 (ink), in light and in shade."""
    around = _around(grey, window_px)
    # A black line on paper is about half as bright as the paper.
    return np.asarray(cv2.divide(cv2.subtract(around, grey), around, scale=255 * 2.2), np.uint8)


def _around(grey: Grey, window_px: int) -> Grey:
    """The local mean. It is smooth: at a quarter of the size it costs a tenth and is the same."""
    high, wide = grey.shape
    coarse = cv2.resize(grey, (max(1, wide // 4), max(1, high // 4)), interpolation=cv2.INTER_AREA)
    side = max(1, round(window_px / 4)) | 1
    return np.asarray(cv2.resize(cv2.blur(coarse, (side, side)), (wide, high)), np.uint8)
