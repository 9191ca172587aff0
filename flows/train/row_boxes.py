"""Boxes of row totals as pictures: a small digit or what stands for none, on a grey grid."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.train import boxes, inks, turus
from flows.train.boxes import Layer
from flows.train.inks import BOX_PX, CANVAS_PX, Ink
from flows.train.synthetic import CANVAS_SMALL, Boxes, Material, Scribe
from flows.train.tally_cells import CELL_PX, empty_cell, ink_of, soil
from flows.train.turus import Paths
from models.recognisers.recogniser import LABELS

Maker = Callable[[], tuple[Ink, str]]


class RowScribe:
    """Draws boxes of row totals with the inks of the large boxes; the same seed, the same ones."""

    def __init__(self, material: Material, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._material = material
        self._large = Scribe(material, seed + 1)

    def draw(self, count: int) -> Boxes:
        """Draw boxes of all kinds, in the shares of ``_SHARES``."""
        rng = self._rng
        makers: dict[str, Maker] = {
            "hand": self._hand,
            "real": self._real,
            "x": lambda: (self._sized(inks.cross(rng, diagonals=False), 0.5, 1.15), "x"),
            "struck": lambda: (self._struck(), "x"),
            "blank": lambda: (inks.blank_ink(), "blank"),
            "dash": lambda: (self._sized(inks.dash(rng), 0.6, 1.1), "dash"),
            "other": lambda: (self._large.other_ink(), "other"),
        }
        kinds = list(_SHARES)
        shares = np.array([_SHARES[kind] for kind in kinds])
        chosen = rng.choice(len(kinds), count, p=shares / shares.sum())
        pixels = np.empty((count, CANVAS_SMALL, CANVAS_SMALL), dtype=np.uint8)
        targets = np.empty(count, dtype=np.int64)
        for place, kind in enumerate(chosen):
            ink, label = makers[kinds[kind]]()
            sheet = self._written(ink)
            small = cv2.resize(sheet, (CANVAS_SMALL, CANVAS_SMALL), interpolation=cv2.INTER_AREA)
            pixels[place] = np.clip(small, 0, 255)
            targets[place] = LABELS.index(label)
        return Boxes(pixels, targets)

    def _hand(self) -> tuple[Ink, str]:
        ink, digit = self._large.digit_ink()
        return self._sized(ink, 0.55, 1.05), digit

    def _real(self) -> tuple[Ink, str]:
        """Real ink of a large box, smaller."""
        place = int(self._rng.integers(len(self._material.real_ink)))
        label = LABELS[self._material.real_labels[place]]
        return self._sized(self._material.real_ink[place], 0.55, 1.0), label

    def _sized(self, ink: Ink, least: float, most: float) -> Ink:
        """The ink at another size and place: written small, the cell's picture being squeezed."""
        rng = self._rng
        size, wide = rng.uniform(least, most), np.sqrt(rng.uniform(0.8, 1.6))
        scale = np.array([size * wide, size / wide]) * CELL_PX / BOX_PX
        rows, columns = np.nonzero(ink > 60)
        shift = rng.normal(0, 0.09, 2) * CELL_PX
        if len(rows):  # it may reach out of its cell by a little
            ends = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]])
            low, high = (ends - CANVAS_PX / 2) * scale + shift
            room = CELL_PX * (0.5 + rng.uniform(-0.04, 0.07, 2))
            shift = shift + np.maximum(-room - low, 0) + np.minimum(room - high, 0)
        offset = CANVAS_PX / 2 * (1 - scale) + shift
        affine = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]])
        return np.asarray(cv2.warpAffine(ink, affine, (CANVAS_PX, CANVAS_PX)), dtype=np.uint8)

    def _struck(self) -> Ink:
        """What a Z or a large cross over unused rows leaves in one box."""
        rng = self._rng
        aspect = rng.uniform(0.6, 1.3)
        paths = turus.passing(aspect, rng) if rng.random() < 0.3 else _steep(rng)
        return ink_of(paths, aspect, inks.pen_width(rng) * 0.8)

    def _written(self, ink: Ink) -> Layer:
        """The ink in a cell, with its neighbours."""
        rng = self._rng
        sheet, paper = empty_cell(rng, float(rng.uniform(0.6, 1.3)))
        share = rng.uniform(0.6, 0.74) if rng.random() < 0.14 else rng.uniform(0.08, 0.62)
        tone = paper * float(share)
        for step in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if rng.random() < 0.3:
                boxes.lay(sheet, self._beside(step), tone)
        boxes.lay(sheet, ink, tone)
        soil(sheet, rng, paper, tone)
        return sheet

    def _beside(self, step: tuple[int, int]) -> Ink:
        """A neighbour's digit or cross, as far as it is in view."""
        rng = self._rng
        ink = self._hand()[0] if rng.random() < 0.75 else self._sized(inks.cross(rng), 0.6, 1.3)
        affine = np.array([[1, 0, step[0] * CELL_PX], [0, 1, step[1] * CELL_PX]])
        return np.asarray(cv2.warpAffine(ink, affine, (CANVAS_PX, CANVAS_PX)), dtype=np.uint8)


def _steep(rng: np.random.Generator) -> Paths:
    """Steep lines: through the box, beginning or ending in it, or turning into a level one."""
    way = rng.random()
    if way < 0.4:
        paths = [_line_through(rng)]
    elif way < 0.52:
        paths = [_line_through(rng), _line_through(rng)]
    elif way < 0.72:  # the end of a long leg
        line = _line_through(rng)
        inside = rng.uniform(0.08, 0.6)
        keep = line[:, 1] > inside if rng.random() < 0.5 else line[:, 1] < 1 - inside
        paths = [line[keep]]
    else:  # a corner of the Z, its level part on either side
        x, y = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9)
        side, down = rng.choice([-1.0, 1.0]), rng.choice([-1.0, 1.0])
        long = rng.uniform(0.25, 1.6)
        lean = np.clip(rng.normal(0.35, 0.3), -0.2, 1.2)
        level = [x + side * long, y + rng.normal(0, 0.06)]
        away = [x + side * lean * 2, y + down * 2]
        paths = [np.array([level, [x, y], away])]
    return [path + rng.normal(0, 0.008, path.shape) for path in paths]


def _line_through(rng: np.random.Generator) -> NDArray[np.float64]:
    """A steep line from above the box to below it, bent a little: (60, 2)."""
    top = rng.uniform(-0.1, 1.1)
    foot = top + rng.normal(0, 0.55)
    foot = float(np.clip(foot, -0.1, 1.1))
    t = np.linspace(-1.0, 2.0, 60)
    bow = rng.normal(0, 0.06) * np.sin(np.pi * np.clip(t, 0, 1))
    return np.stack([top + (foot - top) * t + bow, t], axis=1)


_SHARES = {
    "hand": 0.34,
    "real": 0.24,
    "x": 0.1,
    "struck": 0.14,
    "blank": 0.12,
    "dash": 0.04,
    "other": 0.06,
}
"""Shares of the kinds of boxes."""
