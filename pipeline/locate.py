"""Find the page in the photo by its square code, to within some mm."""

from __future__ import annotations

import cv2
import numpy as np

from models.forms.template import FormTemplate, PageTemplate
from pipeline.anchors import COARSE_PX_PER_MM, INK_WINDOW_MM, anchors_of
from pipeline.arrays import Array, Grey
from pipeline.fitting import robust_homography
from pipeline.ink import ink
from pipeline.landmarks import FoundTag, find_tags
from pipeline.sighting import look
from pipeline.spread import Known
from pipeline.states import LocatedPage, OpenedPhoto
from pipeline.warp import PageWarp

LOCATING_LONG_SIDE_PX = 1000
"""The code of 32 mm is then 20 to 35 px across: enough for its 8 × 8 modules."""


START_REACH_MM = 5.0
REACHES = (0.06, 0.2)
"""How far a corner mark may be from where it is expected, as a share of its distance from the
code: near by first, which is quick and usual, then as far as perspective can put it."""

CODE_TRUST = 0.1
"""Weight of a code's corner beside a corner mark's: the four stand close together and are each
off by up to 2 mm (median 0.9, measured on 60 photos)."""

LEAST_MARK_LIKENESS = 0.6
"""Correlation from which two touching squares are a corner mark; print elsewhere on the sheet
stays below."""


def shrink(grey: Grey, long_side_px: int) -> tuple[Grey, float]:
    """A smaller picture and how many px of the given one go into one of its own."""
    # Whole factors are several times quicker.
    factor = max(1, round(max(grey.shape) / long_side_px))
    if factor == 1:
        return grey, 1.0
    size = grey.shape[1] // factor, grey.shape[0] // factor
    part = grey[: size[1] * factor, : size[0] * factor]
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8), float(factor)


def enlarge(points_px: Array, factor: float) -> Array:
    """Points of a shrunken picture in px of the picture it was made from (pixel centres)."""
    return (points_px + 0.5) * factor - 0.5


def tags_in(photo: OpenedPhoto, family: str, ids: tuple[int, ...] | None) -> list[FoundTag]:
    """Square codes in the photo, corners in px of ``photo.grey``; a second look is full size."""
    small, factor = shrink(photo.grey, LOCATING_LONG_SIDE_PX)
    found = find_tags(small, family, ids)
    if not found and factor > 1.0:
        return find_tags(photo.grey, family, ids)
    return [FoundTag(tag.id, enlarge(tag.corners, factor)) for tag in found]


def tag_on_sheet(page: PageTemplate) -> Array:
    """(4, 2) mm: the code's corners in its own order (its top left first, clockwise)."""
    if page.tag is None:
        raise ValueError(f"page {page.number} has no tag")
    x0, y0, x1, y1 = page.tag.box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return np.roll(corners, -page.tag.quarter_turns, axis=0)


def by_tag(
    photo: OpenedPhoto, form: FormTemplate, page: PageTemplate, tag: FoundTag
) -> LocatedPage:
    """A placing from the code and the corner marks.

    The code alone is 32 mm across; its corners say little about the far end of a sheet of
    900 mm. So the nearest corner mark is looked for where the code says, then the next where
    both say, and so on. Marks that are not in view are left out.
    """
    anchors = anchors_of(form, page)
    known = Known(tag_on_sheet(page), tag.corners, np.full(4, CODE_TRUST))
    homography = _similar(known.centres, known.targets)
    middle = known.centres.mean(axis=0)
    scale = PageWarp(homography, form.page_mm).px_per_mm((float(middle[0]), float(middle[1])))
    dark = ink(photo.grey, round(INK_WINDOW_MM * scale))
    distance = np.hypot(*(anchors.centres - middle).T)
    order = sorted(np.flatnonzero(anchors.marks), key=lambda index: float(distance[index]))
    # What the far marks say may bring a nearer one into reach: ask twice.
    missing = [*order, *order]
    while missing:
        mark = missing.pop(0)
        only = np.arange(len(distance)) == mark
        warp = PageWarp(homography, form.page_mm)
        for share in REACHES:
            reach = START_REACH_MM + share * distance
            sighting = look(dark, anchors, warp, reach, COARSE_PX_PER_MM, only)
            if sighting.likeness[mark] >= LEAST_MARK_LIKENESS:
                target = warp.to_px(anchors.centres[only] + sighting.offset_mm[only])
                known = known.plus(anchors.centres[only], target, np.ones(1))
                homography = robust_homography(
                    known.centres, known.targets, known.trust, homography, (40.0, 10.0)
                )
                missing = [other for other in missing if other != mark]
                break
    return LocatedPage(photo, dark, form, page, homography, known, "tag")


def _similar(on_sheet: Array, in_photo: Array) -> Array:
    rows = np.column_stack([on_sheet, np.ones(len(on_sheet))])
    solution, *_ = np.linalg.lstsq(rows, in_photo, rcond=None)
    return np.vstack([solution.T, [0.0, 0.0, 1.0]])
