from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from flows.train.line_fonts import CAPITAL_PX, Font, load_fonts
from flows.train.line_measure import (
    NO_NUMBER,
    answers_of,
    edits,
    fit_calibration,
    line_figures,
    line_reliability,
    log_loss,
    read_drawn,
)
from flows.train.line_pictures import GRAIN_PX, LineScribe
from flows.train.line_strokes import WAYS, draw_sign, new_writer
from flows.train.line_texts import letters_text, name_text, number_text, some_text, spaced
from models.recognisers.lines import (
    ALPHABET,
    LINE_PX,
    LineCalibration,
    load_line_recogniser,
    steps_of,
)
from models.spelling import letters_of, spellings


def default_face(size: int) -> ImageFont.FreeTypeFont:
    face = ImageFont.load_default(size)
    assert isinstance(face, ImageFont.FreeTypeFont)
    return face


@pytest.fixture(scope="module")
def font() -> Font:
    return Font("plain", "test", True, default_face(96))


def test_texts_are_of_all_kinds() -> None:
    rng = np.random.default_rng(1)
    known = {way.letters for way in spellings()}
    texts = [some_text(rng) for _ in range(600)]
    numbers = sum(letters_of(text) in known for text in texts)
    assert 0.35 < numbers / len(texts) < 0.6
    assert any(text.isdigit() for text in texts)
    assert all(set(letters_of(text)) <= set(ALPHABET) for text in texts)
    assert set("".join(texts)) >= set(ALPHABET[1:])


def test_a_number_keeps_its_meaning_however_it_is_spaced() -> None:
    rng = np.random.default_rng(2)
    known = {way.letters for way in spellings()}
    assert all(letters_of(number_text(rng)) in known for _ in range(200))
    assert spaced("DUARATUSSEBELAS", np.random.default_rng(0)).replace(" ", "") == "DUARATUSSEBELAS"
    usual = [spaced("DUARATUSSEBELAS", rng) for _ in range(50)]
    assert usual.count("DUA RATUS SEBELAS") > 35
    assert name_text(rng) != name_text(rng)
    assert letters_text(rng) != letters_text(rng)


def test_our_own_strokes_draw_every_sign() -> None:
    assert set(WAYS) == set(ALPHABET[1:])
    rng = np.random.default_rng(3)
    for ways in WAYS.values():
        for way in ways:
            assert all(len(stroke.lstrip("~").split()) >= 2 for stroke in way.split("|"))
    for sign in WAYS:
        ink, left, top, step = draw_sign(new_writer(rng), sign, 60, rng)
        assert ink.max() == 255
        assert ink[:2].max() == 0 or ink[:, :2].max() == 0
        assert left < 0 > top
        assert 0 <= step < 90


def test_a_font_gives_its_signs_where_they_belong(font: Font) -> None:
    ink, _, top, step = font.sign("H")
    rows = np.flatnonzero(ink.any(axis=1))
    assert top + rows[-1] + 1 == pytest.approx(0, abs=2)
    assert step > 20
    assert font.sign("H")[0] is ink


def test_fonts_are_loaded_from_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no handwriting fonts"):
        load_fonts(tmp_path)
    source = default_face(10).font_bytes
    assert isinstance(source, bytes)
    for name in ("kalam-latin-400-normal.woff", "a/plain.ttf", "bold.ttf", "text.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(BytesIO(source).getvalue())
    fonts = {font.name: font for font in load_fonts(tmp_path)}
    assert sorted(fonts) == ["kalam-latin-400-normal", "plain"]
    assert fonts["kalam-latin-400-normal"].split == "calibration"
    assert fonts["plain"].split == "train"
    ink = fonts["plain"].sign("H")[0]
    assert int(ink.any(axis=1).sum()) == pytest.approx(CAPITAL_PX, abs=3)


def test_lines_are_drawn_alike_from_the_same_seed(font: Font) -> None:
    one, other = LineScribe([font], 5), LineScribe([font], 5)
    for _ in range(20):
        first, second = one.line(), other.line()
        assert first.text == second.text
        assert (first.pixels == second.pixels).all()
        high, wide = first.pixels.shape
        assert high == LINE_PX
        assert wide % GRAIN_PX == 0
        assert len(first.text) < steps_of(wide)
        assert int(np.ptp(first.pixels)) > 5


def test_lines_without_fonts_are_our_own() -> None:
    lines = [LineScribe([], seed).line("DUA PULUH 7") for seed in range(12)]
    assert {line.text for line in lines} <= {"DUAPULUH7", ""}
    assert sum(line.text != "" for line in lines) >= 9


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("", "", 0), ("", "AB", 2), ("ABC", "AC", 1), ("TIGA", "TAGAN", 2), ("A", "B", 1)],
)
def test_edits(one: str, other: str, count: int) -> None:
    assert edits(one, other) == edits(other, one) == count


def test_lines_are_measured_and_the_calibration_pays(font: Font) -> None:
    read = read_drawn([font], load_line_recogniser(), 60, 7)
    assert NO_NUMBER in read.targets
    fitted = fit_calibration(read)
    assert log_loss(read, fitted) <= log_loss(read, LineCalibration(1.0, 0.0, 0.0, 0.5))
    values, confidence = answers_of(read, fitted)
    counted = line_figures(read, fitted)
    assert counted["lines"] == counted["numbers"] + counted["others"] == 60
    number = read.targets != NO_NUMBER
    assert counted["numbers_right"] == int(((values == read.targets) & number).sum())
    assert counted["numbers_right"] > 0.7 * counted["numbers"]
    assert counted["sure"] == int(((confidence >= 0.9) & number).sum())
    assert sum(band["count"] for band in line_reliability(read, fitted)) == 60
