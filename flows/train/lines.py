r"""Train, measure and publish the recogniser for lines of handwriting.

    python -m flows.train.lines --fonts FOLDER --out models/recognisers/lines-tulisan

FOLDER holds handwriting fonts, however deep: ``npm install @fontsource/kalam …`` and the fonts of
Debian's ``fonts-breip``, ``fonts-rufscript`` and so on; the card names those that were used. Some
40 minutes on two cores: one learns, the other draws. ``--card-only`` calibrates and measures the
weights that are there anew.
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

from fixtures.pages import field_page
from flows.train.line_card import write_line_card
from flows.train.line_fit import LinePlan, fit_lines
from flows.train.line_fonts import fonts_of
from flows.train.line_measure import (
    fit_calibration,
    line_figures,
    line_reliability,
    read_drawn,
)
from flows.train.line_network import lines_to_onnx
from models.errors import PhotoError
from models.forms.template import load_form
from models.recognisers.lines import ALPHABET, LineCalibration, OnnxLineRecogniser
from models.recognisers.weights import weights_of
from pipeline.cells import cut_cells
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.written_lines import find_lines

_log = logging.getLogger(__name__)

EMPTY_SEED = 7003
"""Of the drawn pages on which empty areas are counted; no test and no benchmark uses it."""


def save_weights(network: torch.nn.Sequential, out: Path) -> Path:
    """Write ``weights-<digest>.onnx`` in place of the weights that are there."""
    content = lines_to_onnx(network)
    out.mkdir(parents=True, exist_ok=True)
    weights = out / f"weights-{hashlib.sha256(content).hexdigest()[:12]}.onnx"
    weights.write_bytes(content)
    for old in out.glob("weights-*.onnx"):
        if old != weights:
            old.unlink()
    return weights


def empty_areas(pages: int) -> dict[str, int]:
    """Count, on drawn pages, areas in which no line is found, and those that have one after all."""
    counted = {"pages": 0, "areas": 0, "no_line": 0, "but_written": 0}
    for index in range(pages):
        difficulty = "hard" if index % 4 == 3 else "field"
        photo = field_page(index, EMPTY_SEED, difficulty, page=2 + index % 2)
        try:
            placed = place_page(
                open_photos(photo.content, "drawn")[0], [load_form("c-hasil-ppwp-2024")]
            )
        except PhotoError:
            continue
        counted["pages"] += 1
        for name, cell in cut_cells(placed).cells.items():
            if cell.words is not None:
                counted["areas"] += 1
                if not find_lines(cell.words):
                    counted["no_line"] += 1
                    counted["but_written"] += photo.truth.fields[name].words is not None
    return counted


def publish_card(out: Path, fonts: Path, plan: LinePlan, lines: int, pages: int) -> None:
    """Calibrate and measure the weights in ``out``, and write their card."""
    recogniser = OnnxLineRecogniser(weights_of(out))
    read = {
        split: read_drawn(fonts_of(fonts, split), recogniser, lines, plan.seed + number)
        for number, split in enumerate(("calibration", "test"), 1)
    }
    empty = empty_areas(pages)
    # Laplace's rule of succession.
    nothing = 1 - (empty["but_written"] + 1) / (empty["no_line"] + 2)
    calibration: LineCalibration = replace(
        fit_calibration(read["calibration"]), empty=round(nothing, 4)
    )
    card: dict[str, Any] = {
        "name": out.name,
        "digest": recogniser.digest,
        "signs": len(ALPHABET),
        "calibration": asdict(calibration),
        "empty_areas": empty,
        "held_out": {split: line_figures(part, calibration) for split, part in read.items()},
        "reliability": line_reliability(read["test"], calibration),
        "fonts": {
            split: [font.name for font in fonts_of(fonts, split)]
            for split in ("train", "calibration", "test")
        },
        "training": {
            **asdict(plan),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
            "numpy": np.__version__,
        },
    }
    write_line_card(out, card)
    _log.info("card: %s", card["held_out"])


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.train.lines",
        description="Train, measure and publish the recogniser for lines of handwriting.",
    )
    parser.add_argument("--fonts", type=Path, required=True, help="folder of handwriting fonts")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and card")
    parser.add_argument("--seed", type=int, default=LinePlan.seed)
    parser.add_argument("--steps", type=int, default=LinePlan.steps)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lines", type=int, default=2500, help="lines to measure with, each split")
    parser.add_argument("--pages", type=int, default=60, help="drawn pages, for empty areas")
    parser.add_argument("--card-only", action="store_true", help="only measure what is there")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    plan = LinePlan(steps=chosen.steps, seed=chosen.seed)

    def early(network: torch.nn.Sequential, step: int) -> None:
        _log.info("step %d: %s", step, save_weights(network, chosen.out).name)

    if not chosen.card_only:
        save_weights(fit_lines(chosen.fonts, plan, early), chosen.out)
    publish_card(chosen.out, chosen.fonts, plan, chosen.lines, chosen.pages)


if __name__ == "__main__":
    main()
