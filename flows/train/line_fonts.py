"""Handwriting fonts as single signs in black on white. They are installed for training only.

Any folder of ``.ttf``, ``.otf`` or ``.woff`` files will do. Fonts that lack a capital or a digit
are passed over. A few families are kept apart by name: what is measured and fitted must be in hands
that were never trained on.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SIGNS = string.ascii_letters + string.digits + ".,-/"
CAPITAL_PX = 72
"""Height of a capital H in the pictures of signs."""

TEST = (
    "patrick-hand",
    "caveat",
    "short-stack",
    "steve",
    "becauseweconnect",
    "sue-ellen",
    "handlee",
)
CALIBRATION = ("schoolbell", "gaegu", "mansalva", "humor", "becausewelearn", "kalam")
"""Parts of file names, small letters."""


@dataclass
class Font:
    """One font; its signs are drawn when first asked for."""

    name: str
    split: str
    """``train``, ``calibration`` or ``test``."""
    small: bool
    """Whether it has small letters of its own."""
    face: ImageFont.FreeTypeFont
    _signs: dict[str, tuple[NDArray[np.uint8], float, float, float]] = field(default_factory=dict)

    def sign(self, sign: str) -> tuple[NDArray[np.uint8], float, float, float]:
        """Ink (height, width), 255 where there is some, and where it belongs.

        Returns:
            The ink, its left and its top against the pen's place on the baseline (px, y down),
            and how far the pen moves on.

        """
        if sign not in self._signs:
            x0, y0, x1, y1 = (int(side) for side in self.face.getbbox(sign, anchor="ls"))
            picture = Image.new("L", (max(1, x1 - x0 + 4), max(1, y1 - y0 + 4)), 0)
            pen = ImageDraw.Draw(picture)
            pen.text((2 - x0, 2 - y0), sign, font=self.face, fill=255, anchor="ls")
            ink = np.asarray(picture, np.uint8)
            self._signs[sign] = ink, x0 - 2.0, y0 - 2.0, float(self.face.getlength(sign))
        return self._signs[sign]


def load_fonts(folder: Path) -> list[Font]:
    """All usable fonts below a folder, by name; ``ValueError`` where there are none."""
    fonts: dict[str, Font] = {}
    for path in sorted(folder.rglob("*")):
        name = path.stem.lower()
        if not _wanted(path) or name in fonts:
            continue
        font = _open(path, name)
        if font is not None:
            fonts[name] = font
    if not fonts:
        raise ValueError(f"no handwriting fonts below {folder}")
    return list(fonts.values())


@cache
def fonts_of(folder: Path, split: str) -> tuple[Font, ...]:
    """The fonts of one split, loaded once a process."""
    return tuple(font for font in load_fonts(folder) if font.split == split)


def _wanted(path: Path) -> bool:
    """Whether a file is a font in its regular cut and in Latin letters."""
    name = path.stem.lower()
    if path.suffix == ".woff":
        return name.endswith("-latin-400-normal")
    other_cut = name.endswith(("bold", "bd", "bi", "it", "semibold"))
    return path.suffix in {".ttf", ".otf"} and not other_cut


def _open(path: Path, name: str) -> Font | None:
    """A font, or nothing where it lacks signs."""
    size = 100
    face = ImageFont.truetype(path, size)
    if not _has(face, string.ascii_uppercase + string.digits):
        return None
    _, top, _, bottom = face.getbbox("H", anchor="ls")
    size = round(size * CAPITAL_PX / max(1.0, bottom - top))
    split = "train"
    if any(part in name for part in TEST):
        split = "test"
    elif any(part in name for part in CALIBRATION):
        split = "calibration"
    small = _has(face, string.ascii_lowercase)
    return Font(name, split, small, ImageFont.truetype(path, size))


def _has(face: ImageFont.FreeTypeFont, signs: str) -> bool:
    """Whether a font draws each of these signs other than one that no font has."""
    missing = bytes(face.getmask("\ue123"))
    return all(bytes(face.getmask(sign)) != missing for sign in signs)
