"""A digit box as if nothing but ink were on the paper.

For boxes that touch, that stand on a watermark, or that are printed pale. What a recogniser of
boxes that stand apart takes for strokes is taken away: print paler than ink, the box's own lines,
and what reaches in from the neighbours. Around what is left a frame is drawn.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.forms.template import BoxMm
from models.recognisers.recogniser import CROP_PX
from pipeline.arrays import Grey
from pipeline.straighten import straighten_area
from pipeline.warp import PageWarp

INNER_PX = 40
"""The box's width in the crop."""

MARGIN_PX = (CROP_PX - INNER_PX) // 2

PALE = 0.62
"""Share of the paper's brightness above which print is no ink: watermarks have 0.9, pale guides
0.7 to 0.85, pens 0.2 to 0.5."""

INK = 160
"""Grey level below which a pixel of a cleaned box is ink."""

EDGE_PX = 5
"""A line that runs along the side of the box within this is its own; so is what lies wholly in
there."""

LINE_SHARE = 0.45
"""Share of a row or column that is dark where a line runs."""

TALL = 1.15
"""Boxes higher than wide by more than this are cut square, where the ink is."""

FRAME_GREY = 60


def clean_box(grey: Grey, warp: PageWarp, box: BoxMm) -> Grey:
    """Cut one box and clean it: (48, 48).

    Args:
        grey: (h, w) the photo.
        warp: The page's place in it.
        box: On the sheet, mm, along the middle of its stroke.
    """
    x0, _, x1, _ = box
    inner = straighten_area(grey, warp, box, INNER_PX / (x1 - x0))
    clean = _without_lines(_without_pale(inner))
    clean = _square(clean)
    crop = np.full((CROP_PX, CROP_PX), 255, np.uint8)
    crop[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = clean
    first, last = MARGIN_PX - 1, CROP_PX - MARGIN_PX
    cv2.rectangle(crop, (first, first), (last, last), FRAME_GREY, 2)
    return crop


def _without_pale(inner: Grey) -> Grey:
    paper = float(np.percentile(inner, 90))
    return np.where(inner > PALE * paper, np.uint8(255), inner).astype(np.uint8)


def _without_lines(inner: Grey) -> Grey:
    clean, dark = inner.copy(), inner < INK
    for k in range(EDGE_PX):
        for line, there in (
            (dark[:, k], np.s_[:, k]),
            (dark[:, -1 - k], np.s_[:, -1 - k]),
            (dark[k], np.s_[k]),
            (dark[-1 - k], np.s_[-1 - k]),
        ):
            if line.mean() > LINE_SHARE:
                clean[there] = 255
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (clean < INK).astype(np.uint8), connectivity=8
    )
    high, wide = clean.shape
    for piece in range(1, count):
        x, y, across, down = (int(v) for v in stats[piece][:4])
        beside = x + across <= EDGE_PX or x >= wide - EDGE_PX
        if beside or y + down <= EDGE_PX or y >= high - EDGE_PX:
            clean[labels == piece] = 255
    return clean


def _square(inner: Grey) -> Grey:
    """The square part of a tall box in which most of the ink lies; others are stretched."""
    high = inner.shape[0]
    if high <= TALL * INNER_PX:
        return np.asarray(
            cv2.resize(inner, (INNER_PX, INNER_PX), interpolation=cv2.INTER_AREA), np.uint8
        )
    rows = _ink_rows(inner)
    places = np.repeat(np.arange(high), rows)
    if len(places) < 12:
        top = (high - INNER_PX) // 2
    else:
        low, far = np.quantile(places, [0.02, 0.98])
        top = round(float(low + far) / 2 - INNER_PX / 2)
    top = max(0, min(high - INNER_PX, top))
    return inner[top : top + INNER_PX]


def _ink_rows(inner: Grey) -> NDArray[np.int64]:
    """How much ink each row holds, the sides left out."""
    dark = inner < INK
    dark[:4], dark[-4:], dark[:, :3], dark[:, -3:] = False, False, False, False
    return np.asarray(dark.sum(axis=1), np.int64)
