"""The printed title, read by Tesseract: what a sheet is that nothing else could place.

Only for photos that are about to be turned away, so that the reason is a true one: another form
(``wrong_form``), the right form in a bad photo (``poor_placement``), or no form at all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

import cv2
import numpy as np
import pytesseract

from models.errors import RecogniserError
from models.forms.template import FormTemplate
from models.recognisers.tesseract import find_tesseract
from pipeline.arrays import Grey

LONG_SIDE_PX = 1600
"""Titles of 5 mm on a 900 mm sheet are then 9 px high, about the least that Tesseract reads."""

SECONDS = 20
"""Longest wait for one look."""

COUNT_FORM_WORDS = (
    "perolehan suara",
    "pasangan calon",
    "penghitungan suara",
    "pengguna hak pilih",
    "data pemilih",
    "suara sah",
    "surat suara",
    "partai politik",
    "daerah pemilihan",
    "tanda tangan",
    "kecamatan",
    "kelurahan",
    "kabupaten",
    "provinsi",
    "nomor tps",
    "halaman",
    "model c",
    "c.hasil",
)
"""Words that Indonesian count forms print and leaflets and notices seldom bring together."""

LEAST_WORDS = 3
"""How many of them make a count form."""

LEAST_LETTERS = 8
ALIKE = 0.8
"""Share of equal letters from which a printed line counts as read."""


@dataclass(frozen=True, slots=True)
class Title:
    """What the print says."""

    words: tuple[str, ...]
    """The count form's words that were read."""
    form_id: str | None
    """The installed form whose title was read, if any."""
    lines: tuple[str, ...]
    """Up to three lines that say it best, for the message."""

    @property
    def is_count_form(self) -> bool:
        """Whether this is a count form of any kind."""
        return self.form_id is not None or len(self.words) >= LEAST_WORDS


def read_title(grey: Grey, forms: Iterable[FormTemplate]) -> Title:
    """Read the print, turning the picture until it makes sense; the best of four looks.

    Raises:
        RecogniserError: there is no Tesseract on this machine.
    """
    forms = tuple(forms)
    factor = LONG_SIDE_PX / max(grey.shape)
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    best = Title((), None, ())
    for quarter_turns in (0, 2, 1, 3):
        title = _title(_text(np.ascontiguousarray(np.rot90(small, quarter_turns))), forms)
        if title.is_count_form:
            return title
        if len(title.words) > len(best.words):
            best = title
    return best


@cache
def _configured() -> None:
    """Point pytesseract at the program once; one thread, as workers share the cores."""
    program, data = find_tesseract()
    pytesseract.pytesseract.tesseract_cmd = str(program)
    if data is not None:
        os.environ.setdefault("TESSDATA_PREFIX", str(data))
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")


def _text(grey: Grey) -> str:
    _configured()
    try:
        return str(pytesseract.image_to_string(grey, lang="eng", config="--psm 3", timeout=SECONDS))
    except pytesseract.TesseractError as error:
        raise RecogniserError(f"Tesseract does not run: {error}") from error
    except RuntimeError:
        # pytesseract's way to say that time ran out: nothing was read.
        return ""


def _title(text: str, forms: tuple[FormTemplate, ...]) -> Title:
    lines = [line.strip() for line in text.splitlines() if len(line.strip()) > 3]
    plain = re.sub(r"\s+", " ", " ".join(lines)).lower()
    words = tuple(word for word in COUNT_FORM_WORDS if word in plain)
    form_id = next(
        (
            form.id
            for form in forms
            if any(_alike(title, line) for title in _telling(form) for line in lines)
        ),
        None,
    )
    telling = [
        line
        for line in lines
        if any(word in line.lower() for word in ("model", "c.hasil", "c1", "halaman", "suara"))
    ]
    return Title(words, form_id, tuple(telling[:3]))


def _telling(form: FormTemplate) -> set[str]:
    """Printed lines that only this form has: not "MODEL", nor "Lembar 1"."""
    lines = {line for page in form.pages for line in page.title} | {form.title}
    return {
        line
        for line in lines
        if len(line) >= LEAST_LETTERS and not line.startswith(("Hal", "Lembar"))
    }


def _alike(title: str, line: str) -> bool:
    return SequenceMatcher(None, title.lower(), line.lower()).ratio() >= ALIKE
