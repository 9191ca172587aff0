"""The tally's recognisers: what they take and give, and that their cards are theirs."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.form import filled_form, write_page
from fixtures.handwriting import Hand, TallyStyle, put_ink, tally_strokes
from models.errors import RecogniserError
from models.forms.draw import draw_page
from models.forms.template import load_form
from models.recognisers.recogniser import LABELS, recogniser_folder
from models.recognisers.row_totals import load_row_digit_recogniser, row_digits_folder
from models.recognisers.tally import (
    TALLY_LABELS,
    NullTallyRecogniser,
    OnnxTallyRecogniser,
    certain_from,
    load_tally_recogniser,
    tally_folder,
)
from models.recognisers.weights import weights_of

FORM = load_form("c-hasil-ppwp-2024")
PAGE = FORM.page(2)
SCALE = 4.0


def cut_out(sheet: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """A cell with its margin from a flat sheet, (1, 48, 48)."""
    x0, y0, x1, y1 = box
    dx, dy = 0.15 * (x1 - x0), 0.15 * (y1 - y0)
    left, right = round((x0 - dx) * SCALE), round((x1 + dx) * SCALE)
    top, foot = round((y0 - dy) * SCALE), round((y1 + dy) * SCALE)
    grey = cv2.cvtColor(sheet[top:foot, left:right], cv2.COLOR_BGR2GRAY)
    cell = cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)
    return np.asarray(cell, np.uint8)[None]


@pytest.mark.parametrize("style", list(TallyStyle))
def test_drawn_cells_of_every_style_are_counted(style: TallyStyle) -> None:
    # Written without lifting the pen, two to four strokes are a zigzag that hides its count.
    counted = (0, 1, 5) if style is TallyStyle.JOINED else range(6)
    grid = PAGE.fields[0].tally
    assert grid is not None
    blank = draw_page(FORM, PAGE, SCALE, colour=True)
    cells, counts = [], []
    for seed in range(6):
        rng = np.random.default_rng([seed, 17])
        hand = Hand.random(rng)
        if hand.width_mm > 1.1:
            continue  # a marker closes the gaps
        for count in counted:
            sheet = blank.copy()
            box = grid.cell(1 + seed % 3, 2 * count)
            if count:
                strokes = tally_strokes(replace(hand, tally_style=style), box, count, rng)
                put_ink(sheet, strokes, hand, SCALE, rng)
            cells.append(cut_out(sheet, box))
            counts.append(count)
    answers = load_tally_recogniser().probabilities(np.concatenate(cells))
    said = [TALLY_LABELS[k] for k in answers.argmax(axis=1)]
    right = np.array([a == str(b) for a, b in zip(said, counts, strict=True)])
    assert right.mean() >= 0.97, list(zip(said, counts, strict=True))
    assert (answers.max(axis=1)[~right] < certain_from()).all()


def test_cells_shut_in_a_drawn_form_hold_no_vote() -> None:
    name, row = "suara_paslon_1", 2
    grid = PAGE.field(name).tally
    assert grid is not None
    filled = filled_form(np.random.default_rng(2), numbers={name: 63})
    sheet, truth = write_page(filled, 2, SCALE)
    assert truth.fields[name].tally == 63
    cells = np.concatenate([cut_out(sheet, grid.cell(row, column)) for column in range(12)])
    answers = load_tally_recogniser().probabilities(cells)
    assert {TALLY_LABELS[k] for k in answers.argmax(axis=1)} <= {"0", "struck"}


def test_answers_are_probabilities_of_any_number_of_cells() -> None:
    recogniser = load_tally_recogniser()
    for count in (0, 1, 61):
        cells = np.random.default_rng(count).integers(0, 255, (count, 48, 48)).astype(np.uint8)
        answers = recogniser.probabilities(cells)
        assert answers.shape == (count, len(TALLY_LABELS))
        assert answers.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-5)
    with pytest.raises(ValueError, match="48"):
        recogniser.probabilities(np.zeros((1, 40, 48), np.uint8))


def test_the_null_engine_counts_nothing() -> None:
    answers = NullTallyRecogniser().probabilities(np.zeros((3, 48, 48), np.uint8))
    assert [TALLY_LABELS[k] for k in answers.argmax(axis=1)] == ["other"] * 3


def test_cards_describe_the_weights_that_are_there() -> None:
    for folder, labels in ((tally_folder(), TALLY_LABELS), (row_digits_folder(), LABELS)):
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        digest = weights_of(folder).stem.removeprefix("weights-")
        assert card["digest"] == digest
        assert tuple(card["labels"]) == labels
        text = (folder / "CARD.md").read_text(encoding="utf-8")
        assert digest in text
        assert all(name in text for name in card["data"])
    assert 0.5 < certain_from() < 1
    assert load_row_digit_recogniser().digest != weights_of(recogniser_folder()).stem


def test_other_weights_are_refused() -> None:
    with pytest.raises(RecogniserError, match="14 labels"):
        OnnxTallyRecogniser(weights_of(recogniser_folder()))
