"""MNIST's digits as pen strokes: one pixel wide centre-lines that can be drawn with any pen.

MNIST shows thick strokes at 28 px; the boxes on the form show thin ones. So each digit is
enlarged, thinned to its centre-line (Zhang and Suen, 1984) and drawn anew at the wanted width.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

LINE_PX = 64
"""Width and height of a centre-line picture."""

_PART = 4000
"""Digits thinned together, to bound the memory."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one of MNIST's idx files of unsigned bytes; ``ValueError`` where it is none."""
    content = path.read_bytes()
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path.name} is no idx file of unsigned bytes")
    dimensions = content[3]
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load_mnist(folder: Path, part: str = "train") -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures (n, 28, 28), ink bright, and labels (n,) of part ``train`` or ``t10k``."""
    return (
        read_idx(folder / f"{part}-images-idx3-ubyte"),
        read_idx(folder / f"{part}-labels-idx1-ubyte"),
    )


def centre_lines(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thin MNIST digits to lines.

    Args:
        pictures: (n, 28, 28), ink bright.

    Returns:
        (n, 64, 64), 255 on the centre-line, else 0.

    """
    large = np.empty((len(pictures), LINE_PX, LINE_PX), dtype=bool)
    for place, picture in enumerate(pictures):
        smooth = cv2.GaussianBlur(
            cv2.resize(picture, (LINE_PX, LINE_PX), interpolation=cv2.INTER_CUBIC), (0, 0), 1.2
        )
        large[place] = smooth > 110
    large[:, [0, -1]] = False
    large[:, :, [0, -1]] = False
    thin = [_thin(large[start : start + _PART]) for start in range(0, len(large), _PART)]
    return np.concatenate([large[:0], *thin]).astype(np.uint8) * 255


def _thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    ink = ink.copy()
    active = np.arange(len(ink))
    while len(active):
        part = ink[active]
        before = part.sum(axis=(1, 2))
        for first_pass in (True, False):
            around = [
                np.roll(part, shift, axis=(1, 2))
                for shift in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]  # north, north-east, east, … north-west of each pixel
            neighbours = sum(n.astype(np.uint8) for n in around)
            crossings = sum(
                (~here & there).astype(np.uint8)
                for here, there in zip(around, around[1:] + around[:1], strict=True)
            )
            north, east, south, west = around[0], around[2], around[4], around[6]
            if first_pass:
                open_side = ~(north & east & south) & ~(east & south & west)
            else:
                open_side = ~(north & east & west) & ~(north & south & west)
            gone = part & (neighbours >= 2) & (neighbours <= 6) & (crossings == 1) & open_side
            part &= ~gone
        ink[active] = part
        active = active[part.sum(axis=(1, 2)) < before]
    return ink
