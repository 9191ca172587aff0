"""Empty boxes to write in: drawn from the form's measures, and real ones with the ink taken out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.train.inks import BOX_LEFT, BOX_PX, CANVAS_PX, GUIDE, Ink

Layer = NDArray[np.float32]
"""(128, 128) grey levels, 0 to 255."""

_CROP_LEFT = (CANVAS_PX - 96) // 2
"""A crop of 48 px stands for the middle 96 px of the canvas."""


def paper(rng: np.random.Generator) -> Layer:
    """Unprinted paper: one tone, with grain and slow unevenness."""
    tone = rng.uniform(120, 252)
    slow = rng.normal(0, 1, (5, 5)).astype(np.float32)
    grain = rng.normal(0, 1, (CANVAS_PX // 2, CANVAS_PX // 2)).astype(np.float32)
    size = (CANVAS_PX, CANVAS_PX)
    sheet = tone + rng.uniform(0, 6) * cv2.resize(slow, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(sheet + rng.uniform(0, 4) * cv2.resize(grain, size), dtype=np.float32)


def lay(sheet: Layer, ink: Ink, tone: float, cover: float = 1.0) -> None:
    """Put ink of a tone (grey level) onto a sheet, in place; ``cover`` 0 to 1."""
    share = ink.astype(np.float32) * (cover / 255)
    sheet += share * (np.minimum(tone, sheet) - sheet)


def frame_ink(rng: np.random.Generator, sides: int = 15) -> Ink:
    """The printed frame: 1.06 mm on a box of 18 to 20 mm, as far as the camera leaves it.

    Args:
        rng: Source of chance.
        sides: Which sides are there: 1 top, 2 right, 4 bottom, 8 left, added up.

    """
    ink = np.zeros((CANVAS_PX, CANVAS_PX), dtype=np.uint8)
    width = max(1, round(float(rng.normal(4.4, 0.9))))
    low, high = BOX_LEFT, BOX_LEFT + BOX_PX
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    corners = np.round((corners + rng.normal(0, 0.7, (4, 2))) * 16).astype(np.int32)
    for side in range(4):
        if sides & (1 << side):
            ends = (
                tuple(int(c) for c in corners[side]),
                tuple(int(c) for c in corners[(side + 1) % 4]),
            )
            cv2.line(ink, ends[0], ends[1], 255, width, cv2.LINE_AA, 4)
    return ink


def guide_ink(rng: np.random.Generator) -> Ink:
    """The dotted guide: three columns of nine dots joined by three rows of five."""
    ink = np.zeros((CANVAS_PX, CANVAS_PX), dtype=np.uint8)
    x0, y0, x1, y1 = BOX_LEFT + (np.array(GUIDE) + rng.normal(0, 0.012, 4)) * BOX_PX
    half = rng.uniform(0.9, 1.8)
    xs, ys = np.linspace(x0 + 1.6, x1 - 1.6, 5), np.linspace(y0 + 1.6, y1 - 1.6, 9)
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            if row % 4 == 0 or column % 2 == 0:
                low = (round((x - half) * 16), round((y - half) * 16))
                high = (round((x + half) * 16), round((y + half) * 16))
                cv2.rectangle(ink, low, high, 255, -1, cv2.LINE_AA, 4)
    return ink


def surroundings_ink(rng: np.random.Generator) -> Ink:
    """What stands beside a box: the next box's frame, a table's ruling, a neighbour's ink."""
    ink = np.zeros((CANVAS_PX, CANVAS_PX), dtype=np.uint8)
    for side in range(4):
        if rng.random() < 0.3:
            away = int(rng.uniform(3, BOX_LEFT - 6))
            width = int(rng.integers(1, 5))
            low, high = sorted(int(v) for v in rng.uniform(-40, CANVAS_PX + 40, 2))
            low, high = (low, high) if rng.random() < 0.4 else (-1, CANVAS_PX + 1)
            at = away if side < 2 else CANVAS_PX - 1 - away
            if side % 2:
                cv2.line(ink, (low, at), (high, at), 255, width, cv2.LINE_AA)
            else:
                cv2.line(ink, (at, low), (at, high), 255, width, cv2.LINE_AA)
        elif rng.random() < 0.08:  # a stroke from next door that reaches in
            reach, along = rng.uniform(-4, BOX_LEFT - 3), rng.uniform(10, CANVAS_PX - 10)
            inside = CANVAS_PX - reach if side >= 2 else reach
            tip = (inside, along) if side % 2 else (along, inside)
            turn = rng.uniform(-25, 25)
            end = {
                0: (tip[0] + turn, -20.0),
                1: (-20.0, tip[1] + turn),
                2: (tip[0] + turn, CANVAS_PX + 20.0),
                3: (CANVAS_PX + 20.0, tip[1] + turn),
            }[side]
            ends = [(round(x), round(y)) for x, y in (tip, end)]
            cv2.line(ink, ends[0], ends[1], 255, int(rng.integers(2, 6)), cv2.LINE_AA)
    return ink


def drawn_box(rng: np.random.Generator, *, sides: int = 15, guide: bool | None = None) -> Layer:
    """An empty box as printed; ``guide`` as on page 2, by chance where it is ``None``."""
    sheet = paper(rng)
    tone = float(np.median(sheet))
    lay(sheet, surroundings_ink(rng), tone * rng.uniform(0.1, 0.7))
    if rng.random() < 0.45 if guide is None else guide:
        lay(sheet, guide_ink(rng), tone * rng.uniform(0.35, 0.93))
    if sides:
        lay(sheet, frame_ink(rng, sides), tone * rng.uniform(0.08, 0.75))
    return sheet


def _frame_of(crop: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the frame's strokes in a crop (48, 48), or ``None``."""
    smooth = cv2.GaussianBlur(crop, (0, 0), 0.7)
    across, down = smooth[12:36].mean(axis=0), smooth[:, 12:36].mean(axis=1)
    left, right = int(across[:11].argmin()), 37 + int(across[37:].argmin())
    top, bottom = int(down[:11].argmin()), 37 + int(down[37:].argmin())
    inside = float(np.median(crop[14:34, 14:34]))
    darkest = max(across[left], across[right], down[top], down[bottom])
    wide, high = right - left, bottom - top
    if min(wide, high) < 30 or not 0.8 < wide / high < 1.25 or darkest > 0.86 * inside:
        return None
    # A stroke of ink may be darker than the frame, but it does not reach the frame's corners.
    corners = [
        smooth[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].min()
        for x, y in [
            *((left + 4, top), (right - 4, top), (left + 4, bottom), (right - 4, bottom)),
            *((left, top + 4), (left, bottom - 4), (right, top + 4), (right, bottom - 4)),
        ]
    ]
    return (left, top, right, bottom) if max(corners) < 0.9 * inside else None


def take_ink_out(crop: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Part a real crop into its empty box and its ink.

    Args:
        crop: (48, 48) real box.

    Returns:
        The box without ink (128, 128), surroundings repeated from its edge, and the ink
        (128, 128) with the box's inside stretched to the canvas's box; ``None`` where no frame
        shows clearly. Printed guides are gone from both.

    """
    grey = crop.astype(np.float32)
    frame = _frame_of(grey)
    if frame is None:
        return None
    left, top, right, bottom = frame
    x0, y0, x1, y1 = left + 3, top + 3, right - 2, bottom - 2
    inner = grey[y0:y1, x0:x1]
    kernel = np.ones((13, 13), np.uint8)
    sheet = cv2.morphologyEx(inner, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    sheet = cv2.GaussianBlur(sheet, (0, 0), 5)
    depth = np.clip(1 - inner / np.maximum(sheet, 1), 0, 1)
    grain = inner - cv2.GaussianBlur(inner, (0, 0), 1)
    quiet = grain[depth <= np.quantile(depth, 0.5)]
    noise = np.random.default_rng(int(crop.sum())).normal(0, float(quiet.std()), inner.shape)
    empty = grey.copy()
    empty[y0:y1, x0:x1] = sheet * (1 - np.median(depth)) + noise
    if sheet.min() < 0.8 * np.median(sheet):
        return None  # ink so broad that the closing did not bridge it
    empty_crop = np.asarray(np.clip(empty, 0, 255), dtype=np.uint8)
    box = cv2.resize(empty_crop, (96, 96), interpolation=cv2.INTER_CUBIC)
    box = np.pad(box, _CROP_LEFT, mode="edge")
    strong = float(np.quantile(depth, 0.97))
    rim = depth > 0.4 * strong
    if max(rim[0].mean(), rim[-1].mean(), rim[:, 0].mean(), rim[:, -1].mean()) > 0.3:
        return None  # the frame was not where it seemed to be
    clear = np.clip((depth - 0.28 * strong) / max(0.4 * strong, 0.02), 0, 1) * 255
    scale = BOX_PX / ((right - left + bottom - top) / 2)
    affine = np.array(
        [
            [scale, 0, BOX_LEFT + (x0 - left) * scale],
            [0, scale, BOX_LEFT + (y0 - top) * scale],
        ]
    )
    ink = cv2.warpAffine(clear, affine, (CANVAS_PX, CANVAS_PX), flags=cv2.INTER_CUBIC)
    return np.asarray(box, np.uint8), np.asarray(np.clip(ink, 0, 255), np.uint8)
