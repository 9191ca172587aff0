"""Measure from which confidence a field may be called clear, on whole pages drawn for this.

    python -m flows.train.fields

Draws pages at ``field`` and ``hard`` difficulty from seeds that no test and no benchmark uses,
reads them, and takes the smallest threshold at which the upper 95 % bound of the share of wrong
fields among clear ones is within the promise at ``field`` difficulty, and the share itself is at
``hard``. Writes ``field.json`` beside the recogniser's weights.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import chain, repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2

from fixtures.pages import field_page
from flows.train.calibrate import FIELD_PROMISE, upper_bound
from models.recognisers.promise import FILE
from models.recognisers.recogniser import load_digit_recogniser, recogniser_folder
from models.records import PageStatus, ReviewReason
from pipeline.read import Reader, load_reader, read_content

SEED = 7001
LADDER = (0.95, 0.97, 0.98, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999)
LEAST = 0.99
"""Whatever was measured: photos will come that are like none of those drawn."""

FieldAnswer = tuple[float, bool, bool]
"""Confidence, whether the value is right, whether only its confidence speaks against it."""


@cache
def _reader() -> Reader:
    cv2.setNumThreads(1)
    return load_reader(clear=1.0)


def read_drawn_page(index: int, difficulty: str) -> list[FieldAnswer]:
    """Draw one page, read it, and compare field by field; a page not placed gives none."""
    photo = field_page(index, SEED, difficulty)
    (reading,) = read_content(photo.content, _reader(), name=f"{index}.jpg")
    if reading.status is PageStatus.REJECTED:
        return []
    return [
        (
            field.confidence,
            field.value == photo.truth.fields[name].value,
            set(field.reasons) <= {ReviewReason.LOW_CONFIDENCE},
        )
        for name, field in reading.fields.items()
        if "digits" in field.witnesses
    ]


def at_threshold(answers: Sequence[FieldAnswer], threshold: float) -> dict[str, Any]:
    """What a threshold would have let through."""
    clear = [right for confidence, right, trusted in answers if trusted and confidence >= threshold]
    silent = sum(not right for right in clear)
    return {
        "threshold": threshold,
        "fields": len(answers),
        "clear": len(clear),
        "silent": silent,
        "silent_bound": round(upper_bound(silent, len(clear)), 6),
        "coverage": round(len(clear) / max(1, len(answers)), 4),
    }


def choose(field: Sequence[FieldAnswer], hard: Sequence[FieldAnswer]) -> float:
    """The smallest threshold of the ladder that keeps the promise; the last one where none does."""
    for threshold in LADDER:
        in_field, in_hard = at_threshold(field, threshold), at_threshold(hard, threshold)
        kept = in_field["silent_bound"] <= FIELD_PROMISE
        if threshold >= LEAST and kept and in_hard["silent"] <= FIELD_PROMISE * in_hard["clear"]:
            return threshold
    return LADDER[-1]


def _all(pages: Iterable[list[FieldAnswer]]) -> list[FieldAnswer]:
    return list(chain.from_iterable(pages))


def main() -> None:
    """Draw, read, choose, write."""
    parser = argparse.ArgumentParser(prog="python -m flows.train.fields")
    parser.add_argument("--pages", type=int, default=360, help="pages at field difficulty")
    parser.add_argument("--hard-pages", type=int, default=120, help="pages at hard difficulty")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=recogniser_folder() / FILE)
    wanted = parser.parse_args()
    with ProcessPoolExecutor(wanted.workers, mp_context=get_context("spawn")) as pool:
        field = _all(pool.map(read_drawn_page, range(wanted.pages), repeat("field")))
        hard = _all(pool.map(read_drawn_page, range(wanted.hard_pages), repeat("hard")))
    threshold = choose(field, hard)
    tables = {
        "field": [at_threshold(field, step) for step in LADDER],
        "hard": [at_threshold(hard, step) for step in LADDER],
    }
    measured = {
        "digest": load_digit_recogniser().digest,
        "field_clear_threshold": threshold,
        "promise": FIELD_PROMISE,
        "seed": SEED,
        "pages": {"field": wanted.pages, "hard": wanted.hard_pages},
        **tables,
    }
    wanted.out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    for name, rows in tables.items():
        for row in rows:
            print(name, row)  # noqa: T201
    print("chosen:", threshold)  # noqa: T201


if __name__ == "__main__":
    main()
