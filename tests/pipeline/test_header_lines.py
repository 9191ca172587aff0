"""The header's lines on a flat sheet, as it is and with one fault at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.fake_header import EVIDENCE
from fixtures.form import FORM, Header, filled_form, write_page
from models.forms.draw import draw_page
from models.forms.template import load_form
from models.recognisers.lines import NullLineRecogniser
from models.records import Placement
from models.regions import load_regions
from pipeline.header_lines import written_lines
from pipeline.states import CutPage, OpenedPhoto, PlacedPage
from pipeline.warp import PageWarp
from pipeline.whose import WhoseVerdict, whose_form
from pipeline.witnesses.header import read_header

PX_PER_MM = 4.0
PARTS = {"provinsi", "kabupaten", "kecamatan", "kelurahan", "tps", "tps_words"}
HEADER = Header("JAWA BARAT", "BEKASI", "SUKAWANGI", "SUKADAYA", 3)
Picture = NDArray[np.uint8]


@cache
def sheet(page: int = 2) -> Picture:
    written = filled_form(np.random.default_rng([55, page]), header=HEADER)
    bare = replace(written, tallies=frozenset(), words=frozenset(), signed=False)
    colour, _ = write_page(bare, page, PX_PER_MM)
    return np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY), np.uint8)


def blank(page: int = 2) -> Picture:
    form = load_form(FORM)
    return draw_page(form, form.page(page), PX_PER_MM)


def placed(grey: Picture, page: int = 2) -> PlacedPage:
    """The sheet as a photo that is placed without any error."""
    form = load_form(FORM)
    high, wide = grey.shape
    scale = np.array([[PX_PER_MM, 0, -0.5], [0, PX_PER_MM, -0.5], [0, 0, 1.0]])
    return PlacedPage(
        photo=OpenedPhoto(
            name="sheet.png",
            sha256=hashlib.sha256(grey.tobytes()).hexdigest(),
            content=b"",
            grey=grey,
            reduction=1,
            full_size=(wide, high),
        ),
        form=form,
        page=form.page(page),
        warp=PageWarp(scale, form.page_mm),
        nudges={},
        in_view=frozenset(),
        loose=frozenset(),
        agreeing=0,
        support=0.0,
        looked_for=0,
        placement=Placement(
            method="tag",
            error_mm=0.0,
            worst_mm=0.0,
            px_per_mm=PX_PER_MM,
            rotation_degrees=0.0,
            in_view=1.0,
            outline=((0.0, 0.0),) * 4,
        ),
    )


def boxes_mm(grey: Picture, page: int = 2) -> dict[str, NDArray[np.float64]]:
    """Part to (left, top, right, bottom) of its line, mm."""
    lines = written_lines(placed(grey, page))
    return {
        part: np.concatenate([line.outline.min(axis=0), line.outline.max(axis=0)]) / PX_PER_MM
        for part, line in lines.items()
    }


@pytest.mark.parametrize("page", [1, 2, 3])
def test_each_line_is_cut_to_its_writing(page: int) -> None:
    lines = written_lines(placed(sheet(page), page))
    assert set(lines) == PARTS
    template = load_form(FORM).page(page)
    for part, line in lines.items():
        assert line.picture.shape[0] == 32
        x0, y0, x1, y1 = template.header[part]
        (left, top), (right, bottom) = line.outline.min(axis=0), line.outline.max(axis=0)
        middle = (top + bottom) / 2 / PX_PER_MM
        assert y0 < middle < y1
        assert x0 - 1 < left / PX_PER_MM < right / PX_PER_MM < x1 + 15
        # There is ink, and it stands clear of the picture's upper and lower edge.
        dark = line.picture < 0.6 * np.median(line.picture)
        assert dark.sum() > 20
        rows = np.flatnonzero(dark.any(axis=1))
        assert 12 <= np.ptp(rows) <= 30
    assert lines["tps"].picture.shape[1] < lines["kelurahan"].picture.shape[1]


@pytest.mark.parametrize("shift_mm", [(0, 6), (0, -6), (4, 3), (-5, -4)])
def test_a_header_that_is_not_where_the_cells_say_is_followed(shift_mm: tuple[int, int]) -> None:
    there = boxes_mm(sheet())
    end = round(150 * PX_PER_MM)
    moved = sheet().copy()
    dx, dy = (round(v * PX_PER_MM) for v in shift_mm)
    moved[:end] = np.roll(moved[:end], (dy, dx), axis=(0, 1))
    found = boxes_mm(moved)
    assert set(found) == PARTS
    for part, box in found.items():
        off = box - there[part] - np.array([*shift_mm, *shift_mm])
        assert np.abs(off[[1, 3]]).max() < 1.5, part
        assert np.abs(off[0]) < 3, part


@pytest.mark.parametrize("size", [0.7, 1.35])
def test_small_and_large_hands_come_out_alike(size: float) -> None:
    lines = written_lines(placed(sheet()))
    x0, y0, x1, y1 = (round(v * PX_PER_MM) for v in load_form(FORM).page(2).header["kelurahan"])
    written = sheet()[y0:y1, x0:x1]
    base = round(0.76 * (y1 - y0))
    around = np.array([[size, 0, 8 * (1 - size)], [0, size, base * (1 - size)]])
    white = int(np.median(written))
    grey = sheet().copy()
    grey[y0:y1, x0:x1] = cv2.warpAffine(written, around, (x1 - x0, y1 - y0), borderValue=white)
    heights = [
        np.ptp(np.flatnonzero((picture < 0.6 * np.median(picture)).any(axis=1)))
        for picture in (
            lines["kelurahan"].picture,
            written_lines(placed(grey))["kelurahan"].picture,
        )
    ]
    assert abs(heights[0] - heights[1]) <= 5


def test_print_is_taken_out() -> None:
    for part, line in written_lines(placed(blank())).items():
        spread = np.abs(line.picture.astype(float) - np.median(line.picture))
        assert (spread > 60).mean() < 0.01, part


def test_lines_out_of_view_are_left_out() -> None:
    box = load_form(FORM).page(2).header["kecamatan"]
    cut = sheet()[:, : round((box[0] + 40) * PX_PER_MM)]
    assert set(written_lines(placed(np.ascontiguousarray(cut)))) == {
        *("provinsi", "kabupaten", "tps")
    }
    below = round(130 * PX_PER_MM)
    torn = placed(np.ascontiguousarray(sheet()[below:]))
    lower = replace(
        torn,
        warp=PageWarp(
            np.array([[PX_PER_MM, 0, -0.5], [0, PX_PER_MM, -0.5 - below], [0, 0, 1.0]]),
            torn.form.page_mm,
        ),
    )
    assert written_lines(lower) == {}
    assert read_header(CutPage(lower, {}), NullLineRecogniser()) is None


def test_a_reading_keeps_evidence_and_no_claim() -> None:
    read = read_header(CutPage(placed(sheet()), {}), NullLineRecogniser())
    assert read is not None
    assert set(read.lines) == PARTS
    assert read.recogniser == NullLineRecogniser.digest
    for line in read.lines.values():
        x0, y0, x1, y1 = line.box
        assert 0 <= x0 < x1 <= 600 * PX_PER_MM
        assert 0 <= y0 < y1 <= 900 * PX_PER_MM
        assert len(line.lattice) < 400
    known = EVIDENCE.model_copy(update={"digest": read.recogniser})
    for claimed in load_regions().tps("3216032003")[:3]:
        whose = whose_form(read, claimed, load_regions(), known)
        assert whose.verdict is WhoseVerdict.CANT_TELL
