"""A form as data: where everything is printed, in millimetres.

One JSON file a form lies beside this module, or in the user's own folder, ``own_forms_folder``.
``load_form("c-hasil-ppwp-2024")`` validates it and returns a frozen ``FormTemplate``; a broken
file raises ``FormFileError`` that names the file and the field. Coordinates are mm on the sheet,
origin at its top left, y down; a box is ``(x0, y0, x1, y1)`` along the centre-lines of its printed
strokes.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import FormFileError, FormNotInstalled
from models.store.home import chasil_home

OWN_FORMS_VARIABLE = "CHASIL_FORMS"
OWN_FORMS_NAME = "forms"
OWED_FORM_VARIABLE = "CHASIL_FORM"
PPWP_FORM = "c-hasil-ppwp-2024"

PointMm = tuple[float, float]
"""x, y in mm."""


def _ordered(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"a box is x0, y0, x1, y1 with x0 < x1 and y0 < y1, not {list(box)}")
    return box


BoxMm = Annotated[tuple[float, float, float, float], AfterValidator(_ordered)]
"""x0, y0, x1, y1 in mm."""

Millimetres = Annotated[float, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tag(_Part):
    """A square code that names the page."""

    id: Annotated[int, Field(ge=0)]
    box: BoxMm
    """Outer edge of the black border."""
    quarter_turns: Annotated[int, Field(ge=0, le=3)]
    """How far the code is printed turned clockwise: 2 puts its own top left at the bottom right."""


class Fiducial(_Part):
    """A corner mark: two black squares that touch at one point."""

    name: Literal["TL", "TR", "BL", "BR"]
    centre: PointMm
    """The point where the squares touch."""
    squares: tuple[BoxMm, BoxMm]


class Ruling(_Part):
    """One printed line."""

    line: tuple[float, float, float, float]
    """x0, y0, x1, y1 of the centre-line, horizontal or vertical."""
    width: Millimetres
    ink: Literal["black", "grey", "dashed"]


class PrintedText(_Part):
    """One printed line of text, as far as it helps to draw or recognise the form."""

    text: str
    at: PointMm
    """The middle of the text's height, at its ``anchor``."""
    height: Millimetres
    """Height of a line of text (ascender to descender)."""
    weight: Literal["regular", "bold"] = "regular"
    anchor: Literal["start", "middle"] = "start"


class Bubbles(_Part):
    """One column of ten bubbles (0 at the top to 9) under each digit box."""

    columns_x: Annotated[tuple[float, ...], Field(min_length=1)]
    first_y: float
    pitch_y: Millimetres
    diameter: Millimetres

    def centre(self, column: int, value: int) -> PointMm:
        """Centre of the bubble for ``value`` (0-9) in ``column``, in mm."""
        return self.columns_x[column], self.first_y + value * self.pitch_y


class Grid(_Part):
    """Evenly divided cells in a frame."""

    frame: BoxMm
    rows: Annotated[int, Field(ge=1)]
    columns: Annotated[int, Field(ge=1)]

    def cell(self, row: int, column: int) -> BoxMm:
        """Box of one cell, in mm; rows and columns count from 0."""
        x0, y0, x1, y1 = self.frame
        wide, high = (x1 - x0) / self.columns, (y1 - y0) / self.rows
        return (
            x0 + column * wide,
            y0 + row * high,
            x0 + (column + 1) * wide,
            y0 + (row + 1) * high,
        )


HeaderPart = Literal["provinsi", "kabupaten", "kecamatan", "kelurahan", "tps", "tps_words"]
"""``tps`` is the TPS's number in digits, ``tps_words`` in words, ``kelurahan`` also a desa."""


class FieldTemplate(_Part):
    """One number on the page and every place where it is written."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Sirekap's name where it has one."""
    label: str
    boxes: Annotated[tuple[BoxMm, ...], Field(min_length=1)]
    """Digit boxes, most significant first."""
    guides: tuple[BoxMm, ...] | None = None
    """Printed dotted seven-segment guides, one in each digit box."""
    bubbles: Bubbles | None = None
    tally: Grid | None = None
    row_totals: Grid | None = None
    words: BoxMm | None = None
    """Where the number is written in words."""
    words_print: tuple[BoxMm, ...] = ()
    """Printed notes inside ``words``: not handwriting."""

    @model_validator(mode="after")
    def _one_part_a_digit(self) -> Self:
        if self.guides is not None and len(self.guides) != len(self.boxes):
            raise ValueError(f"{self.name}: {len(self.guides)} guides for {len(self.boxes)} boxes")
        if self.bubbles is not None and len(self.bubbles.columns_x) != len(self.boxes):
            raise ValueError(
                f"{self.name}: {len(self.bubbles.columns_x)} bubble columns "
                f"for {len(self.boxes)} boxes"
            )
        if self.tally and self.row_totals and self.tally.rows != self.row_totals.rows:
            raise ValueError(f"{self.name}: tally and row totals differ in rows")
        return self


class PageTemplate(_Part):
    """One sheet."""

    number: Annotated[int, Field(ge=1)]
    title: Annotated[tuple[str, ...], Field(min_length=1)]
    """Lines of print that tell this page apart, as Tesseract would read them."""
    tag: Tag | None = None
    fiducials: tuple[Fiducial, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    texts: tuple[PrintedText, ...] = ()
    extra_boxes: tuple[BoxMm, ...] = ()
    """Printed boxes that hold no votes (the date)."""
    header: dict[HeaderPart, BoxMm] = {}
    """The lines at the top that say which TPS the page is of, with their dotted base line."""
    fields: Annotated[tuple[FieldTemplate, ...], Field(min_length=1)]

    def field(self, name: str) -> FieldTemplate:
        """The field of that name; ``KeyError`` where this page has none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


class FormSum(_Part):
    """A line of arithmetic that the form itself asks for: a total and its parts."""

    total: str
    parts: Annotated[tuple[str, ...], Field(min_length=1)]
    """Field names. One part alone: the two fields hold the same number."""
    source: Annotated[str, Field(min_length=1)]
    """Where the form (or a law) says so: ``printed below line 5: (A + B)``."""


class SirekapKeys(_Part):
    """How Sirekap's JSON calls the numbers of this form, or that of a system built like it."""

    folder: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")] | None = None
    """Its folder in the tree of files: whatever lies below it is of this form."""
    chart: dict[str, str]
    """Key in ``chart`` to field: ``{"100025": "suara_paslon_1"}``."""
    administrasi: tuple[str, ...] = ()
    """Fields that stand in ``administrasi``, under their own names."""


class FormTemplate(_Part):
    """A form of one or more pages."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: str
    election: Literal["ppwp", "dpr", "dpd", "dprdp", "dprdk", "other"]
    """``other``: none of the five of a Pemilu, such as a village head's."""
    year: Annotated[int, Field(ge=1955, le=2100)]
    source: str
    """Where the measures are from."""
    page_mm: tuple[Millimetres, Millimetres]
    """Width and height of the sheet."""
    tag_family: str | None = None
    """Name of the OpenCV marker dictionary the tags are from."""
    box_stroke_mm: Millimetres
    """Width of the printed stroke round a digit box."""
    box_ink: Literal["black", "grey"] = "black"
    """Of that stroke."""
    digits: Literal["digits-kotak", "digits-bersih"] = "digits-kotak"
    """The recogniser of its digit boxes. ``digits-kotak`` reads boxes as they are, dark frames that
    stand apart; ``digits-bersih`` boxes cleaned of all but ink (``pipeline.clean_box``): where they
    touch, stand on a watermark or are printed pale."""
    pages: Annotated[tuple[PageTemplate, ...], Field(min_length=1)]
    sums: tuple[FormSum, ...] | None = None
    """What must add up on this form. Where it is left out, the rules of Pemilu 2024 hold
    (``models.rules.RULES``); where it is there, only these lines, and none if it is empty."""
    votes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Fields that hold the votes for each of those who can be voted for. Left out, the names tell:
    ``suara_paslon_1``, ``suara_calon_1``, …; see ``models.forms.votes``."""
    sirekap: SirekapKeys | None = None
    """Left out, numbers of this form come as a table only."""
    copy_of: str | None = None
    """Id of the form that this one is a copy of, with the same field names: the same field of the
    same TPS must hold the same number on both."""

    digest: str = ""
    """SHA-256 of the data file, set on load; part of every reading's recipe."""
    enlargement: Millimetres = 1.0
    """How many times larger than on the sheet all lengths are; see ``models.forms.enlarge``."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        numbers = [page.number for page in self.pages]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"pages are numbered 1, 2, 3, … in order, not {numbers}")
        names = [field.name for page in self.pages for field in page.fields]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"field names stand once in a form; twice: {', '.join(twice)}")
        tags = [page.tag.id for page in self.pages if page.tag]
        if len(set(tags)) != len(tags):
            raise ValueError(f"two pages carry the same tag: {tags}")
        if tags and self.tag_family is None:
            raise ValueError("pages carry tags but tag_family is not given")
        for line in self.sums or ():
            named = (line.total, *line.parts)
            strange = sorted(set(named) - set(names))
            if strange:
                raise ValueError(f"a sum names fields the form has not: {', '.join(strange)}")
            if len(set(named)) < len(named):
                raise ValueError(f"the sum of {line.total} names a field twice")
        self._votes_and_keys_name_fields(names)
        if self.copy_of == self.id:
            raise ValueError("a form is no copy of itself")
        wide, high = self.page_mm
        for page in self.pages:
            for field in page.fields:
                for box in field.boxes:
                    if box[0] < 0 or box[1] < 0 or box[2] > wide or box[3] > high:
                        raise ValueError(
                            f"page {page.number}, field {field.name}: "
                            f"box {list(box)} lies outside the sheet of {wide} × {high} mm"
                        )
        return self

    def _votes_and_keys_name_fields(self, names: list[str]) -> None:
        reported = (
            (*self.sirekap.chart.values(), *self.sirekap.administrasi) if self.sirekap else ()
        )
        for what, named in (("votes", self.votes or ()), ("sirekap", reported)):
            strange = sorted(set(named) - set(names))
            if strange:
                raise ValueError(f"{what} names fields the form has not: {', '.join(strange)}")
            if len(set(named)) < len(named):
                raise ValueError(f"{what} names a field twice")
        added = sorted({line.total for line in self.sums or ()} & set(self.votes or ()))
        if added:
            raise ValueError(f"votes are for somebody, and {', '.join(added)} is a sum")

    def page(self, number: int) -> PageTemplate:
        """The page of that number, from 1; ``KeyError`` where the form has none."""
        for page in self.pages:
            if page.number == number:
                return page
        raise KeyError(number)

    def page_of(self, field_name: str) -> PageTemplate:
        """The page that holds a field; ``KeyError`` where none does."""
        for page in self.pages:
            if any(field.name == field_name for field in page.fields):
                return page
        raise KeyError(field_name)

    @property
    def field_names(self) -> tuple[str, ...]:
        """All fields, in the order of the form."""
        return tuple(field.name for page in self.pages for field in page.fields)


def parse_form(content: bytes, name: str) -> FormTemplate:
    """Validate a form's data file.

    Args:
        content: The JSON.
        name: The file's name, for the error.

    Raises:
        FormFileError: with the file and the path of each field that is wrong.

    """
    try:
        form = FormTemplate.model_validate_json(content)
    except ValidationError as error:
        places = [
            f"{'.'.join(str(step) for step in problem['loc']) or 'file'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise FormFileError(f"{name}: " + "; ".join(places), file=name) from error
    return form.model_copy(update={"digest": hashlib.sha256(content).hexdigest()})


def load_form_file(path: Path) -> FormTemplate:
    """Load a form from any path; raises ``FormFileError``."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormFileError(f"{path}: {error.strerror}", file=str(path)) from error
    return parse_form(content, path.name)


def own_forms_folder() -> Path:
    """The folder of the user's own forms: ``CHASIL_FORMS``, else ``CHASIL_HOME/forms``.

    It need not exist. What lies in it is read beside the forms that come with chasil.
    """
    given = os.environ.get(OWN_FORMS_VARIABLE)
    return Path(given).expanduser().absolute() if given else chasil_home() / OWN_FORMS_NAME


def owed_form() -> str:
    """Id of the form that every TPS owes: ``CHASIL_FORM``, else C.HASIL-PPWP 2024.

    Its pages are what can be missing.

    Raises:
        FormNotInstalled: the form is not.

    """
    form = os.environ.get(OWED_FORM_VARIABLE) or PPWP_FORM
    if form not in shipped_forms() and form not in installed_forms():
        known = ", ".join(installed_forms())
        raise FormNotInstalled(
            f"{OWED_FORM_VARIABLE} names {form!r}, which is not installed; there are: {known}",
            form=form,
        )
    return form


@cache
def shipped_forms() -> tuple[str, ...]:
    """Ids of the forms that come with chasil."""
    return tuple(
        sorted(
            entry.name.removesuffix(".json")
            for entry in files("models.forms").iterdir()
            if entry.name.endswith(".json")
        )
    )


def installed_forms() -> tuple[str, ...]:
    """Ids of all forms: those that come with chasil, and the user's own."""
    own = {path.stem for path in own_forms_folder().glob("*.json")}
    return tuple(sorted({*shipped_forms(), *own}))


def load_form(form_id: str) -> FormTemplate:
    """Load an installed form by its id.

    Raises:
        FormNotInstalled: there is none.
        FormFileError: its file is broken, it lies under another name than its id, or one of the
            user's own has the id of a form that comes with chasil.

    """
    own = own_forms_folder() / f"{form_id}.json"
    if form_id in shipped_forms():
        if own.is_file():
            raise FormFileError(
                f"{own}: {form_id} comes with chasil: a form of your own needs another id",
                file=str(own),
            )
        return _load_shipped(form_id)
    try:
        stamp = own.stat()
    except OSError as error:
        known = ", ".join(installed_forms())
        raise FormNotInstalled(
            f"no form {form_id!r} is installed; there are: {known}", form=form_id
        ) from error
    return _load_own(own, stamp.st_mtime_ns, stamp.st_size)


@cache
def _load_shipped(form_id: str) -> FormTemplate:
    content = (files("models.forms") / f"{form_id}.json").read_bytes()
    return parse_form(content, f"{form_id}.json")


@lru_cache(maxsize=64)
def _load_own(path: Path, _changed_ns: int, _size: int) -> FormTemplate:
    form = load_form_file(path)
    if form.id != path.stem:
        raise FormFileError(
            f"{path}: its id is {form.id}: name the file {form.id}.json", file=str(path)
        )
    return form
