from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.errors import RecogniserError
from models.recognisers import lines
from models.recognisers.lines import (
    ALPHABET,
    LEAST_PX,
    LINE_PX,
    LineRecogniser,
    NullLineRecogniser,
    OnnxLineRecogniser,
    line_calibration,
    lines_folder,
    load_line_recogniser,
    prepare_line,
    steps_of,
)
from models.recognisers.recogniser import recogniser_folder
from models.recognisers.weights import weights_of
from pipeline.ctc import greedy_text


def noise(width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (LINE_PX, width), np.uint8)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 300), max_size=3))
@pytest.mark.parametrize("recogniser", [load_line_recogniser(), NullLineRecogniser()])
def test_any_lines_get_probabilities(recogniser: LineRecogniser, widths: list[int]) -> None:
    answers = recogniser.log_probabilities([noise(width) for width in widths])
    assert len(answers) == len(widths)
    for answer, width in zip(answers, widths, strict=True):
        assert answer.shape == (steps_of(width), len(recogniser.alphabet))
        assert answer.dtype == np.float32
        np.testing.assert_allclose(np.exp(answer).sum(axis=1), 1, atol=1e-4)


def test_the_alphabet() -> None:
    assert ALPHABET[0] == ""
    assert len(set(ALPHABET)) == 37


@pytest.mark.parametrize("text", ["DUA RATUS", "MAKASSAR", "KLATEN 23"])
def test_plain_letters_are_read(text: str) -> None:
    page = np.full((60, 30 * len(text) + 40), 225, np.uint8)
    for place, letter in enumerate(text):
        spot = (20 + 30 * place, 44)
        cv2.putText(page, letter, spot, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 50, 3, cv2.LINE_AA)
    (answer,) = load_line_recogniser().log_probabilities([prepare_line(page)])
    assert greedy_text(answer, ALPHABET) == text.replace(" ", "")


def test_brightness_and_contrast_do_not_matter() -> None:
    page = np.full((LINE_PX, 90), 200, np.uint8)
    cv2.putText(page, "TIGA", (6, 25), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 40, 2, cv2.LINE_AA)
    dim = (page * 0.6 + 20).astype(np.uint8)
    one, other = load_line_recogniser().log_probabilities([page, dim])
    assert greedy_text(one, ALPHABET) == greedy_text(other, ALPHABET) == "TIGA"


@settings(max_examples=40)
@given(st.integers(1, 80), st.integers(1, 400))
def test_prepared_lines(high: int, wide: int) -> None:
    line = prepare_line(np.full((high, wide), 90, np.uint8))
    assert line.shape == (LINE_PX, max(LEAST_PX, round(wide * LINE_PX / high)))
    assert (line == 90).all()


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((31, 40), np.uint8),
        np.zeros((32, 0), np.uint8),
        np.zeros((32, 40), np.float32),
        np.zeros((32, 40, 3), np.uint8),
    ],
)
def test_other_shapes_are_refused(wrong: NDArray[np.uint8]) -> None:
    for recogniser in (load_line_recogniser(), NullLineRecogniser()):
        with pytest.raises(ValueError, match="a line is"):
            recogniser.log_probabilities([wrong])


def test_other_networks_are_refused() -> None:
    with pytest.raises(RecogniserError, match="14 signs"):
        OnnxLineRecogniser(weights_of(recogniser_folder()))


def test_the_card_is_of_these_weights() -> None:
    card = json.loads((lines_folder() / "card.json").read_text(encoding="utf-8"))
    assert card["digest"] == load_line_recogniser().digest
    assert f"weights-{card['digest']}.onnx" in (lines_folder() / "CARD.md").read_text("utf-8")
    calibration = line_calibration()
    assert calibration.temperature > 0
    assert 0.5 < calibration.empty < 1


@pytest.mark.parametrize("broken", ["{", "{}", '{"digest": "0", "calibration": {}}'])
def test_a_broken_card_is_named(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "card.json").write_text(broken, encoding="utf-8")
    monkeypatch.setattr(lines, "lines_folder", lambda: tmp_path)
    with pytest.raises(RecogniserError, match=r"card\.json"):
        line_calibration.__wrapped__()


def test_a_card_of_other_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = json.loads((lines_folder() / "card.json").read_text(encoding="utf-8"))
    load_line_recogniser()
    (tmp_path / "card.json").write_text(json.dumps({**card, "digest": "0" * 12}), "utf-8")
    monkeypatch.setattr(lines, "lines_folder", lambda: tmp_path)
    with pytest.raises(RecogniserError, match="other weights"):
        line_calibration.__wrapped__()
