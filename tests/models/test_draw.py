"""The blank sheet is drawn where the template says, to a fraction of a pixel."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.forms.draw import (
    BLACK,
    GREY,
    PAPER,
    Pixels,
    draw_fields,
    draw_page,
    marker_modules,
    to_mm,
    to_px,
)
from models.forms.template import FormTemplate, PageTemplate, Ruling, Tag, load_form

FORM = load_form("c-hasil-ppwp-2024")
SCALES = st.floats(min_value=1.5, max_value=7.0)


def _page_of(form: FormTemplate, rulings: tuple[Ruling, ...]) -> PageTemplate:
    """A small page with nothing printed but the rulings given."""
    bare = form.page(1).model_copy(
        update={"rulings": rulings, "texts": (), "fiducials": (), "tag": None, "fields": ()}
    )
    assert isinstance(bare, PageTemplate)
    return bare


def _small(width: float = 80.0, height: float = 60.0) -> FormTemplate:
    small = FORM.model_copy(update={"page_mm": (width, height)})
    assert isinstance(small, FormTemplate)
    return small


def _mass_centre(profile: NDArray[np.float64]) -> float:
    return float((profile * np.arange(len(profile))).sum() / profile.sum())


@given(
    x=st.floats(min_value=-50, max_value=950),
    y=st.floats(min_value=-50, max_value=950),
    scale=SCALES,
)
def test_mm_and_px_are_each_others_inverse(x: float, y: float, scale: float) -> None:
    point = np.array([x, y])
    assert np.allclose(to_mm(to_px(point, scale), scale), point, atol=1e-9)


def test_the_pixel_rule_is_the_written_one() -> None:
    assert to_px(np.array([0.0, 10.0]), 2.0).tolist() == [-0.5, 19.5]


@settings(max_examples=60)
@given(
    at=st.floats(min_value=5, max_value=55),
    width=st.floats(min_value=0.3, max_value=2.0),
    scale=SCALES,
    upright=st.booleans(),
    ink=st.sampled_from(["black", "grey"]),
)
def test_a_ruling_lies_on_its_line_and_has_its_width(
    at: float, width: float, scale: float, upright: bool, ink: str
) -> None:
    line = (at, 5.0, at, 55.0) if upright else (5.0, at, 55.0, at)
    kind = "grey" if ink == "grey" else "black"
    drawn = draw_page(
        _small(), _page_of(_small(), (Ruling(line=line, width=width, ink=kind),)), scale
    )
    middle = round(30 * scale)
    across = drawn[middle] if upright else drawn[:, middle]
    level = GREY if ink == "grey" else BLACK
    profile = (PAPER - across.astype(np.float64)) / (PAPER - level)
    # What share of each pixel lies on the line, found by asking at 400 points in it.
    points = (np.arange(400 * len(profile)) + 0.5) / 400
    on_line = np.abs(points - at * scale) < width * scale / 2
    expected = on_line.reshape(-1, 400).mean(axis=1)
    assert np.abs(profile - expected).max() < 0.02
    assert abs(profile.sum() - width * scale) < 0.06


@settings(max_examples=25)
@given(scale=SCALES, number=st.sampled_from([1, 2, 3]))
def test_digit_boxes_lie_where_the_template_says(scale: float, number: int) -> None:
    page = FORM.page(number)
    only_boxes = page.model_copy(update={"rulings": (), "texts": ()})
    assert isinstance(only_boxes, PageTemplate)
    drawn = draw_page(FORM, only_boxes, scale).astype(np.float64)
    for field in page.fields:
        x0, y0, x1, y1 = field.boxes[-1]
        row = round((y0 + 2.0) * scale)
        for edge in (x0, x1):
            start = int((edge - 1.2) * scale)
            strip = PAPER - drawn[row, start : int((edge + 1.2) * scale) + 2]
            found = (start + _mass_centre(strip) + 0.5) / scale
            assert abs(found - edge) < 0.05, field.name
        assert drawn[round((y0 + y1) / 2 * scale), round((x0 + 2.2) * scale)] == PAPER


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("scale", [2.2, 4.0, 6.0])
def test_opencv_finds_the_tag_with_its_id_and_corners(number: int, scale: float) -> None:
    page = FORM.page(number)
    assert page.tag is not None
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h10)
    drawn = draw_page(FORM, page, scale)
    corners, ids, _ = cv2.aruco.ArucoDetector(family, parameters).detectMarkers(drawn)
    assert ids is not None
    assert ids.ravel().tolist() == [page.tag.id]
    x0, y0, x1, y1 = page.tag.box
    turned = np.array([[x1, y1], [x0, y1], [x0, y0], [x1, y0]])
    assert page.tag.quarter_turns == 2
    off = np.hypot(*(corners[0].reshape(4, 2) - to_px(turned, scale)).T)
    assert off.max() < 0.5


@given(turns=st.integers(min_value=0, max_value=3))
def test_the_tag_turns_clockwise(turns: int) -> None:
    tag = Tag(id=101, box=(0, 0, 8, 8), quarter_turns=turns)
    upright = marker_modules(tag.model_copy(update={"quarter_turns": 0}), "DICT_APRILTAG_36h10")
    turned = marker_modules(tag, "DICT_APRILTAG_36h10")
    expected = upright
    for _ in range(turns):
        expected = cv2.rotate(expected, cv2.ROTATE_90_CLOCKWISE).astype(np.uint8)
    assert np.array_equal(turned, expected)


def test_an_unknown_marker_is_refused() -> None:
    tag = Tag(id=99999, box=(0, 0, 8, 8), quarter_turns=0)
    with pytest.raises(ValueError, match="has no marker 99999"):
        marker_modules(tag, "DICT_APRILTAG_36h10")
    with pytest.raises(ValueError, match="no marker family"):
        marker_modules(tag, "DICT_NOT_THERE")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_fiducial_centres_are_where_the_squares_touch(number: int) -> None:
    scale = 4.0
    drawn = draw_page(FORM, FORM.page(number), scale)
    for fiducial in FORM.page(number).fiducials:
        start = to_px(np.array(fiducial.centre), scale).astype(np.float32).reshape(1, 1, 2)
        stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
        found = cv2.cornerSubPix(drawn, start + 1.5, (9, 9), (-1, -1), stop)
        assert np.hypot(*(found - start).ravel()) < 0.1


def test_bubbles_are_rings_with_a_numeral() -> None:
    scale = 6.0
    drawn = draw_page(FORM, FORM.page(2), scale).astype(np.float64)
    bubbles = FORM.page(2).fields[0].bubbles
    assert bubbles is not None
    for value in range(10):
        x, y = to_px(np.array(bubbles.centre(1, value)), scale)
        around = np.linspace(0, 2 * np.pi, 180)
        radius = bubbles.diameter / 2 * scale
        ring = drawn[
            np.rint(y + radius * np.sin(around)).astype(int),
            np.rint(x + radius * np.cos(around)).astype(int),
        ]
        inside = drawn[
            np.rint(y + 0.8 * radius * np.sin(around)).astype(int),
            np.rint(x + 0.8 * radius * np.cos(around)).astype(int),
        ]
        assert ring.max() < 140
        assert inside.min() == PAPER
        core = drawn[round(y - 12) : round(y + 12), round(x - 9) : round(x + 9)]
        assert core.min() < 80


def test_guides_are_light_dots_and_stay_in_their_box() -> None:
    scale = 8.0
    field = FORM.page(2).fields[0]
    assert field.guides is not None
    drawn = draw_page(FORM, FORM.page(2), scale)
    x0, y0, x1, y1 = (round(v * scale) for v in field.guides[0])
    dots = drawn[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2]
    assert dots.min() == GREY
    _, found, *_ = cv2.connectedComponentsWithStats((dots < 228).astype(np.uint8))
    assert found.max() == 3 * 9 + 2 * 3  # three columns of nine, and two more in three rows


@pytest.mark.parametrize("number", [1, 2, 3])
def test_size_colour_and_field_picture(number: int) -> None:
    page = FORM.page(number)
    grey = draw_page(FORM, page, 1.5)
    colour = draw_page(FORM, page, 1.5, colour=True)
    outlined = draw_fields(FORM, page, 1.5)
    assert grey.shape == (1350, 900)
    assert colour.shape == outlined.shape == (1350, 900, 3)
    assert np.array_equal(colour[..., 0], grey)
    coloured = np.ptp(outlined.astype(int), axis=2) > 60
    for field in page.fields:
        x0, y0, _, y1 = field.boxes[0]
        edge = round(x0 * 1.5 - 0.5)
        strip = coloured[round((y0 + 4) * 1.5) : round((y1 - 4) * 1.5), edge - 1 : edge + 2]
        assert strip.any(axis=1).all(), field.name


def test_drawing_is_the_same_every_time() -> None:
    first: Pixels = draw_page(FORM, FORM.page(2), 2.2)
    assert np.array_equal(first, draw_page(FORM, FORM.page(2), 2.2))


def test_every_printed_text_leaves_ink_and_none_leaves_the_sheet() -> None:
    for page in FORM.pages:
        without = page.model_copy(update={"texts": ()})
        assert isinstance(without, PageTemplate)
        texts = draw_page(FORM, page, 2.2).astype(int) < draw_page(FORM, without, 2.2).astype(int)
        for text in page.texts:
            x, y = to_px(np.array(text.at), 2.2)
            reach = 12 if text.anchor == "start" else 4
            near = texts[round(y) - 6 : round(y) + 7, max(0, round(x) - 6) : round(x) + reach + 4]
            assert near.any(), text.text
        assert not texts[:, :4].any()
        assert not texts[:, -4:].any()


def test_the_inks_of_the_template_are_all_drawn() -> None:
    inks = get_args(Ruling.model_fields["ink"].annotation)
    for ink in inks:
        ruling = Ruling(line=(5.0, 20.0, 70.0, 20.0), width=1.0, ink=ink)
        drawn = draw_page(_small(), _page_of(_small(), (ruling,)), 4.0)
        share = float((drawn[79:81, 20:280] < 250).mean())
        assert (0.2 < share < 0.45) if ink == "dashed" else share > 0.99
