"""The real crops: reading them, finding those that appear twice, and splitting them by TPS."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recognisers.recogniser import LABELS, prepare

Split = Literal["train", "calibration", "test"]

UNREADABLE = "bad"
"""Label in ``labels.csv`` of crops that people could not agree on. They are learned as ``other``
and never counted in the accuracy: what is asked of them is that they abstain."""

FOLDER = Path("digits/sirekap-2024")
TWIN_CORRELATION = 0.98
"""Above this correlation of their fine structure two crops are taken to be one. Measured on all
pairs of the set: 115 pairs lie above 0.999 (same picture), two between 0.98 and 0.999, and below
0.98 pairs are plainly different boxes that look alike (ones and sevens on the guides)."""


@dataclass(frozen=True)
class RealCrops:
    """Real boxes, in the order of ``labels.csv``."""

    pixels: NDArray[np.uint8]
    """(n, 48, 48), as ``prepare`` gives them."""
    names: tuple[str, ...]
    """File names in the archive."""
    written: tuple[str, ...]
    """Labels as in ``labels.csv``."""
    tps: tuple[str, ...]
    """13-digit code, or empty where it is not known."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def targets(self) -> NDArray[np.int64]:
        """(n,) index into ``LABELS``; unreadable crops are ``other``."""
        named = ["other" if label == UNREADABLE else label for label in self.written]
        return np.array([LABELS.index(label) for label in named], dtype=np.int64)

    @property
    def readable(self) -> NDArray[np.bool_]:
        """(n,) false for the crops labelled as unreadable."""
        return np.array([label != UNREADABLE for label in self.written], dtype=bool)

    def take(self, chosen: NDArray[np.intp]) -> RealCrops:
        """The crops at these places, in this order."""
        return RealCrops(
            pixels=self.pixels[chosen],
            names=tuple(self.names[i] for i in chosen),
            written=tuple(self.written[i] for i in chosen),
            tps=tuple(self.tps[i] for i in chosen),
        )


def load_real_crops(shared: Path) -> RealCrops:
    """Read ``labels.csv`` and ``crops.zip`` under ``shared``; ``OSError`` where they are absent.

    The colour crops become grey as OpenCV decodes them.
    """
    with (shared / FOLDER / "labels.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    pixels = np.empty((len(rows), 48, 48), dtype=np.uint8)
    with zipfile.ZipFile(io.BytesIO((shared / FOLDER / "crops.zip").read_bytes())) as archive:
        for place, row in enumerate(rows):
            content = np.frombuffer(archive.read(row["file"]), dtype=np.uint8)
            grey = np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
            pixels[place] = prepare(grey)
    return RealCrops(
        pixels=pixels,
        names=tuple(row["file"] for row in rows),
        written=tuple(row["label"] for row in rows),
        tps=tuple(row["tps"] for row in rows),
    )


def split_of(tps: str, label: str, name: str) -> Split:
    """The split a crop belongs to, by rule: SHA-256 of its TPS's code modulo 20.

    0 to 13 train (70 %), 14 to 16 calibration (15 %), 17 to 19 test (15 %). A crop whose TPS is
    not known trains; only the few that are blank or unreadable go by their file name: 0 to 9
    train, 10 to 19 test, because hardly one of them has a TPS.
    """
    if not tps and label not in {"blank", UNREADABLE}:
        return "train"
    place = int(hashlib.sha256((tps or name).encode()).hexdigest(), 16) % 20
    if not tps:
        return "train" if place < 10 else "test"
    if place < 14:
        return "train"
    return "calibration" if place < 17 else "test"


def twin_groups(pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Group crops that are the same picture, also resized or compressed again.

    Args:
        pixels: (n, 48, 48).

    Returns:
        (n,) the first crop of each crop's group.

    """
    small = np.stack([cv2.resize(crop, (24, 24), interpolation=cv2.INTER_AREA) for crop in pixels])
    fine = small.astype(np.float32)
    fine -= np.stack([cv2.GaussianBlur(crop, (0, 0), 3) for crop in fine])
    fine = fine.reshape(len(fine), -1)
    fine -= fine.mean(axis=1, keepdims=True)
    fine /= np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), 1e-6)
    first = np.arange(len(fine))
    for start in range(0, len(fine), 1000):
        likeness = fine[start : start + 1000] @ fine.T
        for here, there in np.argwhere(likeness > TWIN_CORRELATION):
            one, other = _root(first, start + here), _root(first, there)
            first[max(one, other)] = min(one, other)
    return np.array([_root(first, place) for place in range(len(first))], dtype=np.intp)


def _root(first: NDArray[np.intp], place: int) -> int:
    while first[place] != place:
        place = int(first[place])
    return place


def split_crops(crops: RealCrops) -> dict[Split, RealCrops]:
    """Split by TPS, so that no picture stands on two sides or twice on one.

    Of crops that are the same picture one is kept, on the side that is furthest from training:
    test before calibration before train.
    """
    groups = twin_groups(crops.pixels)
    order: dict[Split, int] = {"test": 0, "calibration": 1, "train": 2}
    kept: dict[int, tuple[int, int]] = {}
    for place, group in enumerate(groups):
        split = split_of(crops.tps[place], crops.written[place], crops.names[place])
        candidate = (order[split], place)
        kept[int(group)] = min(kept.get(int(group), candidate), candidate)
    return {
        split: crops.take(
            np.array(sorted(place for rank, place in kept.values() if rank == wanted), np.intp)
        )
        for split, wanted in order.items()
    }
