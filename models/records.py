"""What is known about a photo, a page, a field, an entry and a conflict: frozen, typed, plain data.

The types that carry pixels (``OpenedPhoto``, ``PlacedPage``, …) are in ``pipeline.states``; the
ones here are what is stored, printed and exported. ``model_dump(mode="json")`` gives the JSON
that ``chasil read --json`` and ``chasil conflicts --format json`` print.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from models.errors import ErrorRecord

TpsCode = Annotated[str, StringConstraints(pattern=r"^\d{13}$")]
"""13 digits: 2 provinsi, 4 kabupaten, 6 kecamatan, 10 desa, 13 TPS (KPU's own code)."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

Probability = Annotated[float, Field(ge=0.0, le=1.0)]

BoxPx = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the upright photo at its full size."""


class Record(BaseModel):
    """Base of all records: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldStatus(StrEnum):
    """What may be done with a field's value."""

    CLEAR = "clear"
    """Its measured error rate at this confidence is within the promise on the card."""
    REVIEW = "review"
    """A person must look."""
    BLANK = "blank"
    """The paper has nothing there. Not zero."""
    NOT_IN_VIEW = "not_in_view"
    """The photo does not show it. Not zero."""


class ReviewReason(StrEnum):
    """Why a field goes to a person."""

    LOW_CONFIDENCE = "low_confidence"
    DIGIT_AFTER_GAP = "blank_or_x_after_digit"
    NOT_A_DIGIT = "not_a_digit"
    NO_UNITS = "no_units_digit"
    WITNESSES_DISAGREE = "witnesses_disagree"
    BUBBLES_UNCLEAR = "bubbles_unclear"
    SUMS_POINT_ELSEWHERE = "sums_point_elsewhere"
    """The form's sums would make another number likelier than the one that was read."""
    CELL_OUT_OF_PLACE = "cell_out_of_place"
    TOO_COARSE = "too_coarse"
    NOT_MEASURED = "not_measured"
    """How often readings of this form are wrong was not measured, and no second witness says the
    same."""


class DigitBox(Record):
    """One digit box as the recogniser saw it."""

    label: str
    """``0``-``9``, ``x`` (crossed out), ``blank``, ``dash`` or ``other``."""
    confidence: Probability
    probabilities: dict[str, Probability]
    box: BoxPx


class BubbleColumn(Record):
    """One column of ten bubbles."""

    value: int | None
    """0 to 9 where exactly one bubble is filled."""
    state: str
    """``one``, ``none``, ``several`` or ``faint``."""
    fills: tuple[float, ...]
    """Ten fills, 0 (as printed) to 1 (solid), relative to the column."""
    box: BoxPx


class TallyCell(Record):
    """One cell of the tally (turus): up to five strokes."""

    label: str
    """``0`` to ``5`` strokes, ``struck`` (crossed out as unused) or ``other``."""
    confidence: Probability
    box: BoxPx


class TallyRow(Record):
    """One row of the tally: what its strokes say, and what is written at its end."""

    row: int
    """From 1, top first."""
    strokes: int | None
    """Strokes in the row's cells; ``None`` where a cell can't be counted."""
    strokes_confidence: Probability
    written: int | None
    """The row's total as written in its two boxes; ``None`` where they hold no number."""
    written_confidence: Probability
    uncertain: tuple[int, ...]
    """Columns, from 1, of the cells that are not certain."""
    cells: tuple[TallyCell, ...]
    digits: tuple[DigitBox, ...]
    """The boxes of the written total; empty where the form has none or they are out of view."""
    box: BoxPx


class Witness(Record):
    """One independent reading of a field: ``digits``, ``bubbles``, ``tally`` or ``words``."""

    value: int | None
    """Votes; ``None`` where this witness saw no number."""
    confidence: Probability
    """Of the value; of there being no number where ``value`` is ``None``."""
    box: BoxPx | None
    distribution: tuple[tuple[int, Probability], ...] = ()
    """The likeliest numbers, each with its probability, likeliest first. What is missing to 1 is
    spread over all other numbers and over there being none."""
    boxes: tuple[DigitBox, ...] = ()
    columns: tuple[BubbleColumn, ...] = ()
    rows: tuple[TallyRow, ...] = ()
    text: str | None = None
    """The words as they were read, letter by letter."""


class FieldReading(Record):
    """One field of one page: what the machine says is written there."""

    value: int | None
    """Votes, voters or ballot papers; ``None`` for blank, not in view, or no single value."""
    confidence: Probability
    """Of the value, from all that is known: this field's witnesses and the sums that the page
    completes, or, in a ``FormReading``, the form."""
    witnessed: Probability | None = None
    """Confidence from the field's own witnesses alone; ``None`` where sums had no say."""
    status: FieldStatus
    reasons: tuple[ReviewReason, ...] = ()
    witnesses: dict[str, Witness] = {}


class Placement(Record):
    """How well the page lies on its template."""

    method: str
    """What found the page: ``tag`` (its square code) or ``boxes`` (the pattern of its boxes)."""
    error_mm: float
    """Root mean square distance, on paper, between printed cells and where they were put."""
    worst_mm: float
    """The same for the worst cell that is read."""
    px_per_mm: float
    """Median resolution of the photo on the paper, in the full-size photo."""
    rotation_degrees: float
    """Direction of the top of the page in the upright photo, clockwise."""
    in_view: Probability
    """Share of the page's fields in view."""
    outline: tuple[tuple[float, float], ...]
    """The sheet's four corners in pixels, clockwise from its top left."""


class HeaderLine(Record):
    """One line of the page's header, kept so that any text can be scored against it later."""

    text: str
    """The likeliest letters and digits; empty where nothing is written."""
    confidence: Probability
    """Of ``text``, as the line recogniser gives it."""
    box: BoxPx
    lattice: str
    """Probabilities of all signs along the line, see ``pipeline.lattice``."""


class HeaderReading(Record):
    """What stands in the header: evidence only, the same whatever TPS the upload claims."""

    signs: str
    """The signs the lattices are over, in the order of their columns after the CTC blank's."""
    recogniser: str
    """Digest of what read the lines."""
    lines: dict[str, HeaderLine]
    """Part of the header (see ``models.forms.template.HeaderPart``) to its line; those in view."""


class PageStatus(StrEnum):
    """Whether a photo gave a page."""

    READ = "read"
    REJECTED = "rejected"


class PageReading(Record):
    """Everything chasil says about one photo."""

    photo: str
    sha256: Sha256 | None
    """Of the file's bytes; ``None`` only where the file could not be opened at all."""
    pdf_page: int | None = None
    """Which page of a PDF, from 1; ``None`` for pictures."""
    tps: TpsCode | None = None
    """The TPS the upload claims (file name, manifest or folder); never read off the page."""
    form: str | None = None
    page: int | None = None
    status: PageStatus
    recipe: str | None = None
    """Digest of form template, recognisers and reading code that made this reading."""
    placement: Placement | None = None
    fields: dict[str, FieldReading] = {}
    header: HeaderReading | None = None
    """``None`` where no line of the header is in view."""
    error: ErrorRecord | None = None


class FormReading(Record):
    """The pages of one form of one TPS, put together: one reading a field, and where it is from."""

    tps: TpsCode
    form: str
    fields: dict[str, FieldReading]
    pages: dict[str, PageReading]
    """Field to the page it came from."""

    def numbers(self, *, only_clear: bool = False) -> dict[str, int | None]:
        """Field to votes, for the rules. Blank and unseen fields are ``None``, not 0."""
        return {
            name: reading.value
            if reading.status is FieldStatus.CLEAR
            or (not only_clear and reading.status is FieldStatus.REVIEW)
            else None
            for name, reading in self.fields.items()
        }


class Entry(Record):
    """The reported numbers of one form of one TPS, at one time, from one source."""

    tps: TpsCode
    form: str
    """Template id the fields belong to, e.g. ``c-hasil-ppwp-2024``."""
    fields: dict[str, int | None]
    """Field to votes; ``None`` where the source has null. Fields it never reports are absent."""
    source: str
    """File or address it was imported from."""
    reported_at: datetime | None = None
    """The source's own time stamp (Sirekap's ``ts``)."""
    psu: str | None = None
    """Sirekap's ``psu``: Reguler, Penghitungan Suara Ulang, …"""
    status_suara: bool | None = None
    status_adm: bool | None = None
    images: tuple[str, ...] = ()
    dapil: str | None = None
    """Code of the constituency, where the source gives it (Sirekap's ``kode_dapil``)."""
    names: dict[str, str] = {}
    """Field to the candidate's name, where the source gives names. No part of what is reported:
    the store keeps them once, not with every TPS."""


class ConflictKind(StrEnum):
    """What kind of thing does not fit."""

    VALUE_MISMATCH = "value_mismatch"
    ENTRY_MISSING = "entry_missing"
    PAGE_MISSING = "page_missing"
    UNREADABLE = "unreadable"
    RULE_BROKEN_ON_PAPER = "rule_broken_on_paper"
    RULE_BROKEN_IN_ENTRY = "rule_broken_in_entry"
    DUPLICATE_PHOTO = "duplicate_photo"
    WRONG_PAGE = "wrong_page"
    WRONG_TPS = "wrong_tps"
    """The header names another TPS than the upload claims."""


class Cause(StrEnum):
    """A known pattern behind a mismatch: what probably happened between paper and system."""

    PADDING_READ_AS_8 = "padding_read_as_8"
    """x, 0 or a blank before the number became 8 (Sirekap, February 2024)."""
    LEADING_1_MISREAD = "leading_1_misread"
    """A leading 1 became 7, 4 or 6."""
    DIGIT_ADDED = "digit_added"
    DIGIT_LOST = "digit_lost"
    ROWS_SWAPPED = "rows_swapped"
    ONE_DIGIT_OFF = "one_digit_off"


class Conflict(Record):
    """One item for the auditors' queue."""

    tps: TpsCode | None
    """``None`` where the photo does not say which TPS it is from."""
    form: str | None
    field: str | None
    kind: ConflictKind
    entry: int | None = None
    reading: int | None = None
    confidence: Probability | None = None
    """Of the reading; ``None`` where there is no probability (such items go first)."""
    cause: Cause | None = None
    votes: int | None = None
    """Votes affected; ``None`` where that can't be known."""
    priority: float
    """Higher is sooner."""
    rule: str | None = None
    """Which rule is broken, for the two rule kinds."""
    photo: str | None = None
    sha256: Sha256 | None = None
    detail: str = ""
    """One sentence for a person."""
    recipe: str | None = None
    """What read the photo that this is about; ``None`` where it is about none."""
    page: int | None = None
    """Page of the form, from 1."""
    pdf_page: int | None = None
    """Which page of a PDF the photo is."""
