r"""What the recogniser of cleaned boxes learns from: scans of 2019, MNIST, crops of 2024, crosses.

    python -m flows.train.clean_boxes --shared ../shared --scans boxes-2019.npz

writes the boxes of the scans to a file: finding 36 pages takes minutes, and has to be done once.

All as ``pipeline.clean_box`` leaves them: black ink on white, small ink enlarged and in the middle,
a frame round it.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.train.mnist import LINE_PX, centre_lines, load_mnist
from flows.train.real_crops import RealCrops
from models.forms.template import load_form
from models.recognisers.recogniser import CROP_PX, LABELS
from pipeline.cells import cut_cells
from pipeline.clean_box import INNER_PX, MARGIN_PX, clean_picture, framed
from pipeline.intake import open_photos
from pipeline.place import place_page

FOLDER = Path("photos/c1-ppwp-2019")
FORM = "c1-ppwp-2019"
PAGE_2 = {
    "suara_paslon_1": "paslon01",
    "suara_paslon_2": "paslon02",
    "suara_sah": "sah",
    "suara_tidak_sah": "tidak_sah",
    "suara_total": "total",
}
SIGNS = {"x": "x", "_": "blank", "?": "other"}
"""In ``labels_2019.json``; a full stop is a box nobody could label."""

CROSS = LABELS.index("x")
BLANK = LABELS.index("blank")

MNIST_DIGITS = 24_000
"""How many of MNIST's 60,000 are thinned and drawn: thinning them takes most of the time."""

FINE = 2
"""Strokes are drawn this many times finer than the crop."""

FEWEST_INK = 25
"""Crops of 2024 that keep fewer dark pixels than this lost their writing with the pale print."""


@dataclass(frozen=True)
class Boxes:
    """Labelled boxes."""

    pixels: NDArray[np.uint8]
    """(n, 48, 48)."""
    targets: NDArray[np.int64]
    """(n,) index into ``LABELS``."""
    tps: tuple[str, ...] = ()
    """Name of the TPS of each, for the scans."""
    fields: tuple[str, ...] = ()
    """Name of the field of each, for the scans."""

    def take(self, chosen: NDArray[np.bool_]) -> Boxes:
        """Those that are chosen, without the names."""
        return Boxes(self.pixels[chosen], self.targets[chosen])


def scanned(shared: Path) -> Boxes:
    """The boxes of the scans, as the pipeline cuts them, with what was written down by eye.

    Page 1 from ``labels_2019.json`` (its sums were checked), page 2 from ``truth.csv``.
    """
    by_eye = json.loads(Path(__file__).with_name("labels_2019.json").read_text(encoding="utf-8"))
    with (shared / FOLDER / "truth.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    pixels, targets, tps, fields = [], [], [], []
    for row in rows:
        name = row["photo_p1"].removesuffix("-p1.png")
        for number in (1, 2):
            photo = open_photos((shared / FOLDER / row[f"photo_p{number}"]).read_bytes(), name)[0]
            cut = cut_cells(place_page(photo, [load_form(FORM)]))
            crops = np.concatenate([cell.digits for cell in cut.cells.values()])
            of_field = [field for field, cell in cut.cells.items() for _ in cell.digits]
            written = (
                by_eye[name].replace(" ", "")
                if number == 1
                else "".join(row[PAGE_2[field]].rjust(3, "x") for field in cut.cells)
            )
            for crop, sign, field in zip(crops, written, of_field, strict=True):
                if sign != ".":
                    pixels.append(crop)
                    targets.append(LABELS.index(SIGNS.get(sign, sign)))
                    tps.append(name)
                    fields.append(field)
    return Boxes(np.stack(pixels), np.array(targets, np.int64), tuple(tps), tuple(fields))


def scanned_once(shared: Path, kept: Path) -> Boxes:
    """The boxes of the scans from the file ``kept``, which is made where it is missing.

    Delete it when ``pipeline`` places pages or cleans boxes in another way.
    """
    if not kept.exists():
        own = scanned(shared)
        part = kept.with_suffix(".part.npz")
        np.savez_compressed(
            part, pixels=own.pixels, targets=own.targets, tps=own.tps, fields=own.fields
        )
        part.replace(kept)
    with np.load(kept) as file:
        names = (tuple(str(one) for one in file[key]) for key in ("tps", "fields"))
        return Boxes(file["pixels"], file["targets"], *names)


def leaning(boxes: Boxes, copies: int, rng: np.random.Generator) -> Boxes:
    """The boxes, and copies of them whose ink leans, is turned, narrower or wider."""
    pixels = [boxes.pixels]
    for _ in range(copies):
        inner = boxes.pixels[:, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
        pixels.append(np.stack([framed(_bent(crop, rng)) for crop in inner]))
    return Boxes(np.concatenate(pixels), np.tile(boxes.targets, copies + 1))


def _bent(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    turn, lean = rng.normal(0, 0.06), rng.normal(0, 0.13)
    wide, high = np.exp(rng.normal(0, 0.08, 2))
    cos, sin = np.cos(turn), np.sin(turn)
    shape = np.array([[wide * cos, lean - sin], [sin, high * cos]])
    middle = (INNER_PX - 1) / 2
    shift = middle - shape @ [middle, middle] + rng.normal(0, 0.8, 2)
    matrix = np.column_stack([shape, shift])
    size = (INNER_PX, INNER_PX)
    return np.asarray(
        cv2.warpAffine(ink, matrix, size, flags=cv2.INTER_LINEAR, borderValue=255), np.uint8
    )


def written(mnist: Path, rng: np.random.Generator) -> Boxes:
    """MNIST's digits with the pens and the ragged edges of a scan."""
    pictures, labels = load_mnist(mnist)
    lines = centre_lines(pictures[:MNIST_DIGITS])
    pixels = np.stack([drawn(line, rng) for line in lines])
    return Boxes(pixels, labels[:MNIST_DIGITS].astype(np.int64))


def crosses(count: int, rng: np.random.Generator) -> Boxes:
    """Crosses of two strokes, some of one long diagonal."""
    pixels = []
    for _ in range(count):
        line = np.zeros((LINE_PX, LINE_PX), np.uint8)
        half = rng.uniform(12, 28, 2)
        strokes = [(-1, -1), (1, -1)] if rng.random() < 0.9 else [(1, -1)]
        for right, down in strokes:
            ends = np.array([(-right, -down), (right, down)]) * half
            ends = ends + rng.normal(0, 0.16, (2, 2)) * half + LINE_PX / 2
            bow = ends.mean(axis=0) + rng.normal(0, 2.5, 2)
            path = np.stack([ends[0], bow, ends[1]]).round().astype(np.int32)
            cv2.polylines(line, [path], False, 255)
        pixels.append(drawn(line, rng))
    return Boxes(np.stack(pixels), np.full(count, CROSS, np.int64))


def blanks(count: int, rng: np.random.Generator) -> Boxes:
    """Empty boxes, some with specks."""
    pixels = []
    for _ in range(count):
        inner = np.full((INNER_PX, INNER_PX), 255, np.uint8)
        for _ in range(int(rng.integers(0, 4))):
            x, y = rng.integers(2, INNER_PX - 4, 2)
            high, wide = rng.integers(1, 4, 2)
            inner[y : y + high, x : x + wide] = rng.integers(60, 220)
        pixels.append(framed(inner))
    return Boxes(np.stack(pixels), np.full(count, BLANK, np.int64))


def drawn(line: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A centre-line (64, 64), drawn with some pen, scanned and cleaned: (48, 48)."""
    rows, columns = np.nonzero(line)
    side = FINE * INNER_PX
    size = (side, side)
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    scale = FINE * rng.uniform(17, 36) / extent
    lean, turn = rng.normal(0, 0.15), rng.normal(0, 0.07)
    wide = scale * np.exp(rng.normal(0, 0.1))
    shape = np.array([[wide, lean * scale - turn * scale], [turn * scale, scale]])
    middle = np.array([(columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2])
    matrix = np.column_stack([shape, side / 2 - shape @ middle])
    large = cv2.warpAffine(line, matrix, size, flags=cv2.INTER_LINEAR)
    pen = int(rng.integers(2, 8))
    nib = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen))
    ink = cv2.dilate((large > 60).astype(np.uint8) * 255, nib)
    if rng.random() < 0.5:
        ragged = cv2.GaussianBlur(rng.normal(0, 60, size).astype(np.float32), (0, 0), 1.0)
        soft = cv2.GaussianBlur(ink.astype(np.float32), (0, 0), 1.2)
        ink = np.where(soft + ragged > rng.uniform(90, 150), 255, 0).astype(np.uint8)
    small = cv2.resize(ink, (INNER_PX, INNER_PX), interpolation=cv2.INTER_AREA)
    shade = 255 - (small.astype(np.float32) * rng.uniform(0.7, 0.95)).astype(np.uint8)
    return framed(clean_picture(np.asarray(shade, np.uint8)))


def of_2024(crops: RealCrops) -> Boxes:
    """The real crops of 2024, cleaned; those that lost their writing with the print are left out.

    A blank crop keeps remains of the printed guide, which no cleaned box of these forms has; so
    it is made white.
    """
    edge = (CROP_PX - INNER_PX) // 2
    pixels, targets = [], []
    for crop, target in zip(crops.pixels, crops.targets, strict=True):
        inner = clean_picture(crop[edge:-edge, edge:-edge])
        if target == BLANK:
            inner = np.full_like(inner, 255)
        elif (inner < 160).sum() < FEWEST_INK:
            continue
        pixels.append(framed(inner))
        targets.append(target)
    return Boxes(np.stack(pixels), np.array(targets, np.int64))


def main() -> None:
    """Read the command line; cut the boxes of the scans."""
    parser = argparse.ArgumentParser(prog="python -m flows.train.clean_boxes")
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--scans", type=Path, required=True)
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    own = scanned_once(wanted.shared, wanted.scans)
    print(f"{len(own.targets)} boxes of {len(set(own.tps))} TPS")  # noqa: T201


if __name__ == "__main__":
    main()
