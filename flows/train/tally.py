"""Train, measure and publish the recogniser for one cell of the tally.

    python -m flows.train.tally --out models/recognisers/tally-turus

Everything is drawn by us (``flows.train.turus``, ``flows.train.tally_cells``); no photo and no
other data set is used. The same seed and versions give the same weights on the same machine.
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
from flows.train.network import Shape, logits_of, to_onnx
from flows.train.tally_cells import TallyScribe, middle_of
from models.recognisers.recogniser import CROP_PX
from models.recognisers.tally import TALLY_LABELS, OnnxTallyRecogniser

_log = logging.getLogger(__name__)

TALLY_CELL = Shape(
    "tally_cell",
    (
        (1, 16, 3, 2),
        (16, 16, 3, 1),
        (16, 32, 3, 2),
        (32, 48, 3, 2),
        (48, 48, 3, 1),
        (48, 64, 3, 2),
    ),
    TALLY_LABELS,
)
"""Some 3 million multiplications a cell: a page has 180 of them."""

PLAN = Plan(steps=2600, real_share=0.0, peak_rate=4e-3)

COUNT = np.array([0, 1, 2, 3, 4, 5, 0, 6])
"""What each label counts; 6 stands for what can't be counted."""


def train(out: Path, plan: Plan, drawn: int, held_out: int) -> Path:
    """The whole of it: drawing, training, measuring, publishing. Returns the weights file."""
    cells = TallyScribe(plan.seed).draw(drawn)
    _log.info("drew %d cells", drawn)
    rng, camera = np.random.default_rng(plan.seed), CellCamera(plan.seed)

    def batch() -> tuple[torch.Tensor, NDArray[np.int64]]:
        chosen = rng.integers(0, drawn, plan.batch)
        return camera.shoot(cells.pixels[chosen]), cells.targets[chosen]

    network = train_on(batch, TALLY_CELL, plan)
    calibration = TallyScribe(plan.seed + 1).draw(held_out)
    calibration_shot = shot(calibration.pixels, plan.seed + 1)
    temperature = fit_temperature(logits_of(network, calibration_shot), calibration.targets)
    content = to_onnx(network, temperature, TALLY_CELL)
    digest = hashlib.sha256(content).hexdigest()[:12]
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("weights-*.onnx"):
        old.unlink()
    weights = out / f"weights-{digest}.onnx"
    weights.write_bytes(content)
    recogniser = OnnxTallyRecogniser(weights)
    answers = recogniser.probabilities(calibration_shot)
    threshold = certain_threshold(answers, calibration.targets, COUNT)
    card: dict[str, Any] = {
        "name": out.name,
        "digest": digest,
        "labels": list(TALLY_LABELS),
        "crop_px": CROP_PX,
        "temperature": temperature,
        "certain_from": threshold,
        "calibrated_on": held_out,
        "reliability": reliability(answers, calibration.targets),
        "held_out": {
            name: cell_figures(
                recogniser.probabilities(view), targets, TALLY_LABELS, COUNT, threshold
            )
            for name, (view, targets) in _views(plan.seed + 2, held_out).items()
        },
        "data": {"cells drawn by us, no photo and no other data set": drawn},
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


def _views(seed: int, count: int) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Cells never seen, photographed, as drawn, and made harder: name to crops and labels."""
    cells = TallyScribe(seed).draw(count)
    plain = middle_of(cells)
    views = {
        "drawn, photographed": shot(cells.pixels, seed),
        "drawn, as drawn": plain,
        "the same, coarse_24_px": coarse(plain),
        "the same, shifted_6_percent": shifted(plain),
        "the same, ruined (11 px)": ruined(plain),
    }
    return {name: (view, cells.targets) for name, view in views.items()}


WORDS = Words(
    does="counts the strokes in one cell of the tally",
    crop="the cell with 15 % of its sides around it",
    labels="`struck` is a cell shut as unused (a cross, or a line that passes, begins or ends "
    "there) and counts as 0. `other` can't be counted: scribbles, blots, letters, six strokes, two "
    "groups in one cell, counted strokes that are struck out.",
    drawing="The generator (`flows/train/turus.py`, `flows/train/tally_cells.py`) invents hands: "
    "four uprights with a stroke across (down, up, level; through all, from the second on, through "
    "the middle ones), uprights joined by light lines or written without lifting the pen, squares "
    "with a diagonal, five uprights; leaning, bent, uneven; with the neighbours' strokes, grids "
    "from faint to dark, folds, specks, correction fluid. It knows nothing of `fixtures/`, whose "
    "handwriting is only tested on, nor of the real photos, which only judge.",
    limits=(
        "No real cell was trained or calibrated on; the real photos, three hands, judge.",
        "Two to four strokes written without lifting the pen are a zigzag that is often counted "
        "one too many, also at high confidence.",
        "A lone stroke that leans over 45° or runs through the cell from border to border reads "
        "as a strike.",
        "A group that stands partly in the next cell, or a lone stroke on a printed line, may be "
        "counted there, in both cells or in none, at low confidence.",
        "Strokes that run into one another, from a thick pen or at under 20 px a cell, are "
        "guessed, at lower confidence; see the row `ruined`.",
    ),
    again="With the extra `train` installed:\n\n    python -m flows.train.tally {options}",
)
"""For the card."""


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.train.tally",
        description="Train, measure and publish the recogniser for one cell of the tally.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and card")
    parser.add_argument("--seed", type=int, default=PLAN.seed)
    parser.add_argument("--steps", type=int, default=PLAN.steps)
    parser.add_argument("--drawn", type=int, default=30_000, help="cells to draw")
    parser.add_argument("--held-out", type=int, default=5000, help="cells to measure on")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    plan = replace(PLAN, steps=chosen.steps, seed=chosen.seed)
    train(chosen.out, plan, chosen.drawn, chosen.held_out)


if __name__ == "__main__":
    main()
