"""The A4 copy, C.HASIL SALINAN-PPWP: how many photos and scans are placed, and what is read.

    python -m benchmarks.salinan --photos 200

Half are scans, askew and as dirty as a photocopy, half are photos of a sheet that lies on a table.
No real filled copy was at hand: all are written by our invented hands, on the sheet as our data
file draws it, or, with ``--blank C.HASIL-SALINAN-PPWP.pdf``, on the official blank itself, which
also shows what the data file has wrong. A silent error is a field that is called clear (or
blank) with another number than was written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from fixtures.camera import EASY, FIELD, SCAN, photograph
from fixtures.form import filled_form, write_page
from fixtures.pages import PagePhoto
from flows.newform.open_blank import open_blank
from flows.newform.trial import PageTrial, judged
from models.forms.template import load_form
from pipeline.read import load_reader

FORM = "c-hasil-salinan-ppwp-2024"
SHEET_PX_PER_MM = 12.0
CROOKED = replace(SCAN, name="crooked scan", roll_degrees=2.5, tilt_degrees=0.2, fill=(0.93, 0.99))
LYING = replace(EASY, name="lying", short_side_px=1500, long_side_px=(2200, 3600))
HELD = replace(FIELD, name="held", short_side_px=1500, long_side_px=(2200, 3600))
KINDS = ("scan", "photocopy", "lying", "held")
"""Scans: clean and askew, and of a dirty photocopy. Photos: on a table, and held or folded."""


def dirty(sheet: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A photocopy of a sheet: harder, with specks, a streak and a dark rim; (h, w, 3) uint8."""
    grey = cv2.cvtColor(sheet, cv2.COLOR_BGR2GRAY).astype(np.float32)
    soft = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.8, 1.6)))
    middle, slope = float(rng.uniform(150, 185)), float(rng.uniform(2.0, 4.0))
    grey = np.clip(128 + slope * (soft.astype(np.float32) - middle), 0, 255)
    high, wide = grey.shape
    for _ in range(int(rng.integers(150, 500))):
        centre = (int(rng.integers(wide)), int(rng.integers(high)))
        cv2.circle(grey, centre, int(rng.integers(1, 4)), float(rng.uniform(0, 140)), -1)
    if rng.random() < 0.5:
        x = int(rng.integers(wide))
        grey[:, x : x + int(rng.integers(2, 6))] *= float(rng.uniform(0.55, 0.9))
    rim = int(rng.integers(0, 30))
    if rim:
        grey[:rim], grey[:, :rim] = 40, 40
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def real_blanks(path: Path) -> list[NDArray[np.uint8]]:
    """The pages of the official blank at ``SHEET_PX_PER_MM``, (h, w, 3) uint8 each."""
    wide, high = load_form(FORM).page_mm
    size = (round(wide * SHEET_PX_PER_MM), round(high * SHEET_PX_PER_MM))
    return [
        np.repeat(
            np.asarray(cv2.resize(sheet.grey, size, interpolation=cv2.INTER_CUBIC))[..., None],
            3,
            axis=2,
        )
        for sheet in open_blank(path, (wide, high))
    ]


def photos(
    count: int, seed: int, first: int = 0, blanks: list[NDArray[np.uint8]] | None = None
) -> Iterator[tuple[str, PagePhoto]]:
    """Photos ``first`` to ``count`` with their kind; pages 1 and 2 in turn; the same for a seed."""
    cameras = {"scan": CROOKED, "photocopy": CROOKED, "lying": LYING, "held": HELD}
    for index in range(first, count):
        rng = np.random.default_rng([seed, index])
        kind = KINDS[index // 2 % len(KINDS)]
        filled = filled_form(rng, form=FORM)
        page = 1 + index % 2
        blank = blanks[page - 1] if blanks else None
        sheet, truth = write_page(filled, page, SHEET_PX_PER_MM, blank=blank)
        if kind == "photocopy":
            sheet = dirty(sheet, rng)
        turns = 0 if kind in ("scan", "photocopy") and rng.random() < 0.9 else None
        photo = photograph(sheet, SHEET_PX_PER_MM, rng, cameras[kind], quarter_turns=turns)
        size = (photo.pixels.shape[1], photo.pixels.shape[0])
        yield kind, PagePhoto(index, photo.jpeg(), size, truth, photo.page_to_photo, filled)


def main() -> None:
    """Read all photos and print the table; keep those that went wrong where a folder is given."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--photos", type=int, default=200)
    arguments.add_argument("--first", type=int, default=0, help="to share the work")
    arguments.add_argument("--seed", type=int, default=61)
    arguments.add_argument("--blank", type=Path, default=None, help="the official blank PDF")
    arguments.add_argument("--keep", type=Path, default=None, help="folder for what went wrong")
    options = arguments.parse_args()
    cv2.setNumThreads(1)
    blanks = real_blanks(options.blank) if options.blank else None
    form, reader = load_form(FORM), load_reader()
    trials: list[tuple[str, PageTrial]] = []
    for kind, photo in photos(options.photos, options.seed, options.first, blanks):
        trial = judged(photo, form, form.page(photo.truth.page), reader, kind)
        trials.append((kind, trial))
        off = trial.worst_mm > 1.5
        if options.keep is not None and (not trial.placed or trial.wrong or off):
            options.keep.mkdir(parents=True, exist_ok=True)
            why = trial.error or ("wrong" if trial.wrong else "off")
            (options.keep / f"{photo.index:03d}-{kind}-{why}.jpg").write_bytes(photo.content)
        sys.stderr.write(
            f"{photo.index} {kind} page {trial.page}: {trial.error or 'placed'} "
            f"clear {len(trial.clear)} review {len(trial.review)} right {trial.review_right} "
            f"wrong {len(trial.wrong)} unseen {len(trial.unseen)} worst {trial.worst_mm} mm\n"
        )
        sys.stderr.flush()
    Console(width=110).print(_table(trials))


def _table(trials: list[tuple[str, PageTrial]]) -> Table:
    table = Table(title=f"{FORM}: {len(trials)} drawn photos and scans")
    table.add_column("kind")
    for column in ("photos", "placed", "%", "off > 1.5 mm", "fields", "clear", "for a person",
                   "of these right", "silent errors", "median worst mm"):  # fmt: skip
        table.add_column(column, justify="right")
    for kind in (*KINDS, "all"):
        some = [trial for name, trial in trials if kind in (name, "all")]
        placed = [trial for trial in some if trial.placed]
        fields = [
            len(trial.clear) + len(trial.review) + len(trial.wrong) + len(trial.unseen)
            for trial in placed
        ]
        table.add_row(
            kind,
            str(len(some)),
            str(len(placed)),
            f"{100 * len(placed) / max(1, len(some)):.1f}",
            str(sum(trial.worst_mm > 1.5 for trial in placed)),
            str(sum(fields)),
            str(sum(len(trial.clear) for trial in placed)),
            str(sum(len(trial.review) for trial in placed)),
            str(sum(trial.review_right for trial in placed)),
            str(sum(len(trial.wrong) for trial in placed)),
            f"{np.median([trial.worst_mm for trial in placed]) if placed else 0:.2f}",
        )
    return table


if __name__ == "__main__":
    main()
