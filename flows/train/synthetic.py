"""Synthetic boxes: any ink in any empty box, with its label.

They teach what the real crops hardly hold: blank boxes, dashes, boxes without a guide (pages 1
and 3), every kind of cross, and all that must not be read as a digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.train import boxes, inks
from flows.train.inks import BOX_PX, CANVAS_PX, Ink
from flows.train.real_crops import RealCrops
from models.recognisers.recogniser import LABELS

CANVAS_SMALL = 64
"""Synthetic boxes are kept at 64 px, of which the middle 48 are the crop."""


@dataclass(frozen=True)
class Material:
    """What synthetic boxes are made from, all of it from the training split."""

    lines: NDArray[np.uint8]
    """(n, 64, 64) centre-lines of MNIST digits."""
    line_labels: NDArray[np.uint8]
    """(n,) 0 to 9."""
    empty: NDArray[np.uint8]
    """(m, 128, 128) real boxes with the ink taken out."""
    real_ink: NDArray[np.uint8]
    """(k, 128, 128) the ink of real boxes."""
    real_labels: NDArray[np.int64]
    """(k,) index into ``LABELS``."""


def gather_material(
    crops: RealCrops, lines: NDArray[np.uint8], line_labels: NDArray[np.uint8]
) -> Material:
    """Part the real training crops into boxes and ink."""
    empty, ink, labels = [], [], []
    for crop, label, readable in zip(crops.pixels, crops.targets, crops.readable, strict=True):
        parted = boxes.take_ink_out(crop)
        if parted is None or not readable:
            continue
        if LABELS[label].isdigit():
            empty.append(parted[0])
        if LABELS[label] != "blank":
            ink.append(parted[1])
            labels.append(label)
    return Material(lines, line_labels, np.stack(empty), np.stack(ink), np.array(labels))


@dataclass(frozen=True)
class Boxes:
    """Boxes with labels."""

    pixels: NDArray[np.uint8]
    """(n, 64, 64)."""
    targets: NDArray[np.int64]
    """(n,) index into ``LABELS``."""


class Scribe:
    """Draws synthetic boxes; the same seed draws the same ones."""

    def __init__(self, material: Material, seed: int) -> None:
        self._material = material
        self._rng = np.random.default_rng(seed)

    def draw(self, count: int) -> Boxes:
        """Draw boxes of all kinds, in the shares of ``_KINDS``."""
        kinds = list(_KINDS)
        shares = np.array([_KINDS[kind] for kind in kinds])
        chosen = self._rng.choice(len(kinds), count, p=shares / shares.sum())
        makers: dict[str, Callable[[], tuple[boxes.Layer, str]]] = {
            "mnist": lambda: self._digit("mnist"),
            "guide": lambda: self._digit("guide"),
            "free": lambda: self._digit("free"),
            "real": self._real,
            "x": self._crossed,
            "dash": lambda: self._written(inks.dash(self._rng), "dash"),
            "blank": self._blank,
            "other": self._other,
        }
        pixels = np.empty((count, CANVAS_SMALL, CANVAS_SMALL), dtype=np.uint8)
        targets = np.empty(count, dtype=np.int64)
        for place, kind in enumerate(chosen):
            sheet, label = makers[kinds[kind]]()
            small = cv2.resize(sheet, (CANVAS_SMALL, CANVAS_SMALL), interpolation=cv2.INTER_AREA)
            pixels[place] = np.clip(small, 0, 255)
            targets[place] = LABELS.index(label)
        return Boxes(pixels, targets)

    def _empty_box(self, *, guide: bool | None = None) -> boxes.Layer:
        rng = self._rng
        if guide is None and rng.random() < 0.4:
            bank = self._material.empty
            sheet: boxes.Layer = bank[int(rng.integers(len(bank)))].astype(np.float32)
            if rng.random() < 0.6:
                tone = float(np.median(sheet))
                boxes.lay(sheet, boxes.guide_ink(rng), tone * rng.uniform(0.5, 0.93))
            return sheet
        return boxes.drawn_box(rng, guide=guide)

    def _ink_tone(self, sheet: boxes.Layer) -> float:
        """Mostly clear ink; one in six faint as pencil."""
        rng = self._rng
        tone = float(np.median(sheet))
        if rng.random() < 0.16:
            return tone * float(rng.uniform(0.62, 0.82))
        return tone * float(rng.uniform(0.08, 0.62))

    def _written(self, ink: Ink, label: str) -> tuple[boxes.Layer, str]:
        sheet = self._empty_box()
        tone = self._ink_tone(sheet)
        if self._rng.random() < 0.5:  # the pen skips and presses
            pressure = self._rng.uniform(0.55, 1.15, (6, 6)).astype(np.float32)
            even = cv2.resize(pressure, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_LINEAR)
            ink = np.asarray(np.clip(ink * even, 0, 255), dtype=np.uint8)
        boxes.lay(sheet, ink, tone)
        if self._rng.random() < 0.06:
            boxes.lay(sheet, inks.specks(self._rng), tone)
        return sheet, label

    def _mnist_ink(self, digit: str) -> Ink:
        chosen = np.nonzero(self._material.line_labels == int(digit))[0]
        line = self._material.lines[self._rng.choice(chosen)]
        return inks.line_digit(self._rng, line, digit)

    def digit_ink(self, digits: str = "0123456789") -> tuple[Ink, str]:
        """One of these digits in any hand, and which it is."""
        digit = digits[int(self._rng.integers(len(digits)))]
        hand = ("mnist", "mnist", "guide", "free")[int(self._rng.integers(4))]
        return self._hand(hand, digit), digit

    def _hand(self, hand: str, digit: str) -> Ink:
        """A digit in one kind of hand; a zero is slashed now and then."""
        if hand == "mnist":
            ink = self._mnist_ink(digit)
        elif hand == "guide":
            ink = inks.guide_digit(self._rng, digit)
        else:
            ink = inks.free_digit(self._rng, digit)
        if digit == "0" and self._rng.random() < 0.2:
            ink = inks.slash(self._rng, ink)
        return ink

    def _digit(self, hand: str) -> tuple[boxes.Layer, str]:
        digit = str(self._rng.integers(10))
        return self._written(self._hand(hand, digit), digit)

    def _real(self) -> tuple[boxes.Layer, str]:
        """Real ink in another box, larger or smaller and moved."""
        place = int(self._rng.integers(len(self._material.real_ink)))
        label = LABELS[self._material.real_labels[place]]
        size = self._rng.uniform(0.72, 1.08)
        ink = self._moved(self._material.real_ink[place], size, self._rng.normal(0, 0.04, 2))
        return self._written(ink, label)

    def _moved(self, ink: Ink, size: float, shift: NDArray[np.float64]) -> Ink:
        middle = CANVAS_PX / 2
        offset = middle + shift * BOX_PX - size * middle
        affine = np.array([[size, 0, offset[0]], [0, size, offset[1]]])
        return np.asarray(cv2.warpAffine(ink, affine, (CANVAS_PX, CANVAS_PX)), dtype=np.uint8)

    def _blank(self) -> tuple[boxes.Layer, str]:
        """Nothing written: also dirty, folded, printed through, or with part of its frame."""
        rng = self._rng
        if rng.random() < 0.15:
            sheet = boxes.drawn_box(rng, sides=15 ^ (1 << int(rng.integers(4))))
        elif rng.random() < 0.1:
            sheet = boxes.drawn_box(rng, sides=[3, 6, 12, 9, 5, 10][int(rng.integers(6))])
        else:
            sheet = self._empty_box()
        tone = float(np.median(sheet))
        if rng.random() < 0.25:
            boxes.lay(sheet, inks.specks(rng), tone * rng.uniform(0.3, 0.9))
        if rng.random() < 0.2:  # a fold, right across
            angle, away = rng.uniform(0, np.pi), rng.normal(0, 20)
            normal = np.array([np.cos(angle), np.sin(angle)])
            rows, columns = np.mgrid[:CANVAS_PX, :CANVAS_PX] - CANVAS_PX / 2
            distance = columns * normal[0] + rows * normal[1] - away
            crease = np.exp(-np.square(distance / rng.uniform(1, 4)))
            step = 1 / (1 + np.exp(-distance / 3))
            sheet += (rng.uniform(-14, 14) * crease + rng.uniform(-18, 18) * step).astype(
                np.float32
            )
        if rng.random() < 0.15:  # the other side shows through
            ink, _ = self.digit_ink()
            soft = cv2.GaussianBlur(ink[:, ::-1], (0, 0), rng.uniform(2, 4))
            boxes.lay(sheet, np.asarray(soft, dtype=np.uint8), tone * 0.9, rng.uniform(0.1, 0.45))
        return sheet, "blank"

    def _other(self) -> tuple[boxes.Layer, str]:
        if self._rng.random() < 0.25:
            return self._no_box(), "other"
        return self._written(self.other_ink(), "other")

    def other_ink(self) -> Ink:
        """Ink that is no digit, no cross and no dash."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.19:  # two glyphs side by side
            (one, _), (two, _) = self.digit_ink(), self.digit_ink()
            scale, apart = rng.uniform(0.5, 0.72), rng.uniform(0.17, 0.25)
            ink = np.maximum(inks.squeezed(one, scale, -apart), inks.squeezed(two, scale, apart))
        elif kind < 0.43:  # one digit over another, of those that do not hide in each other
            one, first = self.digit_ink("2345679")
            two, _ = self.digit_ink("23456789".replace(first, ""))
            ink = np.maximum(one, two)
        elif kind < 0.64:  # a digit struck out; a struck 0 or 1 could be meant as something else
            one, _ = self.digit_ink("23456789")
            way = rng.random()
            if way < 0.5:
                strike = inks.cross(rng, diagonals=False)
            elif way < 0.75:
                strike = inks.scribble(rng)
            else:
                strike = inks.strike_lines(rng)
            ink = np.maximum(one, strike)
        elif kind < 0.78:
            ink = inks.scribble(rng)
        elif kind < 0.93:
            ink = inks.letter(rng)
        else:
            ink = inks.tally(rng)
        return ink

    def _crossed(self) -> tuple[boxes.Layer, str]:
        """A cross; also one through a zero, as in the real crops: both say "no digit here"."""
        rng = self._rng
        if rng.random() < 0.88:
            return self._written(inks.cross(rng), "x")
        hand = ("mnist", "guide", "free")[int(rng.integers(3))]
        zero = self._hand(hand, "0")
        return self._written(np.maximum(zero, inks.cross(rng, diagonals=False)), "x")

    def _no_box(self) -> boxes.Layer:
        """Badly placed or no box at all."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.45:
            sheet, _ = self._written(*self.digit_ink()) if rng.random() < 0.7 else self._blank()
            turn, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.34, 0.8) * BOX_PX
            shift = (away * np.cos(turn), away * np.sin(turn))
            moved = cv2.warpAffine(
                sheet,
                np.array([[1, 0, shift[0]], [0, 1, shift[1]]]),
                (CANVAS_PX, CANVAS_PX),
                borderMode=cv2.BORDER_REPLICATE,
            )
            return np.asarray(moved, dtype=np.float32)
        sheet = boxes.paper(rng)
        tone = float(np.median(sheet))
        if kind < 0.6:
            boxes.lay(sheet, inks.print_piece(rng), tone * rng.uniform(0.1, 0.6))
        elif kind < 0.72:
            boxes.lay(sheet, inks.bubble(rng), tone * rng.uniform(0.1, 0.8))
        elif kind < 0.84:
            if rng.random() < 0.5:
                boxes.lay(sheet, boxes.surroundings_ink(rng), tone * rng.uniform(0.1, 0.8))
        elif kind < 0.92:
            sheet = sheet * 0.02 + np.float32(rng.uniform(0, 60))
        else:
            coarse = rng.uniform(0, 255, (int(rng.integers(3, 40)),) * 2).astype(np.float32)
            size = (CANVAS_PX, CANVAS_PX)
            sheet = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR))
        return sheet


_KINDS = {
    "mnist": 0.2,
    "guide": 0.09,
    "free": 0.1,
    "real": 0.15,
    "x": 0.13,
    "dash": 0.08,
    "blank": 0.1,
    "other": 0.15,
}
"""Shares of the kinds of synthetic boxes."""
