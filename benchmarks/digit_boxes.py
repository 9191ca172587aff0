"""Digit boxes on held-out real crops: our recogniser beside Tesseract.

    python -m benchmarks.digit_boxes --shared ../shared

Only crops of test TPS are read, by the rule that training used (``flows.train.real_crops``,
which needs no torch). Tesseract starts a process a box and gets a seeded subsample.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from flows.train.measure import STRESSES, figures, mistakes, unreadable_figures
from flows.train.real_crops import RealCrops, load_real_crops, split_crops
from models.recognisers.recogniser import (
    LABELS,
    DigitRecogniser,
    box_clear_threshold,
    load_digit_recogniser,
)
from models.recognisers.tesseract import TesseractRecogniser

_SEED = 0


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _accuracy(part: dict[str, int] | None) -> str:
    if part is None:
        return "-"
    return f"{_percent(1 - part['errors'] / part['count'])} of {part['count']}"


def _summary_row(name: str, milliseconds: float | None, counted: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{counted['count']:,}",
        str(counted["errors"]),
        _percent(counted["accuracy"]),
        f"{counted['x_as_digit']} of {counted['x_count']}",
        f"{counted['silent']} of {counted['clear']:,}",
        _percent(counted["abstention"]),
        "" if milliseconds is None else f"{milliseconds:.2f}",
    ]


def _timed(recogniser: DigitRecogniser, crops: RealCrops) -> tuple[NDArray[np.float32], float]:
    recogniser.probabilities(crops.pixels[:1])
    started = time.perf_counter()
    answers = recogniser.probabilities(crops.pixels)
    return answers, 1000 * (time.perf_counter() - started) / max(1, len(crops))


def main() -> None:
    """Read the command line, read the crops, print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.digit_boxes", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--shared", type=Path, required=True, help="folder of the real material")
    parser.add_argument(
        "--tesseract", type=int, default=500, metavar="N", help="boxes for Tesseract; 0 for none"
    )
    chosen = parser.parse_args()
    console = Console(width=130)

    test = split_crops(load_real_crops(chosen.shared))["test"]
    threshold = box_clear_threshold()
    ours = load_digit_recogniser()
    answers, pace = _timed(ours, test)
    columns = {f"chasil {ours.digest}": figures(answers, test, threshold)}
    table = Table(title=f"Digit boxes, held-out real crops, clear from {threshold}")
    for heading in ("engine", "boxes", "errors", "right", "x as a digit"):
        table.add_column(heading)
    for heading in ("silent of clear", "below threshold", "ms a box"):
        table.add_column(heading)
    table.add_row(*_summary_row("chasil", pace, columns[f"chasil {ours.digest}"]))
    for name, spoil in STRESSES.items():
        spoilt = ours.probabilities(spoil(test.pixels))
        table.add_row(*_summary_row(f"chasil, {name}", None, figures(spoilt, test, threshold)))
    if chosen.tesseract:
        tesseract = TesseractRecogniser()
        order = np.random.default_rng(_SEED).permutation(len(test))[: chosen.tesseract]
        some = test.take(np.sort(order))
        other_answers, other_pace = _timed(tesseract, some)
        name = f"Tesseract {tesseract.version}"
        columns[name] = figures(other_answers, some, threshold)
        table.add_row(*_summary_row(name, other_pace, columns[name]))
        same = figures(ours.probabilities(some.pixels), some, threshold)
        table.add_row(*_summary_row("chasil, the same boxes", None, same))
    console.print(table)

    by_label = Table(title="Right, by label")
    by_label.add_column("label")
    for name in columns:
        by_label.add_column(name)
    for label in LABELS:
        cells = [part["per_label"].get(label) for part in columns.values()]  # type: ignore[attr-defined]
        if any(cells):
            by_label.add_row(label, *(_accuracy(cell) for cell in cells))
    console.print(by_label)

    unreadable = unreadable_figures(answers, test, threshold)
    console.print(
        f"Crops that people could not read: {unreadable['count']}, "
        f"of which {unreadable['clear_digits']} came out as clear digits."
    )
    for mistake in mistakes(answers, test):
        console.print(
            f"error: {mistake['file']} labelled {mistake['label']}, read {mistake['read']} "
            f"at {mistake['confidence']}"
        )


if __name__ == "__main__":
    main()
