"""Make the tally recogniser's confidence true on whole pages, where cells are cut by the pipeline.

    python -m flows.train.tally_on_pages

The cells it is trained and first calibrated on are harder than those of most pages, so that it is
too modest on these. Draws pages from a seed of their own, half as many at ``hard`` as at ``field``
difficulty, fits one power for all probabilities on them, writes it into the weights' last layer,
and finds from which probability a cell is certain. Writes new weights and both forms of the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from flows.train.calibrate import upper_bound
from flows.train.cell_card import write_cell_card
from flows.train.drawn_forms import Series, drawn
from flows.train.tally import WORDS
from models.errors import PhotoError
from models.forms.template import installed_forms, load_form
from models.recognisers.recogniser import CROP_PX
from models.recognisers.tally import OnnxTallyRecogniser, tally_folder
from models.recognisers.weights import weights_of
from pipeline.cells import cut_cells
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.witnesses.tally import counts_of

SEED = 7301
PAGES = (2, 3)
POWERS = tuple(float(power) for power in np.geomspace(0.5, 4.0, 61))
LADDER = (0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
LEAST = 0.97
"""Whatever was measured: photos will come that are like none of those drawn."""
WRONG_OF_CERTAIN = 1e-3
"""At most so many certain cells may be counted wrong, as the upper 95 % bound at ``field``."""

Cells = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Probabilities (n, labels), and strokes on paper (n,)."""


def cells_of(series: Series, recogniser: OnnxTallyRecogniser, kept: Path | None) -> Cells:
    """All tally cells of a series, as the pipeline cuts them and the recogniser sees them."""
    parts = list(_parts(series, recogniser, kept))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _parts(series: Series, recogniser: OnnxTallyRecogniser, kept: Path | None) -> Iterator[Cells]:
    forms = [load_form(name) for name in installed_forms()]
    for index in range(series.count):
        form = drawn(series, index, kept)
        for page, content in form.photos:
            try:
                placed = place_page(open_photos(content, f"{index}-{page}.jpg")[0], forms)
            except PhotoError:
                continue  # hard pages may well be rejected; there are no cells then
            for name, cell in cut_cells(placed).cells.items():
                written = form.truth[name].tally_cells if name in form.truth else None
                if cell.tally is None or written is None:
                    continue
                strokes = [int(sign) if sign.isdigit() else 0 for row in written for sign in row]
                pictures = cell.tally.pictures.reshape(-1, CROP_PX, CROP_PX)
                answers = recogniser.probabilities(pictures).astype(np.float64)
                yield answers, np.array(strokes, np.int64)


def sharpened(probabilities: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Probabilities (n, labels) to a power, rows summing to 1 again."""
    raised = np.maximum(probabilities, 1e-12) ** power
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fit_power(cells: Cells) -> float:
    """The power with the smallest mean log loss of the strokes on paper."""
    probabilities, strokes = cells
    rows = np.arange(len(strokes))

    def loss(power: float) -> float:
        chances = counts_of(sharpened(probabilities, power))[rows, strokes]
        return float(-np.log(np.maximum(chances, 1e-9)).mean())

    return min(POWERS, key=loss)


def at_threshold(cells: Cells, threshold: float) -> dict[str, Any]:
    """How many cells are certain at a threshold, and how many of these are counted wrong."""
    counts = counts_of(cells[0])
    certain = counts.max(axis=1) >= threshold
    wrong = int((certain & (counts.argmax(axis=1) != cells[1])).sum())
    return {
        "threshold": threshold,
        "cells": len(certain),
        "certain": int(certain.sum()),
        "wrong": wrong,
        "bound": round(upper_bound(wrong, int(certain.sum())), 6),
    }


def with_power(weights: bytes, power: float) -> bytes:
    """The same network with its last layer, and so the logits, times ``power``."""
    model = onnx.load_from_string(weights)
    (last,) = [node for node in model.graph.node if node.op_type == "Gemm"][-1:]
    for tensor in model.graph.initializer:
        if tensor.name in last.input:
            scaled = numpy_helper.to_array(tensor) * np.float32(power)
            tensor.CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), tensor.name))
    return bytes(model.SerializeToString())


def main() -> None:
    """Draw, fit, write."""
    parser = argparse.ArgumentParser(prog="python -m flows.train.tally_on_pages")
    parser.add_argument("--forms", type=int, default=24, help="at field difficulty; half at hard")
    parser.add_argument("--keep", type=Path, help="folder for what was drawn")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    folder = tally_folder()
    old = weights_of(folder)
    series = {
        "field": Series(SEED, wanted.forms, pages=PAGES),
        "hard": Series(SEED, wanted.forms // 2, "hard", pages=PAGES),
    }
    recogniser = OnnxTallyRecogniser(old)
    seen = {name: cells_of(one, recogniser, wanted.keep) for name, one in series.items()}
    both = tuple(np.concatenate([part[k] for part in seen.values()]) for k in (0, 1))
    power = fit_power((both[0], both[1]))
    true = {name: (sharpened(part[0], power), part[1]) for name, part in seen.items()}
    ladder = [at_threshold(true["field"], step) for step in LADDER]
    certain = next(
        (
            row["threshold"]
            for row in ladder
            if row["threshold"] >= LEAST and row["bound"] <= WRONG_OF_CERTAIN
        ),
        LADDER[-1],
    )
    content = with_power(old.read_bytes(), power)
    digest = hashlib.sha256(content).hexdigest()[:12]
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card |= {
        "digest": digest,
        "temperature": round(card["temperature"] / power, 4),
        "certain_from": certain,
        "on_pages": {
            "seed": SEED,
            "forms": {name: one.count for name, one in series.items()},
            "power": round(power, 4),
            "field": ladder,
            "hard": [at_threshold(true["hard"], step) for step in LADDER],
        },
    }
    old.unlink()
    (folder / f"weights-{digest}.onnx").write_bytes(content)
    write_cell_card(folder, card, WORDS)
    print(json.dumps(card["on_pages"], indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
