"""The printed text of a blank sheet, read by Tesseract where the file holds no letters."""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
import pytesseract

from flows.newform.prints import BlankSheet, Grey, PrintedLine, TextLine
from flows.newform.vectors import lines_of_words
from models.errors import RecogniserError
from models.recognisers.tesseract import prepare_tesseract

LEAST_CONFIDENCE = 40
SHORT_CONFIDENCE = 80
"""The same for one or two letters, which pictures are easily taken for."""
LETTER_MM = 1.2
"""Least height of a word."""
OCR_PX_PER_MM = 12.0
SECONDS = 120


def read_texts(sheet: BlankSheet, lines: tuple[PrintedLine, ...]) -> tuple[TextLine, ...]:
    """Lines of print, with their words' boxes in mm. Rulings are wiped out first.

    Raises:
        RecogniserError: there is no Tesseract on this machine, or it does not run.

    """
    scale = min(OCR_PX_PER_MM, 4200 / max(sheet.page_mm))
    size = (round(sheet.page_mm[0] * scale), round(sheet.page_mm[1] * scale))
    page = np.asarray(cv2.resize(sheet.grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    for one in lines:
        x0, y0, x1, y1 = one.line
        half = one.width / 2 + 0.25
        box = ((x0 - half) * scale, (y0 - half) * scale, (x1 + half) * scale, (y1 + half) * scale)
        left, top, right, bottom = (max(0, round(value)) for value in box)
        if one.length > 8:
            page[top:bottom, left:right] = 255
    words = _words(page, scale)
    return tuple(with_weight(line, page, scale) for line in lines_of_words(words))


def told_by_tesseract(page: Grey, config: str) -> dict[str, list[Any]]:
    """What Tesseract sees on a picture, (h, w) grey: its table, a list for each column.

    Raises:
        RecogniserError: there is no Tesseract on this machine, or it does not run.

    """
    prepare_tesseract()
    try:
        seen: dict[str, list[Any]] = pytesseract.image_to_data(
            page,
            lang="eng",
            config=config,
            timeout=SECONDS,
            output_type=pytesseract.Output.DICT,
        )
    except (pytesseract.TesseractError, RuntimeError) as error:
        raise RecogniserError(f"Tesseract does not read the blank sheet: {error}") from error
    return seen


def _words(page: Grey, scale: float) -> list[tuple[str, tuple[float, float, float, float]]]:
    seen = told_by_tesseract(page, f"--psm 11 --dpi {round(scale * 25.4)}")
    found = []
    for index, text in enumerate(seen["text"]):
        word = str(text).strip()
        least = SHORT_CONFIDENCE if re.fullmatch(r"[A-Za-z]{1,2}", word) else LEAST_CONFIDENCE
        if not re.search(r"[0-9A-Za-z()+]", word) or float(seen["conf"][index]) < least:
            continue
        left, top = seen["left"][index] / scale, seen["top"][index] / scale
        wide, high = seen["width"][index] / scale, seen["height"][index] / scale
        if high < LETTER_MM or high > 40:
            continue
        key = (seen["block_num"][index], seen["par_num"][index], seen["line_num"][index])
        found.append((key, left, word, (left, top, left + wide, top + high)))
    found.sort(key=lambda one: (one[0], one[1]))
    return [(word, box) for _, _, word, box in found]


BOLD = 0.17
"""Width of a stroke, as a share of a capital's height, from which print is bold."""


def with_weight(line: TextLine, page: Grey, scale: float) -> TextLine:
    """The same line, bold where its strokes are; ``page`` has ``scale`` px a mm."""
    x0, y0, x1, y1 = (round(value * scale) for value in line.box)
    part = page[max(0, y0) : y1, max(0, x0) : x1]
    if part.size == 0:
        return line
    dark = cv2.threshold(part, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1]
    far = cv2.distanceTransform(dark, cv2.DIST_L2, 3)
    ridge = far[(far > 0) & (far >= cv2.dilate(far, np.ones((3, 3), np.uint8)))]
    if ridge.size == 0:
        return line
    stroke = 2 * float(np.median(ridge))
    return TextLine(line.text, line.box, line.words, is_bold=stroke / max(y1 - y0, 1) > BOLD)
