"""What the recogniser of cleaned boxes learns from, and how it is measured."""

from __future__ import annotations

import numpy as np
import pytest

from models.recognisers.recogniser import LABELS
from pipeline.clean_box import FRAME_GREY


@pytest.fixture(autouse=True)
def _torch() -> None:
    pytest.importorskip("torch")


def test_an_empty_box_is_blank_and_nearly_white() -> None:
    from flows.train.clean_digits import empty

    boxes = empty(60, np.random.default_rng(3))
    assert {LABELS[target] for target in boxes.targets} == {"blank"}
    assert (boxes.pixels[:, 3, 3:45] == FRAME_GREY).all()
    ink = (boxes.pixels[:, 5:43, 5:43] < 200).sum(axis=(1, 2))
    assert (ink == 0).any()
    assert 0 < ink.max() < 40


def test_figures_count_the_given_numbers_apart() -> None:
    from flows.train.clean_digits import Boxes, figures

    wanted = ["1", "2", "x", "blank", "other"]
    own = Boxes(
        np.zeros((5, 48, 48), np.uint8),
        np.array([LABELS.index(label) for label in wanted], np.int64),
        ("a",) * 5,
        (True, False, True, False, False),
    )
    answers = np.full((5, len(LABELS)), 0.001, np.float32)
    for row, (label, sure) in enumerate(
        [("1", 0.97), ("7", 0.95), ("0", 0.6), ("blank", 0.97), ("other", 0.97)]
    ):
        answers[row, LABELS.index(label)] = sure
    lines = figures(own, answers).splitlines()[2:]
    counts = [[cell.strip() for cell in line.split("|")[2:6]] for line in lines]
    assert counts == [
        ["2", "1", "50.0%", "0"],
        ["2", "1", "50.0%", "1"],
        ["1", "1", "0.0%", "0"],
        ["1", "0", "100.0%", "0"],
        ["1", "0", "100.0%", "0"],
        ["5", "2", "60.0%", "1"],
    ]
