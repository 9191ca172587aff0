"""The walk for one photo: the only place that goes the whole corridor from bytes to a reading."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import PhotoError
from models.forms.codes import require_own_codes
from models.forms.template import FormTemplate, installed_forms, load_form
from models.recognisers.installed import Recognisers, load_recognisers
from models.records import (
    FieldReading,
    FieldStatus,
    PageReading,
    PageStatus,
    ReviewReason,
    Witness,
)
from models.reliability import Reliabilities, load_reliabilities, unmeasured
from pipeline.cells import cut_cells
from pipeline.decide import together
from pipeline.intake import claimed_tps, open_each, read_bytes
from pipeline.place import place_page
from pipeline.states import CutPage, OpenedPhoto, PlacedPage, WitnessedPage
from pipeline.weigh import weigh
from pipeline.witnesses.bubbles import read_bubbles
from pipeline.witnesses.digits import read_digits
from pipeline.witnesses.header import read_header
from pipeline.witnesses.tally import read_tally
from pipeline.witnesses.words import read_words

READING_CODE_VERSION = "4"
"""Raise this whenever a change to ``pipeline`` may change a reading."""

COARSE_PX_PER_MM = 1.0
"""Below this a digit box has under 20 px: its reading is shown and a person looks."""


@dataclass(frozen=True)
class Reader:
    """All that reading needs besides the photo. Build one a process."""

    forms: tuple[FormTemplate, ...]
    recognisers: Recognisers
    known: Reliabilities

    @property
    def recipe(self) -> str:
        """SHA-256 over forms, recognisers, reliabilities and code: same recipe, same reading."""
        parts = [f"code:{READING_CODE_VERSION}"]
        parts += [f"{kind}:{digest}" for kind, digest in self.recognisers.all_digests.items()]
        parts += [f"form:{form.id}:{form.digest}" for form in self.forms]
        parts.append(f"reliabilities:{self.known.digest}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def recipe_parts(self) -> dict[str, str]:
        """What the recipe is over: name to version or digest."""
        engines = {f"recogniser/{kind}": of for kind, of in self.recognisers.all_digests.items()}
        forms = {f"form/{form.id}": form.digest for form in self.forms}
        return {"code": READING_CODE_VERSION, **engines, **forms, "decision": self.known.digest}


def load_reader(
    form_ids: Sequence[str] | None = None,
    recognisers: Recognisers | None = None,
    *,
    measured: bool = True,
) -> Reader:
    """Load forms, recognisers and what is known of their reliability.

    Args:
        form_ids: Which installed forms to look for; all of them where ``None``.
        recognisers: Other engines than the installed ones; nothing that they read is clear.
        measured: Whether to trust the installed ones as far as was measured; else nothing that
            they read is clear, as before any measurement.

    Raises:
        FormFileError: a form's file is broken, or two forms carry the same square code.
        RecogniserError: the recognisers' files are missing or not what they should be.

    """
    forms = tuple(load_form(name) for name in form_ids or installed_forms())
    require_own_codes(forms)
    if recognisers is not None:
        return Reader(forms, recognisers, unmeasured(recognisers.digests))
    own = load_recognisers()
    known = load_reliabilities(own.digests) if measured else unmeasured(own.digests)
    return Reader(forms, own, known)


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
    engines = reader.recognisers
    return WitnessedPage(
        cut,
        digits=read_digits(cut, engines.digits_of(cut.placed.form)),
        bubbles=read_bubbles(cut),
        tally=read_tally(cut, engines.tally, engines.row_digits),
        words=read_words(cut, engines.lines),
        header=read_header(cut, engines.lines),
    )


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
        fields=together(
            {
                field.name: _field(field.name, page, placed, reader.known)
                for field in placed.page.fields
            },
            reader.known,
            placed.form.id,
        ),
        header=page.header,
    )


def _field(
    name: str, page: WitnessedPage, placed: PlacedPage, known: Reliabilities
) -> FieldReading:
    if name not in page.digits:
        return FieldReading(value=None, confidence=0.0, status=FieldStatus.NOT_IN_VIEW)
    doubts: list[ReviewReason] = []
    if placed.form.id not in known.forms:
        doubts.append(ReviewReason.NOT_MEASURED)
    if name in placed.loose:
        doubts.append(ReviewReason.CELL_OUT_OF_PLACE)
    if placed.placement.px_per_mm < COARSE_PX_PER_MM * placed.form.enlargement:
        doubts.append(ReviewReason.TOO_COARSE)
    more: dict[str, Witness] = {}
    if name in page.tally:
        more["tally"] = page.tally[name]
    if name in page.words:
        more["words"] = page.words[name]
    return weigh(page.digits[name], page.bubbles.get(name, ()), more, doubts, known)


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
