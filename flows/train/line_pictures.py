"""Lines of handwriting for training: any text, in any hand, on any paper, under any light.

Drawn at three times the size of the recogniser's lines, then made as coarse as photos are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.train.line_fonts import CAPITAL_PX, Font
from flows.train.line_strokes import WAYS, draw_sign, new_writer
from flows.train.line_texts import some_text
from models.recognisers.lines import LINE_PX

Picture = NDArray[np.float32]
Sign = tuple[NDArray[np.uint8], float, float, float]

FINE = 3
HIGH = FINE * LINE_PX
GRAIN_PX = 64
"""Widths of lines are multiples of this, so that lines of one width make a batch."""
LONGEST_PX = 768
_STEPS_A_SIGN = 2
"""Least steps of the recogniser for a sign: a text that is squeezed more is drawn wider."""


@dataclass(frozen=True)
class DrawnLine:
    """One line and what it says."""

    pixels: NDArray[np.uint8]
    """(32, width)."""
    text: str
    """Capitals and digits, no spaces."""


class LineScribe:
    """Draws lines; the same fonts and seed draw the same ones."""

    def __init__(self, fonts: Sequence[Font], seed: int, own_strokes: float = 0.35) -> None:
        """``own_strokes`` is the share of lines drawn by ``line_strokes`` and not with a font."""
        self._fonts = list(fonts)
        self._rng = np.random.default_rng(seed)
        self._own = own_strokes

    def line(self, text: str | None = None) -> DrawnLine:
        """One line; of ``some_text`` where none is given."""
        rng = self._rng
        text = some_text(rng) if text is None else text
        if rng.random() < 0.025:
            text = ""
        ink, places = self._ink(text)
        sheet = self._paper(ink.shape[1], places)
        tone = (
            float(rng.uniform(0.08, 0.5)) if rng.random() < 0.8 else float(rng.uniform(0.5, 0.72))
        )
        if rng.random() < 0.5:
            ink = ink * _drift(rng, ink.shape, (0.6, 1.1))
        sheet *= 1 - np.clip(ink, 0, 1) * (1 - tone)
        pixels = self._photograph(sheet)
        said = "".join(sign for sign in text.upper() if sign.isalnum())
        return DrawnLine(pixels, said)

    def _ink(self, text: str) -> tuple[Picture, list[tuple[float, float]]]:
        """The ink on a canvas, 0 to 1, and each sign's left and right."""
        rng = self._rng
        own = not self._fonts or rng.random() < self._own
        capital = HIGH * float(rng.uniform(0.36, 0.8))
        boxed = rng.random() < 0.18
        draw, text = self._hand(text, own=own)
        slant = float(rng.normal(0, 0.16)) if rng.random() < 0.8 else float(rng.uniform(-0.3, 0.6))
        stretch = float(rng.uniform(0.72, 1.35))
        size_jitter, turn = float(rng.uniform(0, 0.1)), float(rng.uniform(0, 0.09))
        sway = float(rng.uniform(0, 0.07))
        apart = float(rng.normal(0.06, 0.07)) + (0.2 if own else 0.0)
        if rng.random() < 0.25:
            apart += float(rng.uniform(0.0, 0.5))
        joined = text != text.upper() and not own
        if joined:
            apart = float(rng.uniform(-0.04, 0.05))
        gap = float(rng.uniform(0.15, 0.6) if rng.random() < 0.75 else rng.uniform(0.6, 1.6))
        pitch = capital * float(rng.uniform(0.95, 1.7))
        x = start = capital * float(rng.uniform(0.1, 1.2)) + 4
        signs: list[tuple[Sign, float, float, float, float]] = []
        places = []
        for sign in text:
            if sign == " ":
                x += pitch if boxed else capital * gap
                continue
            drawn = draw(sign)
            size = capital / CAPITAL_PX * (1 + float(rng.normal(0, size_jitter)))
            wide = drawn[3] * size * stretch
            at = x + (pitch - wide) / 2 * float(rng.uniform(0.5, 1.5)) if boxed else x
            signs.append((drawn, at, size, float(rng.normal(0, turn)), float(rng.normal(0, sway))))
            places.append((x, x + pitch) if boxed else (at, at + wide))
            step = wide + capital * max(-0.12, apart + float(rng.normal(0, 0.03)))
            x += pitch if boxed else max(step, _STEPS_A_SIGN * 4 * FINE * 0.8)
        after = capital * float(rng.uniform(0.1, 1.0)) + 4
        if rng.random() < 0.25:
            after += capital * float(rng.uniform(1, 8))
        grain = GRAIN_PX * FINE
        wide_px = min(LONGEST_PX * FINE, max(grain, int(-(-(x + after) // grain)) * grain))
        if x + after > wide_px:
            squeeze = (wide_px - after - start) / (x - start)
            stretch *= squeeze
            signs = [(d, start + (at - start) * squeeze, *rest) for d, at, *rest in signs]  # type: ignore[misc]
            places = [
                (start + (a - start) * squeeze, start + (b - start) * squeeze) for a, b in places
            ]
        canvas = np.zeros((HIGH, wide_px), np.float32)
        slope = float(rng.normal(0, 0.012))
        base = (HIGH + capital) / 2 + float(rng.normal(0, 0.07)) * HIGH
        base = min(max(base, capital * 0.9), HIGH - 3.0) - slope * (x - start) / 2
        for drawn, at, size, angle, up in signs:
            foot = base + slope * (at - start) + up * capital
            _stamp(canvas, drawn, (at, foot), size, (stretch, slant, angle))
        if signs and rng.random() < 0.85:
            canvas = _bent(canvas, rng, capital)
        return self._strikes(canvas, x, base, capital), places

    def _hand(self, text: str, *, own: bool) -> tuple[Callable[[str], Sign], str]:
        """Who draws the signs, and the text in the letters they use."""
        rng = self._rng
        if own:
            writer = new_writer(rng)
            known = "".join(sign for sign in text.upper() if sign in WAYS or sign == " ")
            return lambda sign: draw_sign(writer, sign, CAPITAL_PX, rng), known
        font = self._fonts[int(rng.integers(len(self._fonts)))]
        way = rng.random()
        if font.small and way < 0.13:
            text = text.lower()
        elif font.small and way < 0.22:
            text = text.title()
        thicker = int(rng.integers(-3, 7)) if rng.random() < 0.7 else 0

        def sign_of(sign: str) -> Sign:
            ink, left, top, step = font.sign(sign)
            return _thicker(ink, thicker), left, top, step

        return sign_of, text

    def _strikes(self, canvas: Picture, end: float, base: float, capital: float) -> Picture:
        """Now and then: a line after the text, under it, or dashes, as writers fill a row."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.9:
            return canvas
        right = canvas.shape[1] - float(rng.uniform(0, 30))
        pen = max(2, round(capital * float(rng.uniform(0.05, 0.13))))
        end += capital * float(rng.uniform(0.3, 0.8))
        if kind < 0.95 and right > end + capital:
            level = base - capital * float(rng.uniform(0.2, 0.7))
            rise = float(rng.uniform(-0.4, 0.4)) * capital
            cv2.line(canvas, _at(end, level), _at(right, level - rise), 1.0, pen, cv2.LINE_AA)
            if rng.random() < 0.3:
                level += capital * 0.35
                cv2.line(canvas, _at(end, level), _at(right, level - rise), 1.0, pen, cv2.LINE_AA)
        elif kind < 0.98:
            level = base + capital * float(rng.uniform(0.12, 0.3))
            cv2.line(canvas, _at(0, level), _at(right, level), 1.0, pen, cv2.LINE_AA)
        else:
            for x in np.arange(end, right - capital, capital * float(rng.uniform(0.7, 1.2))):
                level = base - capital * 0.45
                cv2.line(canvas, _at(x, level), _at(x + capital * 0.45, level), 1.0, pen)
        return canvas

    def _paper(self, wide: int, places: list[tuple[float, float]]) -> Picture:
        """Paper with what is printed on it, in grey levels."""
        rng = self._rng
        sheet = np.full((HIGH, wide), float(rng.uniform(140, 245)), np.float32)
        dark = float(rng.uniform(0.15, 0.75))
        kind = rng.random()
        if kind < 0.24:
            self._dots(sheet, dark)
        elif kind < 0.46:
            self._boxes(sheet, places)
        if rng.random() < 0.3:
            self._frame(sheet)
        if rng.random() < 0.12:
            self._print(sheet)
        if rng.random() < 0.25:
            self._crease(sheet)
        sheet *= _drift(rng, sheet.shape, (float(rng.uniform(0.7, 0.98)), 1.03))
        return sheet

    def _dots(self, sheet: Picture, dark: float) -> None:
        rng = self._rng
        pitch, radius = float(rng.uniform(8, 22)), int(rng.integers(1, 4))
        level = HIGH * float(rng.uniform(0.62, 0.97))
        slope = float(rng.normal(0, 0.008))
        x = float(rng.uniform(0, 30))
        last = sheet.shape[1] if rng.random() < 0.7 else sheet.shape[1] * float(rng.uniform(0.4, 1))
        tone = float(sheet[0, 0]) * dark
        while x < last:
            cv2.circle(sheet, _at(x, level + slope * x), radius, tone, -1, cv2.LINE_AA)
            x += pitch

    def _boxes(self, sheet: Picture, places: list[tuple[float, float]]) -> None:
        """Printed boxes, one a letter: thin lines, between the letters where these are boxed."""
        rng = self._rng
        tone = float(sheet[0, 0]) * float(rng.uniform(0.45, 0.95))
        pen = int(rng.integers(1, 4))
        top, foot = HIGH * float(rng.uniform(-0.1, 0.15)), HIGH * float(rng.uniform(0.85, 1.1))
        edges = sorted({a for a, _ in places} | {b for _, b in places})
        steps = [b - a for a, b in places]
        even = bool(steps) and max(steps) - min(steps) < 1e-6
        if not even:
            pitch = float(rng.uniform(30, 90))
            edges = list(np.arange(float(rng.uniform(0, pitch)), sheet.shape[1], pitch))
            if rng.random() < 0.7:  # else the lines cross the letters
                return
        elif edges:
            pitch = steps[0]
            edges = list(np.arange(edges[0] % pitch, sheet.shape[1], pitch))
        for x in edges:
            cv2.line(sheet, _at(x, top), _at(x, foot), tone, pen, cv2.LINE_AA)
        for level in (top, foot):
            cv2.line(sheet, _at(0, level), _at(sheet.shape[1], level), tone, pen, cv2.LINE_AA)

    def _frame(self, sheet: Picture) -> None:
        rng = self._rng
        tone = float(sheet[0, 0]) * float(rng.uniform(0.1, 0.8))
        pen = int(rng.integers(1, 7))
        wide = sheet.shape[1]
        if rng.random() < 0.6:
            level = HIGH * float(rng.choice((rng.uniform(0, 0.07), rng.uniform(0.93, 1.0))))
            end = level + float(rng.normal(0, 4))
            cv2.line(sheet, _at(0, level), _at(wide, end), tone, pen, cv2.LINE_AA)
        else:
            x = float(rng.choice((rng.uniform(0, 6), wide - rng.uniform(0, 12))))
            cv2.line(sheet, _at(x, 0), _at(x + rng.normal(0, 4), HIGH), tone, pen, cv2.LINE_AA)

    def _print(self, sheet: Picture) -> None:
        """A piece of a small printed note at the lower edge: it is not part of the text."""
        rng = self._rng
        tone = float(sheet[0, 0]) * float(rng.uniform(0.2, 0.7))
        letters = "( ditulis menggunakan huruf kapital )"
        start = int(rng.integers(0, 20))
        place = _at(rng.uniform(0, sheet.shape[1]), HIGH + rng.uniform(0, 14))
        face = cv2.FONT_HERSHEY_SIMPLEX
        text = letters[start : start + int(rng.integers(4, 24))]
        size = float(rng.uniform(0.4, 0.8))
        note = np.zeros(sheet.shape, np.uint8)
        cv2.putText(note, text, place, face, size, 255, 1, cv2.LINE_AA)
        sheet += (tone - sheet) * (note.astype(np.float32) / 255)

    def _crease(self, sheet: Picture) -> None:
        rng = self._rng
        wide = sheet.shape[1]
        if rng.random() < 0.7:
            distance = np.arange(wide, dtype=np.float32)[None, :] - rng.uniform(0, wide)
        else:
            distance = np.arange(HIGH, dtype=np.float32)[:, None] - rng.uniform(0, HIGH)
        line = rng.uniform(-30, 30) * np.exp(-np.square(distance / rng.uniform(2, 8)))
        side = rng.uniform(-12, 12) * np.tanh(distance / 12)
        sheet += (line + side).astype(np.float32)

    def _photograph(self, sheet: Picture) -> NDArray[np.uint8]:
        """As coarse, blurred, grainy and squeezed by JPEG as photos are; (32, width / 3)."""
        rng = self._rng
        wide = sheet.shape[1] // FINE
        scale = (
            float(rng.uniform(0.5, 1.5)) if rng.random() < 0.8 else float(rng.uniform(0.36, 0.5))
        )
        small = max(8, round(wide * scale)), max(8, round(LINE_PX * scale))
        grey = cv2.resize(sheet, small, interpolation=cv2.INTER_AREA)
        if rng.random() < 0.6:
            grey = cv2.GaussianBlur(grey, (0, 0), float(rng.uniform(0.3, 1.2)) * min(1.0, scale))
        if rng.random() < 0.1:
            length = int(rng.integers(2, 5))
            kernel = np.zeros((5, 5), np.float32)
            if rng.random() < 0.5:
                kernel[2, :length] = 1 / length
            else:
                kernel[:length, 2] = 1 / length
            grey = cv2.filter2D(grey, -1, kernel)
        low = float(rng.uniform(0, 50))
        grey = low + np.asarray(grey, np.float32) * (1 - low / 255)
        grey = grey + rng.normal(0, float(rng.uniform(0, 9)), grey.shape).astype(np.float32)
        if rng.random() < 0.06:  # stripes, as of a screen
            rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
            angle, pitch = rng.uniform(0, np.pi), rng.uniform(3, 12)
            phase = (rows * np.sin(angle) + columns * np.cos(angle)) / pitch
            grey = grey + (rng.uniform(3, 18) * np.sin(2 * np.pi * phase)).astype(np.float32)
        eight = np.clip(grey, 0, 255).astype(np.uint8)
        if rng.random() < 0.6:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))]
            _, packed = cv2.imencode(".jpg", eight, quality)
            eight = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
        method = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(eight, (wide, LINE_PX), interpolation=method), np.uint8)


def _at(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _thicker(ink: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Ink with strokes wider, or narrower where ``by`` is below 0, by so many px."""
    if by == 0:
        return ink
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (abs(by) + 1, abs(by) + 1))
    if by > 0:
        return np.asarray(cv2.dilate(ink, kernel), np.uint8)
    thin = np.asarray(cv2.erode(ink, kernel), np.uint8)
    return thin if int(thin.sum()) > 0.35 * int(ink.sum()) else ink


def _stamp(
    canvas: Picture,
    drawn: Sign,
    foot: tuple[float, float],
    size: float,
    shape: tuple[float, float, float],
) -> None:
    """Lay one sign onto the canvas: stretched, slanted, turned, its baseline at ``foot``."""
    ink, left, top, _ = drawn
    stretch, slant, angle = shape
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.array([[cosine, -sine], [sine, cosine]]) @ np.array(
        [[size * stretch, -size * slant], [0.0, size]]
    )
    high, wide = ink.shape
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]]) + np.array([left, top])
    reached = corners @ matrix.T + foot
    x0, y0 = np.floor(reached.min(axis=0)).astype(int)
    x1, y1 = np.ceil(reached.max(axis=0)).astype(int)
    x0, y0 = max(0, int(x0)), max(0, int(y0))
    x1, y1 = min(canvas.shape[1], int(x1)), min(canvas.shape[0], int(y1))
    if x0 >= x1 or y0 >= y1:
        return
    offset = matrix @ np.array([left, top]) + foot - [x0, y0]
    affine = np.column_stack([matrix, offset])
    if size < 0.6:
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.35 / size), np.uint8)
    laid = cv2.warpAffine(ink, affine, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    part = canvas[y0:y1, x0:x1]
    np.maximum(part, np.asarray(laid, np.float32) / 255, out=part)


def _bent(canvas: Picture, rng: np.random.Generator, capital: float) -> Picture:
    """The ink moved about smoothly, so that no sign looks like its neighbour of the same font."""
    high, wide = canvas.shape
    knots = (max(2, round(high / capital * 3)), max(2, round(wide / capital * 3)))
    reach = float(rng.uniform(0, 0.055)) * capital
    moves = [
        cv2.resize(
            rng.normal(0, reach, knots).astype(np.float32),
            (wide, high),
            interpolation=cv2.INTER_CUBIC,
        )
        for _ in range(2)
    ]
    columns, rows = np.meshgrid(
        np.arange(wide, dtype=np.float32), np.arange(high, dtype=np.float32)
    )
    bent = cv2.remap(canvas, columns + moves[0], rows + moves[1], cv2.INTER_LINEAR)
    return np.asarray(bent, np.float32)


def _drift(
    rng: np.random.Generator, shape: tuple[int, ...], between: tuple[float, float]
) -> Picture:
    """A slow change over a picture."""
    high, wide = shape
    knots = rng.uniform(*between, (2, max(2, wide // 250))).astype(np.float32)
    return np.asarray(cv2.resize(knots, (wide, high), interpolation=cv2.INTER_LINEAR), np.float32)
