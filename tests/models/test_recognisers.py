from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.errors import RecogniserError
from models.recognisers.recogniser import (
    CROP_PX,
    LABELS,
    Crops,
    DigitRecogniser,
    NullRecogniser,
    OnnxDigitRecogniser,
    box_clear_threshold,
    load_digit_recogniser,
    prepare,
    recogniser_folder,
)
from models.recognisers.tesseract import TesseractRecogniser
from models.recognisers.weights import weights_of

ANY_CROPS = st.integers(0, 3).flatmap(lambda n: arrays(np.uint8, (n, CROP_PX, CROP_PX)))


def drawn_box(*strokes: list[tuple[int, int]]) -> Crops:
    box = np.full((120, 120), 215, np.uint8)
    cv2.rectangle(box, (10, 10), (110, 110), 40, 5)
    for stroke in strokes:
        cv2.polylines(box, [np.array(stroke, np.int32)], False, 60, 5, cv2.LINE_AA)
    return prepare(box)[None]


def label_of(recogniser: DigitRecogniser, crop: Crops) -> str:
    return LABELS[int(recogniser.probabilities(crop)[0].argmax())]


@settings(max_examples=40)
@given(ANY_CROPS)
def test_any_picture_gets_probabilities(crops: Crops) -> None:
    answers = load_digit_recogniser().probabilities(crops)
    assert answers.shape == (len(crops), len(LABELS))
    assert answers.dtype == np.float32
    assert np.isfinite(answers).all()
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_a_batch_reads_like_its_parts() -> None:
    crops = np.random.default_rng(1).integers(0, 256, (130, CROP_PX, CROP_PX), np.uint8)
    reader = load_digit_recogniser()
    one_by_one = np.concatenate([reader.probabilities(crops[i : i + 1]) for i in range(130)])
    np.testing.assert_allclose(reader.probabilities(crops), one_by_one, atol=1e-5)


@pytest.mark.parametrize(
    "crops",
    [
        np.zeros((CROP_PX, CROP_PX), np.uint8),
        np.zeros((1, CROP_PX, CROP_PX + 1), np.uint8),
        np.zeros((1, CROP_PX, CROP_PX), np.float32),
    ],
)
def test_other_shapes_are_refused(crops: Crops) -> None:
    for reader in (load_digit_recogniser(), NullRecogniser()):
        with pytest.raises(ValueError, match="uint8"):
            reader.probabilities(crops)


@given(st.integers(1, 90), st.integers(1, 90))
def test_prepare_takes_any_size(height: int, width: int) -> None:
    grey = np.full((height, width), 77, np.uint8)
    crop = prepare(grey)
    assert crop.shape == (CROP_PX, CROP_PX)
    assert (crop == 77).all()


def test_prepare_refuses_what_is_no_grey_picture() -> None:
    for wrong in (np.zeros((0, 5), np.uint8), np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5))):
        with pytest.raises(ValueError, match="uint8"):
            prepare(wrong)  # type: ignore[arg-type]


def test_drawn_boxes_are_read() -> None:
    reader = load_digit_recogniser()
    corner_to_corner = ([(14, 14), (106, 106)], [(106, 14), (14, 106)])
    small_cross = ([(42, 40), (78, 82)], [(78, 40), (42, 82)])
    assert label_of(reader, drawn_box()) == "blank"
    assert label_of(reader, drawn_box(*corner_to_corner)) == "x"
    assert label_of(reader, drawn_box(*small_cross)) == "x"
    assert label_of(reader, drawn_box([(35, 62), (88, 60)])) == "dash"
    assert label_of(reader, drawn_box([(60, 28), (60, 92)])) == "1"
    assert label_of(reader, drawn_box([(38, 28), (82, 28), (60, 92)])) == "7"
    four = ([(40, 28), (40, 62), (82, 62)], [(80, 28), (80, 94)])
    assert label_of(reader, drawn_box(*four)) == "4"


def test_brightness_and_contrast_do_not_matter() -> None:
    reader = load_digit_recogniser()
    box = drawn_box([(38, 28), (82, 28), (60, 92)])
    darker = (box * 0.5).astype(np.uint8)
    paler = (170 + (box.astype(np.float64) - 170) * 0.3).astype(np.uint8)
    assert label_of(reader, darker) == label_of(reader, paler) == "7"


def test_no_box_is_not_read_as_a_clear_digit() -> None:
    rng = np.random.default_rng(5)
    nothing = np.stack(
        [
            np.zeros((CROP_PX, CROP_PX), np.uint8),
            np.full((CROP_PX, CROP_PX), 255, np.uint8),
            rng.integers(0, 256, (CROP_PX, CROP_PX), np.uint8),
            rng.normal(180, 3, (CROP_PX, CROP_PX)).astype(np.uint8),
        ]
    )
    answers = load_digit_recogniser().probabilities(nothing)
    assert (answers[:, :10].max(axis=1) < box_clear_threshold()).all()


def test_the_null_recogniser_knows_nothing() -> None:
    answers = NullRecogniser().probabilities(np.zeros((3, CROP_PX, CROP_PX), np.uint8))
    assert answers.shape == (3, len(LABELS))
    np.testing.assert_allclose(answers, 1 / len(LABELS))
    assert answers.max() < box_clear_threshold()


def test_other_weights_than_named_are_refused(tmp_path: Path) -> None:
    real = weights_of(recogniser_folder())
    changed = tmp_path / real.name
    changed.write_bytes(real.read_bytes() + b"\0")
    with pytest.raises(RecogniserError) as caught:
        OnnxDigitRecogniser(changed)
    assert caught.value.data["named"] == real.stem.removeprefix("weights-")


def test_missing_and_misnamed_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecogniserError):
        OnnxDigitRecogniser(tmp_path / "weights-0123456789ab.onnx")
    with pytest.raises(RecogniserError):
        OnnxDigitRecogniser(tmp_path / "weights.onnx")
    with pytest.raises(RecogniserError, match="0 files"):
        weights_of(tmp_path)


def test_the_card_describes_the_weights() -> None:
    folder = recogniser_folder()
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    content = weights_of(folder).read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith(card["digest"])
    assert load_digit_recogniser().digest == card["digest"]
    assert card["name"] == load_digit_recogniser().name == folder.name
    assert tuple(card["labels"]) == LABELS
    assert len(content) <= 3_000_000
    assert 0.5 <= card["box_clear_threshold"] < 1
    assert box_clear_threshold() == card["box_clear_threshold"]
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    assert card["digest"] in text
    assert "python -m flows.train.digits" in text


def test_held_out_crops_are_read(shared: Path) -> None:
    from flows.train.measure import figures
    from flows.train.real_crops import load_real_crops, split_crops

    test = split_crops(load_real_crops(shared))["test"]
    answers = load_digit_recogniser().probabilities(test.pixels)
    counted = figures(answers, test, box_clear_threshold())
    assert isinstance(counted["accuracy"], float)
    assert counted["accuracy"] >= 0.995
    assert counted["x_as_digit"] == 0
    card = json.loads((recogniser_folder() / "card.json").read_text(encoding="utf-8"))
    assert counted["count"] == card["held_out"]["count"]
    assert counted["errors"] == card["held_out"]["errors"]


def test_tesseract_stands_in() -> None:
    reader = TesseractRecogniser()
    blank = drawn_box()
    assert label_of(reader, blank) == "blank"
    seven = drawn_box([(38, 32), (82, 32), (60, 88)])
    assert label_of(reader, seven) in {"7", "1", "2"}
    np.testing.assert_allclose(reader.probabilities(seven).sum(axis=1), 1, atol=1e-5)
