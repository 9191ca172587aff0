from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.trial_photos import FOLDER
from benchmarks.trial_words import trial_words
from fixtures.form import filled_form
from fixtures.pages import field_page
from models.forms.template import load_form
from models.recognisers.lines import (
    ALPHABET,
    Line,
    LineCalibration,
    LogProbabilities,
    NullLineRecogniser,
    line_calibration,
    load_line_recogniser,
)
from models.spelling import letters_of, spellings
from pipeline.arrays import Grey
from pipeline.cells import cut_cells
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.states import LineCut
from pipeline.witnesses.words import posterior, read_area, read_words, score_numbers
from pipeline.written_lines import find_lines

SCALE = 4.0
NOTE = (440.0, 120.0, 660.0, 150.0)
CALIBRATION = LineCalibration(temperature=2.0, other=-6.0, other_letter=-1.5, empty=0.97)


def area_of(
    *lines: tuple[str, int, int], size: float = 1.6, frame: bool = True, note: bool = True
) -> LineCut:
    """An area of 200 × 40 mm with these texts at their left and baseline, px."""
    picture: Grey = np.full((160, 800), 215, np.uint8)
    if frame:
        cv2.rectangle(picture, (1, 1), (798, 158), 40, 3)
    if note:
        place, face = (446, 140), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, "( ditulis huruf )", place, face, 0.6, 60, 1, cv2.LINE_AA)
    for text, left, base in lines:
        place, face = (left, base), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, text, place, face, size, 70, 4, cv2.LINE_AA)
    grain = np.random.default_rng(1).normal(0, 2, picture.shape)
    picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    outline = np.array([[100, 50], [900, 50], [900, 210], [100, 210]], np.float64)
    return LineCut(picture, SCALE, outline, (NOTE,))


@dataclass
class Spells:
    """A recogniser that reads given texts, whatever it is shown."""

    texts: Sequence[str]
    name: str = "spells"
    digest: str = "0" * 12
    alphabet: tuple[str, ...] = ALPHABET
    shown: list[Line] = field(default_factory=list)

    def log_probabilities(self, lines: Sequence[Line]) -> list[LogProbabilities]:
        self.shown = list(lines)
        return [spelt(text) for text, _ in zip(self.texts, lines, strict=True)]


def spelt(text: str, sure: float = 0.95) -> LogProbabilities:
    low = np.log((1 - sure) / (len(ALPHABET) - 1))
    steps = np.full((2 * len(text) + 1, len(ALPHABET)), low, np.float32)
    steps[0::2, 0] = np.log(sure)
    for place, letter in enumerate(text):
        steps[2 * place + 1, ALPHABET.index(letter)] = np.log(sure)
    return steps


def test_nothing_is_written() -> None:
    for area in (area_of(), area_of(frame=False), area_of(note=False)):
        assert find_lines(area) == ()
        witness = read_area(area, load_line_recogniser(), CALIBRATION)
        assert witness.value is None
        assert witness.confidence == CALIBRATION.empty
        assert witness.box == (100.0, 50.0, 900.0, 210.0)
        assert witness.distribution == ()


@pytest.mark.parametrize("size", [1.0, 1.6, 2.6])
def test_a_line_is_found_whatever_its_size(size: float) -> None:
    (line,) = find_lines(area_of(("SERATUS", 60, 100), size=size))
    plain = area_of(("SERATUS", 60, 100), size=size, frame=False, note=False).picture
    rows, columns = np.nonzero(plain < 150)
    high = int(np.ptp(rows)) + 1
    assert line.height_mm == pytest.approx(high / SCALE, rel=0.25)
    truth = (columns.min() + 100, rows.min() + 50, columns.max() + 101, rows.max() + 51)
    assert line.box == pytest.approx(truth, abs=5)
    assert 16 <= int((line.picture.min(axis=1) < 150).sum()) <= 26


def test_a_slanting_line_is_levelled() -> None:
    area = area_of(("DUA PULUH", 60, 100), frame=False, note=False)
    turned = cv2.getRotationMatrix2D((200, 90), 4, 1.0)
    size = area.picture.shape[::-1]
    picture = cv2.warpAffine(area.picture, turned, size, borderMode=cv2.BORDER_REPLICATE)
    (line,) = find_lines(LineCut(np.asarray(picture, np.uint8), SCALE, area.outline))
    (level,) = find_lines(area)
    assert line.height_mm == pytest.approx(level.height_mm, rel=0.25)


def test_two_lines_are_one_number() -> None:
    area = area_of(("DUA RATUS LIMA", 30, 62), ("PULUH TIGA", 30, 138), size=1.5)
    recogniser = Spells(["DUARATUSLIMA", "PULUHTIGA"])
    witness = read_area(area, recogniser, CALIBRATION)
    assert len(recogniser.shown) == 2
    assert witness.value == 253
    assert witness.text == "DUARATUSLIMA PULUHTIGA"
    assert witness.box is not None
    assert witness.box[1] < 50 + 40
    assert witness.box[3] > 50 + 130


def test_a_line_that_does_not_belong_is_left_out() -> None:
    answers = [spelt("XQVW"), spelt("DUAPULUH")]
    numbers, other = posterior(score_numbers(answers, ALPHABET, CALIBRATION), CALIBRATION)
    assert numbers.argmax() == 20
    assert numbers[20] > 0.5 > other


def test_real_letters_are_read() -> None:
    witness = read_area(area_of(("TIGA RATUS", 40, 90)), load_line_recogniser(), line_calibration())
    assert witness.value == 300
    assert witness.confidence > 0.8
    number, probability = witness.distribution[0]
    assert number == 300
    assert probability == pytest.approx(witness.confidence, abs=1e-5)


def test_probabilities_together_are_one() -> None:
    for text in ("DUAPULUHTIGA", "ABCDEF", ""):
        numbers, other = posterior(score_numbers([spelt(text)], ALPHABET, CALIBRATION), CALIBRATION)
        assert numbers.shape == (1000,)
        assert numbers.sum() + other == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TUJUHBELAS", 17),
        ("SATURATUS", 100),
        ("KOSONG", 0),
        ("NOLDUATIGA", 23),
        ("SEMBLANPULUH", 90),
    ],
)
def test_what_people_write_is_understood(text: str, value: int) -> None:
    numbers, other = posterior(score_numbers([spelt(text)], ALPHABET, CALIBRATION), CALIBRATION)
    assert numbers.argmax() == value
    assert numbers[value] > other


@pytest.mark.parametrize("text", ["", "KECAMATANCAWAS", "XX", "12"])
def test_what_is_no_number_gives_none(text: str) -> None:
    witness = read_area(area_of(("X", 60, 100)), Spells([text]), CALIBRATION)
    assert witness.value is None
    assert witness.confidence > 0.5


def test_a_word_that_is_wrong_is_not_put_right() -> None:
    """Two numbers one letter apart: which one is read must not be sure."""
    one, other = spelt("ENAMPULUH"), spelt("ENAMPULUH")
    other[:, :] = np.logaddexp(one, spelt("EMPATPULUH")[: len(one)]) - np.log(2)
    numbers, _ = posterior(score_numbers([other], ALPHABET, CALIBRATION), CALIBRATION)
    assert numbers.max() < 0.95


def test_a_recogniser_that_knows_nothing_gives_no_number() -> None:
    witness = read_area(area_of(("SERATUS", 60, 100)), NullLineRecogniser(), CALIBRATION)
    assert witness.value is None


def test_a_drawn_page() -> None:
    index = next(i for i in range(9) if filled_form(np.random.default_rng([31, i])).words)
    photo = field_page(index, 31, page=2, long_side_px=2600)
    placed = place_page(open_photos(photo.content, "drawn")[0], [load_form(photo.truth.form)])
    witnesses = read_words(cut_cells(placed), load_line_recogniser())
    assert sorted(witnesses) == ["suara_paslon_1", "suara_paslon_2", "suara_paslon_3"]
    for name, witness in witnesses.items():
        words = photo.truth.fields[name].words
        assert words is not None
        number = photo.filled.numbers[name]
        assert witness.value == number, (letters_of(words), witness.text)
        assert witness.box is not None


def test_empty_areas_of_real_photos(shared: Path) -> None:
    path = shared / "photos/c-hasil-ppwp-2024/klaten-cawas-baran-001-p2.png"
    placed = place_page(
        open_photos(path.read_bytes(), path.name)[0], [load_form("c-hasil-ppwp-2024")]
    )
    witnesses = read_words(cut_cells(placed), load_line_recogniser())
    assert len(witnesses) == 3
    assert all(witness.value is None for witness in witnesses.values())
    assert all(witness.confidence > 0.9 for witness in witnesses.values())


def test_real_words_in_letter_boxes(shared: Path) -> None:
    truth = json.loads((shared / FOLDER / "truth.json").read_text(encoding="utf-8"))
    known = {way.letters: way.number for way in spellings()}
    areas = trial_words(shared)
    assert len(areas) == 7
    for (photo, field_name), area in areas.items():
        witness = read_area(area, load_line_recogniser(), line_calibration())
        number = known[letters_of(truth[photo]["words"][field_name])]
        assert witness.value == number, (field_name, witness.text)
        assert witness.confidence > 0.9


def test_handwriting_may_run_on_over_a_note() -> None:
    high_note = (440.0, 30.0, 700.0, 130.0)
    area = area_of(("DUA RATUS TIGA", 30, 95), size=1.7, note=False)
    over = LineCut(area.picture, area.px_per_mm, area.outline, (high_note,))
    (alone,), (run_on,) = find_lines(area), find_lines(over)
    assert run_on.box == pytest.approx(alone.box, abs=4)


def test_print_in_a_note_is_no_handwriting_however_large() -> None:
    area = area_of(("HITAM", 470, 120), size=1.7, note=False)
    note = (440.0, 60.0, 700.0, 140.0)
    assert find_lines(area) != ()
    assert find_lines(LineCut(area.picture, area.px_per_mm, area.outline, (note,))) == ()
