from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.train.boxes import drawn_box, take_ink_out
from flows.train.calibrate import (
    clear_threshold,
    fit_temperature,
    operate,
    softmax,
    upper_bound,
)
from flows.train.mnist import centre_lines, read_idx
from flows.train.real_crops import (
    RealCrops,
    load_real_crops,
    split_crops,
    split_of,
    twin_groups,
)
from flows.train.synthetic import Material, Scribe, gather_material
from models.recognisers.recogniser import LABELS


def some_pictures(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pictures = np.zeros((count, 28, 28), np.uint8)
    for place, picture in enumerate(pictures):
        cv2.putText(picture, str(place % 10), (6, 22), 0, 0.7, 255, 2)
    return pictures


def some_crops(count: int, seed: int = 0) -> RealCrops:
    """Boxes with two strokes at random, which stand for real ones."""
    rng = np.random.default_rng(seed)
    pixels = []
    for _ in range(count):
        sheet = drawn_box(rng, guide=False)
        ends = rng.integers(40, 90, (3, 2)).astype(np.int32)
        cv2.polylines(sheet, [ends], False, 30, 4)
        small = cv2.resize(sheet[16:112, 16:112], (48, 48), interpolation=cv2.INTER_AREA)
        pixels.append(np.clip(small, 0, 255).astype(np.uint8))
    return RealCrops(
        np.stack(pixels),
        tuple(f"ds9/{place}.jpg" for place in range(count)),
        tuple(str(place % 10) for place in range(count)),
        tuple(f"{place // 3:013d}" for place in range(count)),
    )


@pytest.fixture(scope="module")
def material() -> Material:
    return gather_material(
        some_crops(60), centre_lines(some_pictures(30)), (np.arange(30) % 10).astype(np.uint8)
    )


def test_a_tps_is_always_on_the_same_side() -> None:
    sides = [split_of(f"{n:013d}", "7", "any") for n in range(4000)]
    assert sides == [split_of(f"{n:013d}", "x", "other") for n in range(4000)]
    assert sides.count("train") / 4000 == pytest.approx(0.70, abs=0.03)
    assert sides.count("test") / 4000 == pytest.approx(0.15, abs=0.03)
    assert split_of("", "7", "ds3/1.jpg") == "train"


def test_twins_never_straddle_the_split() -> None:
    crops = some_crops(120)
    coarse = np.stack(
        [cv2.resize(cv2.resize(crop, (40, 40)), (48, 48)) for crop in crops.pixels[:60]]
    )
    doubled = RealCrops(
        np.concatenate([crops.pixels, coarse]),
        (*crops.names, *(f"ds3/{n}.jpg" for n in range(60))),
        (*crops.written, *crops.written[:60]),
        (*crops.tps, *("" for _ in range(60))),
    )
    groups = twin_groups(doubled.pixels)
    assert (groups[120:] == groups[:60]).mean() > 0.95
    splits = split_crops(doubled)
    assert sum(len(part) for part in splits.values()) == len(set(groups.tolist()))
    place = {name: groups[i] for i, name in enumerate(doubled.names)}
    sides = [{place[name] for name in part.names} for part in splits.values()]
    assert not sides[0] & sides[1] | sides[1] & sides[2] | sides[0] & sides[2]


def test_the_real_split_keeps_every_tps_on_one_side(shared: Path) -> None:
    splits = split_crops(load_real_crops(shared))
    tps = {split: {code for code in part.tps if code} for split, part in splits.items()}
    assert not tps["train"] & tps["test"]
    assert not tps["train"] & tps["calibration"]
    assert not tps["calibration"] & tps["test"]
    assert min(len(part) for part in splits.values()) > 900
    assert set(splits["test"].written) >= {*LABELS[:12]}


def test_idx_files_are_checked(tmp_path: Path) -> None:
    right = tmp_path / "right"
    right.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    assert read_idx(right).tolist() == [7, 8, 9]
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match="idx"):
        read_idx(wrong)


def test_centre_lines_are_thin_and_whole() -> None:
    for line in centre_lines(some_pictures(10)):
        ink = (line > 0).astype(np.uint8)
        assert 20 < ink.sum() < 200
        squares = ink[:-1, :-1] + ink[1:, :-1] + ink[:-1, 1:] + ink[1:, 1:]
        assert (squares == 4).sum() <= 2
        pieces, _ = cv2.connectedComponents(ink, connectivity=8)
        assert pieces - 1 <= 2


def test_ink_comes_out_of_a_box() -> None:
    sheet = np.full((48, 48), 200, np.uint8)
    cv2.rectangle(sheet, (4, 4), (43, 43), 50, 2)
    empty = sheet.copy()
    cv2.line(sheet, (24, 12), (24, 36), 60, 2)
    parted = take_ink_out(sheet)
    assert parted is not None
    box, ink = parted
    again = cv2.resize(box[16:112, 16:112], (48, 48), interpolation=cv2.INTER_AREA)
    change = cv2.blur(again.astype(np.float32) - empty, (5, 5))[10:38, 10:38]
    assert np.abs(change).max() < 8
    assert ink[60, 62:68].max() == 255
    assert ink[:, :50].max() < 30


def test_drawing_is_seeded_and_knows_all_labels(material: Material) -> None:
    first, second = Scribe(material, 3).draw(400), Scribe(material, 3).draw(400)
    assert (first.pixels == second.pixels).all()
    assert (first.targets == second.targets).all()
    assert set(first.targets.tolist()) == set(range(len(LABELS)))
    assert not (first.pixels == Scribe(material, 4).draw(400).pixels).all()


def test_temperature_mends_overconfidence() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    targets = np.array([rng.choice(5, p=row) for row in softmax(logits)])
    assert fit_temperature(logits * 3, targets) == pytest.approx(3, rel=0.1)


def test_upper_bound_is_clopper_and_pearsons() -> None:
    assert upper_bound(0, 2995) == pytest.approx(1 - 0.05 ** (1 / 2995), rel=1e-6)
    assert upper_bound(3, 100) == pytest.approx(0.0757, abs=2e-4)
    assert upper_bound(5, 5) == 1


def test_the_threshold_shuts_out_errors() -> None:
    rng = np.random.default_rng(0)
    confidence = np.concatenate([np.full(12_000, 0.9995), rng.uniform(0.95, 0.98, 100)])
    answers = np.column_stack([confidence, 1 - confidence])
    targets = np.concatenate([np.zeros(12_000, int), rng.integers(0, 2, 100)])
    easy = answers[:300], targets[:300]
    at, promised = clear_threshold(answers, targets, *easy)
    assert promised
    assert 0.96 < at.threshold <= 0.98
    assert at.silent <= 1
    few, supported = clear_threshold(answers[-300:], targets[-300:], *easy)
    assert not supported
    assert few.field_bound > 1e-3
    assert operate(answers, targets, 0.0).clear == 12_100
    hard_confidence = rng.uniform(0.95, 0.995, 1000)
    hard = np.column_stack([hard_confidence, 1 - hard_confidence])
    harder, _ = clear_threshold(answers, targets, hard, np.ones(1000, int))
    assert harder.threshold >= 0.995


def test_training_from_crops_to_card(material: Material, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from flows.train.digits import publish
    from flows.train.fit import Plan, fit
    from flows.train.network import logits_of

    crops = some_crops(60)
    drawn = Scribe(material, 1).draw(200)
    plan = Plan(steps=6, batch=32)
    network, again = fit(crops, drawn, plan), fit(crops, drawn, plan)
    before = logits_of(network, crops.pixels)
    assert (before == logits_of(again, crops.pixels)).all()
    facts: dict[str, object] = {
        "data": {"real": {"train": 60, "calibration": 60, "test": 60}},
        "split": {"rule": "none", "tps": {"train": 20}},
        "training": {
            **dict.fromkeys(("seed", "steps", "synthetic", "folds", "fold_steps"), 1),
            "torch": "any",
        },
    }
    weights = publish(
        network,
        {"train": crops, "calibration": crops, "test": crops},
        None,
        drawn,
        tmp_path / "digits-trial",
        facts,
    )
    card = json.loads((weights.parent / "card.json").read_text(encoding="utf-8"))
    assert weights.name == f"weights-{card['digest']}.onnx"
    assert card["held_out"]["count"] == 60
