"""Pieces of the photo, straightened: small cells by their corners, long areas along the bend."""

from __future__ import annotations

import cv2
import numpy as np

from models.forms.template import BoxMm
from pipeline.arrays import Array, Grey, Points3
from pipeline.warp import PageWarp

MESH_MM = 12.0
"""A long area is laid on the photo by a mesh of about this step; in between it is flat."""


def corners_of(boxes: list[BoxMm], nudge: tuple[float, float] = (0.0, 0.0)) -> Array:
    """(n * 4, 2) mm: the corners of boxes, clockwise from top left."""
    points = [
        corner for x0, y0, x1, y1 in boxes for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    ]
    return np.array(points, np.float64) + np.array(nudge, np.float64)


def full_size(outlines: Array, reduction: int) -> Array:
    """Pixels of a reduced picture to those of the full-size photo."""
    return (outlines + 0.5) * reduction - 0.5


def inside(outlines: Array, grey: Grey) -> bool:
    """Whether all points, (..., 2) px, are in the picture."""
    high, wide = grey.shape
    return bool(
        (outlines >= -0.5).all()
        and (outlines[..., 0] <= wide - 0.5).all()
        and (outlines[..., 1] <= high - 0.5).all()
    )


def straighten_area(grey: Grey, warp: PageWarp, box: BoxMm, px_per_mm: float) -> Grey:
    """One area of the sheet as a flat picture, (high, wide) at ``px_per_mm``.

    Where the photo is much finer than that, it is sampled finer and averaged.
    """
    x0, y0, x1, y1 = box
    there = warp.px_per_mm(((x0 + x1) / 2, (y0 + y1) / 2))
    finer = 2 if there > 1.5 * px_per_mm else 1
    wide, high = round((x1 - x0) * px_per_mm), round((y1 - y0) * px_per_mm)
    across = max(2, round((x1 - x0) / MESH_MM) + 1)
    down = max(2, round((y1 - y0) / MESH_MM) + 1)
    xs, ys = np.meshgrid(np.linspace(x0, x1, across), np.linspace(y0, y1, down))
    mesh = warp.to_px(np.stack([xs.ravel(), ys.ravel()], axis=1)).reshape(down, across, 2)
    u = (np.arange(wide * finer) + 0.5) / (wide * finer) * (across - 1)
    v = (np.arange(high * finer) + 0.5) / (high * finer) * (down - 1)
    at = np.meshgrid(u.astype(np.float32), v.astype(np.float32))
    maps = [
        cv2.remap(mesh[..., axis].astype(np.float32), at[0], at[1], cv2.INTER_LINEAR)
        for axis in (0, 1)
    ]
    fine = cv2.remap(grey, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if finer != 1:
        fine = cv2.resize(fine, (wide, high), interpolation=cv2.INTER_AREA)
    return np.asarray(fine, np.uint8)


def straighten_cells(grey: Grey, outlines: Points3, fine_px: int, px: int) -> Grey:
    """Straighten (n, 4, 2) px outlines into (n, px, px) pictures."""
    count = len(outlines)
    if count == 0:
        return np.zeros((0, px, px), np.uint8)
    steps = ((np.arange(fine_px) + 0.5) / fine_px).astype(np.float32)
    right, down = steps[None, None, :], steps[None, :, None]
    tl, tr, br, bl = (outlines[:, k, :, None, None].astype(np.float32) for k in range(4))
    x, y = (
        ((1 - down) * ((1 - right) * tl[:, a] + right * tr[:, a]))
        + (down * ((1 - right) * bl[:, a] + right * br[:, a]))
        for a in (0, 1)
    )
    fine = cv2.remap(
        grey,
        x.reshape(count * fine_px, fine_px),
        y.reshape(count * fine_px, fine_px),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine_px != px:
        fine = cv2.resize(fine, (px, count * px), interpolation=cv2.INTER_AREA)
    return np.asarray(fine, np.uint8).reshape(count, px, px)
