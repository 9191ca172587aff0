"""What the tally's recognisers are trained on: the drawing, its labels, and the figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.train import turus
from flows.train.cell_card import Words, card_text
from flows.train.cell_figures import cell_figures, certain_threshold, meant
from flows.train.row_boxes import RowScribe
from flows.train.synthetic import Material
from flows.train.tally_cells import TallyScribe, ink_of, middle_of
from flows.train.turus import Writer
from models.recognisers.recogniser import LABELS
from models.recognisers.tally import TALLY_LABELS

SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
MEANING = np.array([0, 1, 0, 2])


@settings(max_examples=60)
@given(seed=SEEDS, count=st.integers(min_value=1, max_value=5))
def test_counted_strokes_stay_in_their_cell(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    writer = Writer.random(rng)
    paths = turus.strokes(writer, count, rng)
    points = np.concatenate(paths)
    middle = np.median(points, axis=0)
    assert (middle > -0.1).all()
    assert (middle < 1.1).all()
    inside = ((points > -0.2) & (points < 1.2)).all(axis=1)
    assert inside.mean() > 0.8
    if writer.kind == "box" or (writer.kind in {"uprights", "five"} and not writer.hooks):
        assert len(paths) == count


@settings(max_examples=60)
@given(seed=SEEDS)
def test_lines_that_shut_a_cell_are_seen_in_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    aspect = float(rng.uniform(0.8, 2.0))
    for paths in (turus.cross(aspect, rng), turus.passing(aspect, rng)):
        ink = ink_of(paths, aspect, 3.0)
        assert (ink[30:98, 30:98] > 100).sum() > 20
    assert (ink_of(turus.beside(rng), aspect, 2.0)[34:94, 34:94] < 100).all()


def test_the_same_seed_draws_the_same_cells_of_every_label() -> None:
    cells, again = TallyScribe(4).draw(160), TallyScribe(4).draw(160)
    assert (cells.pixels == again.pixels).all()
    assert (cells.targets == again.targets).all()
    assert set(cells.targets) == set(range(len(TALLY_LABELS)))
    assert middle_of(cells).shape == (160, 48, 48)
    assert not (TallyScribe(5).draw(160).pixels == cells.pixels).all()


def test_row_boxes_are_drawn_of_every_kind() -> None:
    ink = np.zeros((2, 128, 128), np.uint8)
    ink[0, 40:90, 60:66] = 255
    ink[1, 40:90, 50:56] = 255
    lines = np.zeros((20, 64, 64), np.uint8)
    lines[:, 12:52, 30] = 255
    material = Material(
        lines, (np.arange(20) % 10).astype(np.uint8), ink, ink, np.array([1, 7], np.int64)
    )
    boxes, again = RowScribe(material, 3).draw(220), RowScribe(material, 3).draw(220)
    assert (boxes.pixels == again.pixels).all()
    assert {LABELS[k] for k in boxes.targets} >= {"x", "blank", "dash", "other", "1", "7"}


def test_labels_of_one_meaning_count_together() -> None:
    answers = np.array([[0.4, 0.1, 0.45, 0.05], [0.1, 0.6, 0.2, 0.1], [0.0, 0.2, 0.0, 0.8]])
    assert meant(answers, MEANING) == pytest.approx(
        np.array([[0.85, 0.1, 0.05], [0.3, 0.6, 0.1], [0.0, 0.2, 0.8]])
    )
    targets = np.array([0, 0, 3])
    found = cell_figures(answers, targets, "abcd", MEANING, 0.5)
    assert (found["count"], found["errors"], found["wrong_meaning"]) == (3, 2, 1)
    assert (found["certain"], found["certain_wrong"]) == (2, 1)
    assert found["confusions"] == {"a as c": 1, "a as b": 1}


def test_the_threshold_rises_until_certain_cells_are_right() -> None:
    sure = np.array([[0.97, 0.01, 0.01, 0.01]] * 2000 + [[0.92, 0.04, 0.02, 0.02]] * 100)
    targets = np.zeros(2100, np.int64)
    assert certain_threshold(sure, targets, MEANING) == 0.8
    targets[2000:] = 1
    assert certain_threshold(sure, targets, MEANING) == 0.95
    targets[:2000:2] = 1
    assert certain_threshold(sure, targets, MEANING) == 0.999


def test_a_card_says_what_was_measured() -> None:
    part = cell_figures(np.eye(4)[[0, 1, 1]], np.array([0, 1, 2]), "abcd", MEANING, 0.9)
    card = {
        "name": "some-cells",
        "digest": "abc123",
        "labels": list("abcd"),
        "temperature": 1.25,
        "certain_from": 0.9,
        "calibrated_on": 3,
        "reliability": [{"from": 0.5, "to": 1.0, "count": 3, "confidence": 0.9, "right": 0.6667}],
        "held_out": {"drawn": part},
        "data": {"things drawn": 1234},
        "training": {"torch": "9.9", "options": "--out here"},
    }
    words = Words(
        "reads cells", "a cell", "What a means.", "How.", ("A limit.",), "Run it {options}."
    )
    text = card_text(card, words)
    for piece in (
        "abc123",
        "1,234",
        "66.67 %",
        "1.25",
        "`c` 1 of 1",
        "c as b: 1",
        "A limit.",
        "Run it --out here.",
    ):
        assert piece in text, piece
    at = {"threshold": 0.9, "cells": 5000, "wrong": 2, "certain": 4321, "bound": 0.00087}
    pages = {"seed": 7, "forms": {"field": 8, "hard": 4}, "power": 1.5, "field": [at], "hard": []}
    assert "| field | 0.9 | 5,000 | 4,321 | 2 | 0.087 % |" in card_text(
        {**card, "on_pages": pages}, words
    )
