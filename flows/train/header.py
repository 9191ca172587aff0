"""Fit how far the line recogniser's answers about the header are to be believed.

    python -m flows.train.header

Draws pages at ``field`` and ``hard`` difficulty from seeds that no test and no benchmark uses,
their headers naming TPS of the table that ships with chasil, and reads the headers. For each kind
of line (names, the TPS's number in digits and in words) it takes the numbers of ``Legibility``
under which the lines as they were read make their true names likeliest among all names of the
kabupaten (mean log loss). Writes ``header.json`` beside the recogniser's weights.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fixtures.headers import Claim, claims, header_photo
from models.errors import PhotoError
from models.forms.template import load_form
from models.recognisers.evidence import FILE, HeaderEvidence, Kind, Legibility
from models.recognisers.lines import lines_folder, load_line_recogniser
from models.records import HeaderReading, TpsCode
from models.regions import load_regions
from pipeline.cells import cut_cells
from pipeline.intake import open_each
from pipeline.place import place_page
from pipeline.whose import KINDS, line_fit, whose_form
from pipeline.witnesses.header import read_header

SEED = 7501
FORM = "c-hasil-ppwp-2024"

SHARPNESS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)
MISREAD = (0.01, 0.02, 0.05, 0.1, 0.2)
OTHER = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
"""What is tried. Whatever drawn headers say, no line is believed more than at 0.7, 0.01 and 0.02:
real hands are harder to read than drawn ones, and headers hold things that drawn ones don't."""


@dataclass(frozen=True)
class ReadHeader:
    """One drawn page's header as read, and the TPS it names."""

    tps: TpsCode
    header: HeaderReading


@cache
def _ready() -> None:
    cv2.setNumThreads(1)


def read_drawn_header(index: int, seed: int, difficulty: str) -> ReadHeader | None:
    """Draw one page and read its header; nothing where page or header is not found."""
    _ready()
    photo = header_photo(index, seed, difficulty, load_regions())
    ((_, opened),) = open_each(photo.content, f"{index}.jpg")
    if isinstance(opened, PhotoError):
        return None
    try:
        placed = place_page(opened, (load_form(FORM),))
    except PhotoError:
        return None
    header = read_header(cut_cells(placed), load_line_recogniser())
    return ReadHeader(photo.tps, header) if header else None


def read_drawn_headers(pages: int, seed: int, difficulty: str, workers: int) -> list[ReadHeader]:
    """The same for a series, those that were found."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        read = pool.map(read_drawn_header, range(pages), repeat(seed), repeat(difficulty))
        return [one for one in read if one is not None]


def fit(read: Sequence[ReadHeader]) -> dict[Kind, Legibility]:
    """The likeliest numbers for each kind of line."""
    by_kind: dict[Kind, list[tuple[ReadHeader, str]]] = defaultdict(list)
    for one in read:
        for part in one.header.lines:
            # The table has one provinsi and one kabupaten: nothing to tell them from.
            if part not in {"provinsi", "kabupaten"}:
                by_kind[KINDS[part]].append((one, part))
    return {kind: _fit(lines) for kind, lines in by_kind.items()}


def _fit(lines: Sequence[tuple[ReadHeader, str]]) -> Legibility:
    regions = load_regions()
    losses: dict[tuple[float, float, float], float] = {}
    for misread in MISREAD:
        fits = [line_fit(one.header, part, one.tps, regions, misread) for one, part in lines]
        for sharpness in SHARPNESS:
            names = [line.by_name(sharpness) for line in fits]
            for other in OTHER:
                losses[sharpness, misread, other] = float(
                    np.mean(
                        [
                            _loss(by_name, line.own, sharpness * line.anything, other)
                            for by_name, line in zip(names, fits, strict=True)
                        ]
                    )
                )
    sharpness, misread, other = min(losses, key=lambda trial: losses[trial])
    return Legibility(sharpness=sharpness, misread=misread, other=other)


def _loss(names: NDArray[np.float64], own: int, anything: float, other: float) -> float:
    """Log loss of the true name among all names, in nats."""
    likely = np.logaddexp(np.log(1 - other) + names, np.log(other) + anything)
    return float(np.logaddexp.reduce(likely) - likely[own])


def verdicts(read: Iterable[ReadHeader], evidence: HeaderEvidence) -> dict[str, dict[str, int]]:
    """Claim to verdict to count: each header under its own TPS and under three others."""
    regions = load_regions()
    counts: dict[str, Counter[str]] = {claim: Counter() for claim in Claim}
    for place, one in enumerate(read):
        rng = np.random.default_rng([SEED, place])
        for claim, tps in claims(one.tps, regions, rng):
            counts[claim][whose_form(one.header, tps, regions, evidence).verdict] += 1
    return {claim: dict(count) for claim, count in counts.items()}


def save(evidence: HeaderEvidence, measured: Mapping[str, object], out: Path) -> None:
    """Write ``header.json``."""
    content = evidence.model_dump(mode="json") | {"measured": dict(measured)}
    out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Draw, read, fit, write."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.train.header",
        description="Fit how far the line recogniser is to be believed about the header.",
    )
    parser.add_argument("--pages", type=int, default=150, help="pages at each difficulty")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=lines_folder() / FILE)
    wanted = parser.parse_args()
    read = {
        difficulty: read_drawn_headers(wanted.pages, SEED, difficulty, wanted.workers)
        for difficulty in ("field", "hard")
    }
    lines = fit([one for part in read.values() for one in part])
    evidence = HeaderEvidence(digest=load_line_recogniser().digest, lines=lines)
    measured: dict[str, object] = {
        "command": f"python -m flows.train.header --pages {wanted.pages}",
        "seed": SEED,
        "headers": {difficulty: len(part) for difficulty, part in read.items()},
        "verdicts": {difficulty: verdicts(part, evidence) for difficulty, part in read.items()},
    }
    save(evidence, measured, wanted.out)
    print(json.dumps(evidence.model_dump(mode="json") | measured, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
