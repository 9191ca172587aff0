"""From a page found to within some mm to a page whose every cell is placed.

Small patches of the blank page are looked for, spreading from where the first placing is sure.
Their offsets give a homography, a bend for curl and folds, and each field's own last nudge. What
is left over is the placement error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.errors import NoFormFound, PoorPlacement
from models.forms.template import FieldTemplate
from models.records import Placement
from pipeline.anchors import REFERENCE_PX_PER_MM as REFERENCE
from pipeline.anchors import Anchors, anchors_of
from pipeline.arrays import Array
from pipeline.sighting import Sighting, look
from pipeline.spread import contradicted, spread
from pipeline.states import LocatedPage, OpenedPhoto, PlacedPage
from pipeline.warp import Bend, PageWarp, project

FINE_REACH_MM = 2.0
"""How far the last, fine search looks around what the coarse one found."""

AGREE_MM = 1.0
"""A mark agrees when it is no farther than this from where its surroundings put it."""

CHANCE_LIKENESS = 0.5
"""Correlation that a mark often reaches in a wrong place that looks much alike."""

AROUND_MM = 60.0
LEAST_AROUND = 3
"""A field whose boxes are printed too pale to be marks is in its place where so many marks this
near to it agree."""

LEAST_ANCHORS = 6
LEAST_SHARE = 0.5
"""Fewer of the anchors in view than this agree: this is not the page."""


def refine(located: LocatedPage) -> PlacedPage:
    """Place every cell of a located page.

    Raises:
        NoFormFound: where the printed page is not there after all.
        PoorPlacement: where its cells can't be placed closely enough to be read.
    """
    anchors = anchors_of(located.form, located.page)
    dark = located.dark
    size_mm = located.form.page_mm
    homography, known = spread(dark, anchors, located.known, located.homography, size_mm)
    if len(known.centres) < LEAST_ANCHORS:
        raise _not_the_page(located, len(known.centres), LEAST_ANCHORS)
    coarse = PageWarp(homography, size_mm, known.bend(homography))
    sighting = look(dark, anchors, coarse, FINE_REACH_MM, REFERENCE)
    found = sighting.found
    offsets = coarse.bend.at(anchors.centres) + sighting.offset_mm
    everything = located.known.plus(
        anchors.centres[found],
        project(homography, anchors.centres[found] + offsets[found]),
        sighting.likeness[found],
    )
    seeds = np.arange(len(everything.trust)) < len(located.known.trust)
    tears = contradicted(everything.bend(homography), seeds)[len(located.known.trust) :]
    found[found] = ~tears
    bend = Bend(anchors.centres[found], offsets[found], sighting.likeness[found])
    warp = PageWarp(homography, size_mm, bend)
    residual = offsets - bend.at(anchors.centres)
    agree = found & (np.hypot(*residual.T) <= AGREE_MM)
    _require_page(agree, sighting, located)
    support = float((sighting.likeness[agree] - CHANCE_LIKENESS).sum())
    return _placed(located, anchors, warp, residual, agree, support, sighting.in_view)


def _require_page(agree: NDArray[np.bool_], sighting: Sighting, located: LocatedPage) -> None:
    needed = max(LEAST_ANCHORS, int(np.ceil(LEAST_SHARE * sighting.in_view.sum())))
    if agree.sum() < needed:
        raise _not_the_page(located, int(agree.sum()), needed)


def _not_the_page(located: LocatedPage, recognised: int, needed: int) -> NoFormFound:
    return NoFormFound(
        f"{located.photo.name}: {recognised} printed marks of {located.form.id} "
        f"page {located.page.number} are where they should be, {needed} are needed",
        recognised=recognised,
        needed=needed,
    )


def _placed(
    located: LocatedPage,
    anchors: Anchors,
    warp: PageWarp,
    residual: Array,
    agree: NDArray[np.bool_],
    support: float,
    looked_for: NDArray[np.bool_],
) -> PlacedPage:
    """Give each field its nudge and sum up how well the page lies."""
    form, page, photo = located.form, located.page, located.photo
    nudges: dict[str, tuple[float, float]] = {}
    loose: set[str] = set()
    errors: list[float] = []
    belongs = np.array([name or "" for name in anchors.fields])
    in_view = fields_in_view(page.fields, warp, (photo.grey.shape[1], photo.grey.shape[0]))
    for field in page.fields:
        mine = np.flatnonzero(belongs == field.name)
        if len(mine):
            good = mine[agree[mine]]
            nudge = np.median(residual[good], axis=0) if len(good) else np.zeros(2)
            held = len(good) == len(mine)
        else:
            good, nudge = _around(field, anchors, agree), np.zeros(2)
            held = len(good) >= LEAST_AROUND
        nudges[field.name] = float(nudge[0]), float(nudge[1])
        if field.name not in in_view:
            continue
        if not held:
            loose.add(field.name)
        errors += [float(e) for e in np.hypot(*(residual[good] - nudge).T)]
    if not in_view:
        raise NoFormFound(
            f"{photo.name}: {form.id} page {page.number} is there, but no field of it is in view"
        )
    boxes = np.isin(belongs, list(in_view))
    # Boxes that touch, of forms without a square code, are seldom all found; those of the others
    # stand apart, and a page without a single field in its place is turned away.
    most_boxes_agree = boxes.any() and agree[boxes].sum() >= LEAST_SHARE * boxes.sum()
    may_be_loose = form.tag_family is None and most_boxes_agree
    if len(loose) == len(in_view) and not may_be_loose:
        raise PoorPlacement(
            f"{photo.name}: of the {len(in_view)} fields of {form.id} page {page.number} in view, "
            "none has its boxes where they should be",
            fields=len(in_view),
        )
    error, worst = float(np.sqrt(np.mean(np.square(errors)))), max(errors)
    placement = Placement(
        method=located.method,
        error_mm=round(error / form.enlargement, 3),
        worst_mm=round(worst / form.enlargement, 3),
        px_per_mm=round(_resolution(warp, page.fields) * photo.reduction * form.enlargement, 3),
        rotation_degrees=round(_rotation(warp), 1),
        in_view=round(len(in_view) / len(page.fields), 4),
        outline=tuple(
            (round(float(x), 1), round(float(y), 1))
            for x, y in full_size_px(warp, photo, _sheet_corners(form.page_mm))
        ),
    )
    return PlacedPage(
        photo=photo,
        form=form,
        page=page,
        warp=warp,
        nudges=nudges,
        in_view=in_view,
        loose=frozenset(loose),
        agreeing=int(agree.sum()),
        support=support,
        looked_for=int(looked_for.sum()),
        placement=placement,
    )


def _around(field: FieldTemplate, anchors: Anchors, agree: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The agreeing marks near a field whose own boxes are no marks."""
    boxes = np.array(field.boxes)
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    off = np.maximum(np.maximum(low - anchors.centres, anchors.centres - high), 0.0)
    return np.flatnonzero(agree & (np.hypot(*off.T) <= AROUND_MM))


def full_size_px(warp: PageWarp, photo: OpenedPhoto, points_mm: Array) -> Array:
    """(n, 2) mm on the sheet to px of the full-size photo (pixel centres)."""
    return (warp.to_px(points_mm) + 0.5) * photo.reduction - 0.5


def fields_in_view(
    fields: Sequence[FieldTemplate], warp: PageWarp, size_px: tuple[int, int]
) -> frozenset[str]:
    """Fields whose digit boxes all lie inside the picture of (width, height) px."""
    corners = np.array(
        [
            (x, y)
            for field in fields
            for x0, y0, x1, y1 in field.boxes
            for x in (x0, x1)
            for y in (y0, y1)
        ]
    )
    px = warp.to_px(corners)
    in_picture = (px >= -0.5) & (px <= np.array(size_px) - 0.5)
    inside = np.asarray(in_picture.all(axis=1), np.bool_)
    ends = np.cumsum([0, *(4 * len(field.boxes) for field in fields)])
    return frozenset(
        field.name
        for field, start, end in zip(fields, ends, ends[1:], strict=False)
        if inside[start:end].all()
    )


def _sheet_corners(size_mm: tuple[float, float]) -> Array:
    wide, high = size_mm
    return np.array([[0.0, 0.0], [wide, 0.0], [wide, high], [0.0, high]])


def _resolution(warp: PageWarp, fields: Sequence[FieldTemplate]) -> float:
    """Median over the fields: a box's diagonal in px by its diagonal in mm."""
    ends = np.array([field.boxes[0] for field in fields]).reshape(-1, 2)
    px = warp.to_px(ends).reshape(-1, 2, 2)
    mm = ends.reshape(-1, 2, 2)
    across = np.hypot(*(px[:, 1] - px[:, 0]).T) / np.hypot(*(mm[:, 1] - mm[:, 0]).T)
    return float(np.median(across))


def _rotation(warp: PageWarp) -> float:
    wide, high = warp.size_mm
    bottom, top = warp.to_px(np.array([[wide / 2, high * 0.75], [wide / 2, high * 0.25]]))
    return float(np.degrees(np.arctan2(top[0] - bottom[0], bottom[1] - top[1])))
