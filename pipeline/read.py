"""The walk for one photo: the only place that goes the whole corridor from bytes to a reading."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import PhotoError
from models.forms.template import FormTemplate, installed_forms, load_form
from models.recognisers.promise import field_clear_threshold
from models.recognisers.recogniser import DigitRecogniser, load_digit_recogniser
from models.records import (
    FieldReading,
    FieldStatus,
    PageReading,
    PageStatus,
    ReviewReason,
)
from pipeline.cells import cut_cells
from pipeline.intake import claimed_tps, open_each, read_bytes
from pipeline.place import place_page
from pipeline.states import CutPage, OpenedPhoto, PlacedPage, WitnessedPage
from pipeline.weigh import Thresholds, weigh
from pipeline.witnesses.bubbles import read_bubbles
from pipeline.witnesses.digits import read_digits

READING_CODE_VERSION = "1"
"""Raise this whenever a change to ``pipeline`` may change a reading."""

NEVER = 2.0
"""A threshold that no confidence reaches, for engines whose errors were not measured."""

COARSE_PX_PER_MM = 1.0
"""Below this a digit box has under 20 px: its reading is shown and a person looks."""


@dataclass(frozen=True)
class Reader:
    """All that reading needs besides the photo. Build one a process."""

    forms: tuple[FormTemplate, ...]
    recogniser: DigitRecogniser
    thresholds: Thresholds

    @property
    def recipe(self) -> str:
        """SHA-256 over form templates, recogniser and reading code: same recipe, same reading."""
        parts = [f"code:{READING_CODE_VERSION}", f"digits:{self.recogniser.digest}"]
        parts += [f"form:{form.id}:{form.digest}" for form in self.forms]
        parts.append(f"clear:{self.thresholds.clear}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def load_reader(
    form_ids: Sequence[str] | None = None,
    recogniser: DigitRecogniser | None = None,
    *,
    clear: float | None = None,
) -> Reader:
    """Load forms and recogniser.

    Args:
        form_ids: Which installed forms to look for; all of them where ``None``.
        recogniser: Another engine than the installed one; nothing that it reads is clear unless
            ``clear`` says from where.
        clear: Confidence from which a field is clear; what was measured where ``None``.

    Raises:
        FormFileError: a form's file is broken.
        RecogniserError: the recogniser's files are missing or not what they should be.
    """
    forms = tuple(load_form(name) for name in form_ids or installed_forms())
    if recogniser is not None:
        return Reader(forms, recogniser, Thresholds(clear=NEVER if clear is None else clear))
    own = load_digit_recogniser()
    threshold = field_clear_threshold(own.digest) if clear is None else clear
    return Reader(forms, own, Thresholds(clear=threshold))


def read_file(
    path: Path, reader: Reader, *, tps: str | None = None, name: str | None = None
) -> tuple[PageReading, ...]:
    """Read one file: one reading a photo, several for a PDF. Bad input gives a rejected reading.

    Args:
        path: The file.
        reader: Forms, recogniser and thresholds.
        tps: The TPS it is from; taken from its name or folder where ``None``.
        name: What to call it in the record; its file name where ``None``.
    """
    name = name or path.name
    tps = tps or claimed_tps(path)
    try:
        content = read_bytes(path)
    except PhotoError as error:
        return (_rejected(name, None, error, reader, tps=tps),)
    return read_content(content, reader, name=name, tps=tps)


def read_content(
    content: bytes, reader: Reader, *, name: str, tps: str | None = None
) -> tuple[PageReading, ...]:
    """The same for bytes at hand."""
    readings = []
    for pdf_page, photo in open_each(content, name):
        if isinstance(photo, PhotoError):
            sha256 = hashlib.sha256(content).hexdigest()
            readings.append(_rejected(name, sha256, photo, reader, tps=tps, pdf_page=pdf_page))
        else:
            readings.append(read_photo(photo, reader, tps=tps))
    return tuple(readings)


def read_photo(photo: OpenedPhoto, reader: Reader, *, tps: str | None = None) -> PageReading:
    """Read one opened photo."""
    try:
        placed = place_page(photo, reader.forms)
    except PhotoError as error:
        return _rejected(photo.name, photo.sha256, error, reader, tps=tps, pdf_page=photo.pdf_page)
    return reading_of(witnessed(cut_cells(placed), reader), reader, tps=tps)


def witnessed(cut: CutPage, reader: Reader) -> WitnessedPage:
    """Let every witness look at the cells."""
    return WitnessedPage(cut, read_digits(cut, reader.recogniser), read_bubbles(cut))


def reading_of(page: WitnessedPage, reader: Reader, *, tps: str | None) -> PageReading:
    """Put the witnesses' answers together, field by field."""
    placed = page.cut.placed
    return PageReading(
        photo=placed.photo.name,
        sha256=placed.photo.sha256,
        pdf_page=placed.photo.pdf_page,
        tps=tps,
        form=placed.form.id,
        page=placed.page.number,
        status=PageStatus.READ,
        recipe=reader.recipe,
        placement=placed.placement,
        fields={
            field.name: _field(field.name, page, placed, reader.thresholds)
            for field in placed.page.fields
        },
    )


def _field(
    name: str, page: WitnessedPage, placed: PlacedPage, thresholds: Thresholds
) -> FieldReading:
    if name not in page.digits:
        return FieldReading(value=None, confidence=0.0, status=FieldStatus.NOT_IN_VIEW)
    doubts: list[ReviewReason] = []
    if name in placed.loose:
        doubts.append(ReviewReason.CELL_OUT_OF_PLACE)
    if placed.placement.px_per_mm < COARSE_PX_PER_MM:
        doubts.append(ReviewReason.TOO_COARSE)
    return weigh(page.digits[name], page.bubbles.get(name, ()), doubts, thresholds)


def _rejected(
    name: str,
    sha256: str | None,
    error: PhotoError,
    reader: Reader,
    *,
    tps: str | None,
    pdf_page: int | None = None,
) -> PageReading:
    return PageReading(
        photo=name,
        sha256=sha256,
        pdf_page=pdf_page,
        tps=tps,
        status=PageStatus.REJECTED,
        recipe=reader.recipe,
        error=error.record(),
    )
