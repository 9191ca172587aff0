"""The printed title, read by Tesseract: what a sheet is that nothing else could place.

For photos that are about to be turned away, so that the reason is a true one: another form
(``wrong_form``), the right form in a bad photo (``poor_placement``), or no form at all. And for
pages that were placed by their print alone: those of one election day print much alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

import cv2
import numpy as np
import pytesseract

from models.errors import RecogniserError
from models.forms.template import BoxMm, FormTemplate, PrintedText
from models.recognisers.tesseract import prepare_tesseract
from pipeline.arrays import Grey
from pipeline.states import PlacedPage

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

ELECTIONS = re.compile(r"PPWP|DPRD|DPRA|DPRK|DPR|DPD|KWK")
"""What the name of a model says about the election that it is of."""

MODEL = re.compile(
    r"(?:SALINAN|HASIL|SERTIFIKAT|C1|PLANO)[\s.,:_\-\u2013\u2014]{1,3}(PPWP|DPRD|DPRA|DPRK|DPR|DPD|KWK)\b"
)
"""The name of a model, in capitals: ``C.HASIL SALINAN-PPWP``."""

PAGE = re.compile(r"HALAMAN (\d{1,2}) DAR")
"""What forms print beside the name of the model: the number of the page."""

OTHER_HEADING = re.compile(r"DEWAN\s+PERWAKILAN")
HEADING = "PRESIDEN"
"""A word of the heading of the president's forms, and what those of all others print instead."""

HEADING_SHARE = 0.2
"""The title stands in this part of the sheet, from the top."""

TITLE_PX = 24.0
"""Height to which a line of the title is brought."""

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
    best = Title((), None, ())
    for text in _looks(grey):
        title = _title(text, forms)
        if title.is_count_form:
            return title
        if len(title.words) > len(best.words):
            best = title
    return best


def _looks(grey: Grey) -> Iterator[str]:
    """The print of a picture, upright, upside down, and turned to either side."""
    factor = LONG_SIDE_PX / max(grey.shape)
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    for quarter_turns in (0, 2, 1, 3):
        yield _text(np.ascontiguousarray(np.rot90(small, quarter_turns)))


def other_model(placed: PlacedPage) -> str | None:
    """Which other model a placed page surely says that it is, if any.

    Reads the strip of the sheet where its form prints the title; where that is out of view, all
    that is in view: a page of another form can look like the lower part of this one. What can't
    be read is no objection, nor is a form that names no election.

    Raises:
        RecogniserError: there is no Tesseract on this machine.
    """
    own = ELECTIONS.search(placed.form.title.upper())
    strip = title_strip(placed)
    if own is None or strip is None:
        return None
    if _title_in_view(placed):
        return _other_model(_text(strip, "--psm 6"), own.group())
    for text in _looks(placed.photo.grey):
        if _title(text, ()).is_count_form:
            return _other_model(text, own.group()) or _other_page(text, placed.page.number)
    return None


def _other_page(text: str, own: int) -> str | None:
    """Which page the print says it is, where it names one that is not ``own``."""
    found = PAGE.search(re.sub(r"\s+", " ", text.upper()))
    return found.group() if found and int(found.group(1)) != own else None


def _title_in_view(placed: PlacedPage) -> bool:
    """Whether the picture holds the place of the model's mark."""
    mark = _mark_of(placed)
    if mark is None:
        return False
    x, y = placed.warp.to_px(np.array([mark.at]))[0]
    high, wide = placed.photo.grey.shape
    return bool(0 <= x < wide and 0 <= y < high)


def _mark_of(placed: PlacedPage) -> PrintedText | None:
    """The text "MODEL …" at the top of the sheet, if its form has one."""
    low = HEADING_SHARE * placed.form.page_mm[1]
    top = (text for text in placed.page.texts if text.at[1] < low)
    return next((text for text in top if text.text.upper().startswith("MODEL")), None)


def title_strip(placed: PlacedPage) -> Grey | None:
    """What names the model on the sheet, straightened; ``None`` where no place of it is known.

    The model's mark, and below it the line of the heading that names the president, if any.
    """
    wide, high = placed.form.page_mm
    top = [text for text in placed.page.texts if text.at[1] < HEADING_SHARE * high]
    mark = _mark_of(placed)
    if mark is None:
        return None
    x, y = mark.at
    size = mark.height
    before, after = (8.0, 8.0) if mark.anchor == "middle" else (1.0, 9.6)
    # Two lines, without the frame around them.
    boxes = [((x - before * size, y - 1.4 * size, x + after * size, y + 2.6 * size), size)]
    headings = sorted((text.at[1], text.height) for text in top if HEADING in text.text)
    for line, height in headings[:1]:
        boxes.append(((0.15 * wide, line - 0.8 * height, 0.85 * wide, line + 0.8 * height), height))
    cut = [_straightened(placed, box, TITLE_PX / height) for box, height in boxes]
    across = max(part.shape[1] for part in cut)
    return np.vstack([_on_paper(part, across) for part in cut])


def _on_paper(part: Grey, across: int) -> Grey:
    """A picture with paper around it, ``across`` px wide and 12 more on each side."""
    rim = ((12, 12), (12, 12 + across - part.shape[1]))
    return np.pad(part, rim, constant_values=int(np.percentile(part, 75)))


def _straightened(placed: PlacedPage, box: BoxMm, scale: float) -> Grey:
    """A part of the sheet at ``scale`` px a mm."""
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    across, down = round((x1 - x0) * scale), round((y1 - y0) * scale)
    ends = np.array([[0, 0], [across, 0], [across, down], [0, down]], np.float32) - 0.5
    into = cv2.getPerspectiveTransform(placed.warp.to_px(corners).astype(np.float32), ends)
    flat = cv2.warpPerspective(
        placed.photo.grey, into, (across, down), flags=cv2.INTER_CUBIC, borderValue=255
    )
    return np.asarray(flat, np.uint8)


def _other_model(text: str, own: str) -> str | None:
    """What the print of a title says about the election, where that is not ``own``."""
    print_ = re.sub(r"\s+", " ", text.upper())
    if own in print_ or (own == "PPWP" and HEADING in print_):
        return None
    for found in MODEL.finditer(print_):
        # A lost letter makes DPR of DPRD: one that begins like the other says nothing.
        if not (own.startswith(found.group(1)) or found.group(1).startswith(own)):
            return found.group()
    heading = OTHER_HEADING.search(print_) if own == "PPWP" else None
    return heading.group() if heading else None


def _text(grey: Grey, mode: str = "--psm 3") -> str:
    prepare_tesseract()
    try:
        return str(pytesseract.image_to_string(grey, lang="eng", config=mode, timeout=SECONDS))
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
