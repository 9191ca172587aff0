"""Cells of a tally as pictures: grid, ink, neighbours, dirt and folds, each with its label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.train import boxes, inks, turus
from flows.train.boxes import Layer
from flows.train.inks import CANVAS_PX, Ink
from flows.train.synthetic import CANVAS_SMALL, Boxes
from flows.train.turus import Paths, Writer
from models.recognisers.recogniser import CROP_PX
from models.recognisers.tally import TALLY_LABELS

MARGIN = 0.15
"""What a cell's crop shows on each side, as ``pipeline.cells`` cuts it."""

CELL_PX = CANVAS_PX * CROP_PX / CANVAS_SMALL / (1 + 2 * MARGIN)
"""A cell on the canvas of 128 px, of which the middle 96 are the crop."""

CELL_LEFT = (CANVAS_PX - CELL_PX) / 2


class TallyScribe:
    """Draws cells; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def draw(self, count: int) -> Boxes:
        """Draw cells of all kinds, in the shares of ``_SHARES``."""
        rng = self._rng
        labels = list(_SHARES)
        shares = np.array([_SHARES[label] for label in labels])
        chosen = rng.choice(len(labels), count, p=shares / shares.sum())
        pixels = np.empty((count, CANVAS_SMALL, CANVAS_SMALL), dtype=np.uint8)
        targets = np.empty(count, dtype=np.int64)
        for place, kind in enumerate(chosen):
            sheet = self.cell(labels[kind])
            small = cv2.resize(sheet, (CANVAS_SMALL, CANVAS_SMALL), interpolation=cv2.INTER_AREA)
            pixels[place] = np.clip(small, 0, 255)
            targets[place] = TALLY_LABELS.index(labels[kind])
        return Boxes(pixels, targets)

    def cell(self, label: str) -> Layer:
        """One cell (128, 128) of a label, with what is around it."""
        rng = self._rng
        writer, width = Writer.random(rng), _pen(rng)
        aspect = writer.aspect
        thinnest = writer.pitch * CELL_PX
        width = min(width, max(1.0, 0.55 * thinnest))
        sheet, paper = empty_cell(rng, aspect)
        tone = _ink_tone(paper, rng)
        paths, around = self._inside(label, writer), self._around(label, writer)
        if around:
            boxes.lay(sheet, ink_of(around, aspect, width), tone)
        if label == "other":
            boxes.lay(sheet, self._uncountable(writer, width), tone)
        else:
            ink = ink_of(paths, aspect, width)
            if rng.random() < 0.5:
                ink = _uneven(ink, rng)
            boxes.lay(sheet, ink, tone)
        soil(sheet, rng, paper, tone)
        return sheet

    def _inside(self, label: str, writer: Writer) -> Paths:
        """What is written in the cell itself."""
        rng = self._rng
        if label == "struck":
            if rng.random() < 0.4:
                return turus.cross(writer.aspect, rng)
            return turus.passing(writer.aspect, rng)
        if label == "0":
            return turus.beside(rng) if rng.random() < 0.12 else []
        if label == "other":
            return []
        return turus.strokes(writer, int(label), rng)

    def _around(self, label: str, writer: Writer) -> Paths:
        """What the cells around it hold, as far as it reaches in or is in view."""
        rng = self._rng
        counted = label in "12345"
        paths: Paths = []
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if dy == 0:
                full = (0.9 if dx < 0 else 0.75) if label == "5" else (0.85 if counted else 0.35)
                full = full if dx < 0 or label == "5" else 0.08
            else:
                full = (0.55 if dy < 0 else 0.25) if counted else 0.25
            chance = rng.random()
            there: Paths = []
            if chance < full:
                count = 5 if rng.random() < 0.85 else int(rng.integers(1, 5))
                there = turus.strokes(writer, count, rng)
            elif chance < full + (0.12 if counted else 0.3):
                there = turus.cross(writer.aspect, rng)
                if counted and dx > 0:
                    there = [np.maximum(path, (-0.05, -9.0)) for path in there]
            paths += [path + np.array([dx, dy]) for path in there]
        if counted and label != "5" and rng.random() < 0.2:
            # The line that shuts the rest begins beside the cell or in its right margin.
            x, y = rng.uniform(0.98, 1.4), rng.uniform(0.2, 0.8)
            paths.append(np.array([[x, y], [3.0, y + rng.normal(0, 0.1)]]))
        if counted and rng.random() < 0.12:
            paths += turus.beside(rng)
        return paths

    def _uncountable(self, writer: Writer, width: float) -> Ink:
        """Ink that can't be counted, or is struck out."""
        rng, aspect = self._rng, writer.aspect
        kind = rng.random()
        if kind < 0.34:  # counted strokes, struck out
            paths = turus.strokes(writer, int(rng.integers(1, 6)), rng)
            strike = turus.cross(aspect, rng) if rng.random() < 0.6 else _struck_twice(rng)
            return ink_of(paths + strike, aspect, width)
        if kind < 0.5:  # one stroke too many
            paths = turus.strokes(replace(writer, kind="five"), 5, rng)
            across = turus.strokes(replace(writer, kind="uprights"), 5, rng)[-1:]
            return ink_of(paths + across, aspect, width)
        if kind < 0.58:  # two groups in one cell
            slim = replace(writer, kind="uprights", pitch=min(writer.pitch, 0.1))
            left = turus.strokes(replace(slim, start=(0.22, 0.5)), 5, rng)
            right = turus.strokes(replace(slim, start=(0.78, 0.5)), int(rng.integers(3, 6)), rng)
            return ink_of(left + right, aspect, width)
        if kind < 0.78:
            return inks.scribble(rng)
        if kind < 0.92:
            return inks.letter(rng) if rng.random() < 0.5 else _digit(rng)
        return _blot(rng)


def _struck_twice(rng: np.random.Generator) -> Paths:
    """Two level lines through counted strokes; one alone could be a fifth stroke."""
    y = rng.uniform(0.3, 0.5)
    return [
        np.array([[-0.05, level], [1.05, level + rng.normal(0, 0.05)]])
        for level in (y, y + rng.uniform(0.12, 0.3))
    ]


def _digit(rng: np.random.Generator) -> Ink:
    return inks.free_digit(rng, "2345689"[int(rng.integers(7))])


def _blot(rng: np.random.Generator) -> Ink:
    """A thick spot, or ink smeared over the cell."""
    ink = inks.blank_ink()
    centre = tuple(int(c) for c in rng.normal(CANVAS_PX / 2, 10, 2))
    axes = tuple(int(c) for c in rng.uniform(10, 30, 2))
    cv2.ellipse(ink, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    return ink


def _pen(rng: np.random.Generator) -> float:
    """Width in canvas px: a ball-point, now and then a marker; 4 px are a mm on a cell of 20."""
    return float(rng.uniform(4.5, 8) if rng.random() < 0.1 else rng.uniform(1.3, 4.8))


def ink_of(paths: Paths, aspect: float, width: float) -> Ink:
    """Draw paths with a round pen on a cell of its true proportions, then square the picture.

    Args:
        paths: In units of the cell.
        aspect: Width of the cell by its height.
        width: Of the pen, in px of the canvas's width.

    """
    across, down = CANVAS_PX, round(CANVAS_PX / aspect)
    ink = np.zeros((down, across), dtype=np.uint8)
    for path in paths:
        scaled = CELL_LEFT + inks.smooth(path) * CELL_PX
        scaled = np.clip(scaled, -4 * across, 5 * across) / (1, aspect)
        points = np.round(scaled * 16).astype(np.int32)
        cv2.polylines(ink, [points], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
    size = (CANVAS_PX, CANVAS_PX)
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def empty_cell(rng: np.random.Generator, aspect: float) -> tuple[Layer, float]:
    """A cell without ink, and the tone of its paper.

    The grey grid is faint to dark, some sides have a black ruling, some paper a printed guide.
    """
    sheet = boxes.paper(rng)
    tone = float(np.median(sheet))
    if rng.random() < 0.14:
        boxes.lay(sheet, _printed_five(rng, aspect), tone * rng.uniform(0.62, 0.97))
    if rng.random() < 0.06:  # dotted paper
        dots = inks.blank_ink()
        step = int(rng.integers(6, 14))
        dots[int(rng.integers(step)) :: step, int(rng.integers(step)) :: step] = 255
        boxes.lay(sheet, dots, tone * rng.uniform(0.7, 0.97))
    grey = tone * (rng.uniform(0.35, 0.8) if rng.random() < 0.6 else rng.uniform(0.75, 0.99))
    thin = rng.uniform(0.8, 3.2)
    turn = rng.normal(0, 0.012)
    off = rng.normal(0, 0.02, 2)
    grid: Paths = []
    black: Paths = []
    for side in range(4):
        at = (side % 2) + off[side // 2]
        ends = np.array([[at, -1.0], [at, 2.0]])
        if side >= 2:
            ends = ends[:, ::-1]
        ends = ends + np.array([[turn, -turn], [-turn, turn]]) * rng.uniform(0.5, 1.5)
        darker = rng.random()
        if darker < 0.1:  # the grid's outer frame
            black.append(ends)
        elif darker < 0.94:
            grid.append(ends)
        if rng.random() < 0.06:  # the table's ruling beside the grid
            out = -rng.uniform(0.06, 0.3) if side % 2 == 0 else rng.uniform(0.06, 0.3)
            black.append(ends + (np.array([out, 0.0]) if side < 2 else np.array([0.0, out])))
    boxes.lay(sheet, ink_of(grid, aspect, thin), grey)
    if black:
        boxes.lay(sheet, ink_of(black, aspect, rng.uniform(2, 5)), tone * rng.uniform(0.1, 0.5))
    if rng.random() < 0.05:  # the printed numeral above the first row
        piece = inks.print_piece(rng)
        strip = np.zeros_like(piece)
        strip[: round(CELL_LEFT) - 3] = piece[20 : 20 + round(CELL_LEFT) - 3]
        boxes.lay(sheet, strip, tone * rng.uniform(0.2, 0.6))
    return sheet, tone


def _printed_five(rng: np.random.Generator, aspect: float) -> Ink:
    """A guide as some forms print it: a five in rows of dots, which is no stroke."""
    ink = inks.blank_ink()
    low, high = rng.uniform(0.08, 0.2), rng.uniform(0.8, 0.92)
    xs = np.linspace(rng.uniform(0.15, 0.3), rng.uniform(0.7, 0.85), 4)
    lean = rng.normal(0, 0.04)
    lines = [np.array([[x + lean, low], [x - lean, high]]) for x in xs]
    slant = [[0.08, 0.75], [0.92, 0.25]] if rng.random() < 0.7 else [[0.08, 0.25], [0.92, 0.75]]
    lines.append(np.array(slant) + rng.normal(0, 0.06, (2, 2)))
    half, gap = rng.uniform(0.5, 1.1), rng.uniform(0.07, 0.14)
    for line in lines:
        steps = max(3, round(float(np.hypot(*(line[1] - line[0]))) / gap))
        for t in np.linspace(0, 1, steps):
            x, y = CELL_LEFT + (line[0] + (line[1] - line[0]) * t) * CELL_PX
            corners = [(x - half, y - half * aspect), (x + half, y + half * aspect)]
            fixed = [(round(a * 16), round(b * 16)) for a, b in corners]
            cv2.rectangle(ink, fixed[0], fixed[1], 255, -1, cv2.LINE_AA, 4)
    return ink


def _ink_tone(paper: float, rng: np.random.Generator) -> float:
    """Mostly clear ink; one in eight faint."""
    share = rng.uniform(0.6, 0.72) if rng.random() < 0.12 else rng.uniform(0.08, 0.62)
    return float(paper * share)


def _uneven(ink: Ink, rng: np.random.Generator) -> Ink:
    """The pen skips and presses."""
    pressure = rng.uniform(0.55, 1.15, (6, 6)).astype(np.float32)
    even = cv2.resize(pressure, (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(ink * even, 0, 255), dtype=np.uint8)


def soil(sheet: Layer, rng: np.random.Generator, paper: float, tone: float) -> None:
    """Specks, folds, whitening and what shows through, for some, in place.

    Args:
        sheet: The cell.
        rng: Where chance comes from.
        paper: Tone of the paper.
        tone: Of the ink.

    """
    chances: list[tuple[float, Callable[[], None]]] = [
        (0.08, lambda: boxes.lay(sheet, inks.specks(rng), tone)),
        (0.14, lambda: _fold(sheet, rng)),
        (0.03, lambda: _whitened(sheet, rng, paper)),
        (0.03, lambda: _shown_through(sheet, rng, paper)),
    ]
    for chance, spoil in chances:
        if rng.random() < chance:
            spoil()


def _fold(sheet: Layer, rng: np.random.Generator) -> None:
    """A crease: light or dark along it, one side lighter than the other."""
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.08)
    if rng.random() < 0.3:
        angle = rng.uniform(0, np.pi)
    normal = np.array([np.cos(angle), np.sin(angle)])
    rows, columns = np.mgrid[:CANVAS_PX, :CANVAS_PX] - CANVAS_PX / 2
    distance = columns * normal[0] + rows * normal[1] - rng.normal(0, 26)
    crease = np.exp(-np.square(distance / rng.uniform(1, 4)))
    step = 1 / (1 + np.exp(-np.clip(distance / 3, -40, 40)))
    sheet += (rng.uniform(-24, 18) * crease + rng.uniform(-18, 18) * step).astype(np.float32)


def _whitened(sheet: Layer, rng: np.random.Generator, paper: float) -> None:
    """Correction fluid beside or under the strokes: a patch of another white with an edge."""
    patch = inks.blank_ink()
    corners = rng.uniform(10, CANVAS_PX - 10, (2, 2))
    low, high = corners.min(axis=0).astype(int), corners.max(axis=0).astype(int)
    cv2.rectangle(patch, low.tolist(), high.tolist(), 255, -1)
    soft = cv2.GaussianBlur(patch, (0, 0), rng.uniform(1, 4)).astype(np.float32) / 255
    sheet += soft * np.float32(rng.uniform(4, 22))
    edge = cv2.morphologyEx(patch, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    boxes.lay(sheet, np.asarray(edge, np.uint8), paper * 0.85, 0.4)


def _shown_through(sheet: Layer, rng: np.random.Generator, paper: float) -> None:
    """Ink of the other side."""
    writer = Writer.random(rng)
    ink = ink_of(turus.strokes(writer, 5, rng), writer.aspect, 4)
    soft = cv2.GaussianBlur(ink[:, ::-1], (0, 0), rng.uniform(2, 4))
    boxes.lay(sheet, np.asarray(soft, dtype=np.uint8), paper * 0.9, rng.uniform(0.1, 0.35))


def middle_of(cells: Boxes) -> NDArray[np.uint8]:
    """The crops (n, 48, 48) of canvases, as a perfect placement would cut them."""
    edge = (CANVAS_SMALL - CROP_PX) // 2
    return np.ascontiguousarray(cells.pixels[:, edge : edge + CROP_PX, edge : edge + CROP_PX])


_SHARES = {
    "0": 0.26,
    "1": 0.09,
    "2": 0.09,
    "3": 0.09,
    "4": 0.13,
    "5": 0.23,
    "struck": 0.17,
    "other": 0.07,
}
"""Shares of the labels among drawn cells."""
