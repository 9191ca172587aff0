"""The proof of a form: drawn, filled in by hand, photographed, and read back.

What comes back is compared with what was written, field by field, and each box with where the
camera really put it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fixtures.camera import CAMERAS
from fixtures.form import FilledForm, filled_form
from fixtures.pages import PagePhoto, filled_page
from models.errors import PhotoError
from models.forms.template import (
    OWN_FORMS_VARIABLE,
    FormTemplate,
    PageTemplate,
    installed_forms,
    load_form,
    load_form_file,
    own_forms_folder,
)
from models.records import FieldReading, FieldStatus
from pipeline.cells import cut_cells
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.read import Reader, reading_of, witnessed
from pipeline.states import PlacedPage

TRIAL_CAMERAS = ("scan", "easy", "field")
SHARE_OFF = 0.15
"""A box may lie off by this share of its shorter side; digits are still whole in the picture."""


@dataclass(frozen=True, slots=True)
class PageTrial:
    """One photo of one page of the form, and what came of it."""

    page: int
    camera: str
    error: str | None
    """Code of the error where the page was not placed; ``wrong_page`` where it was taken for
    another page or form."""
    message: str
    clear: tuple[str, ...] = ()
    """Fields read rightly and called clear (or rightly blank)."""
    review: tuple[str, ...] = ()
    """Fields that a person must look at; see ``review_right``."""
    review_right: int = 0
    """How many of ``review`` show the right number all the same."""
    wrong: tuple[str, ...] = ()
    """Fields called clear with a number that was not written: silent errors."""
    unseen: tuple[str, ...] = ()
    worst_mm: float = 0.0
    """How far the worst corner of a digit box lay from where the camera put it."""
    content: bytes = b""
    """The photo, JPEG."""
    name: str = ""
    """The photo's name, where it is kept."""

    @property
    def placed(self) -> bool:
        """Whether the page was found as what it is."""
        return self.error is None


@contextmanager
def as_installed(file: Path) -> Iterator[FormTemplate]:
    """Let a draft be found like an installed form, beside the user's own, for a while."""
    form = load_form_file(file)
    before = os.environ.get(OWN_FORMS_VARIABLE)
    own = own_forms_folder()
    with tempfile.TemporaryDirectory(prefix="chasil-forms-") as folder:
        for other in own.glob("*.json"):
            shutil.copyfile(other, Path(folder) / other.name)
        shutil.copyfile(file, Path(folder) / f"{form.id}.json")
        os.environ[OWN_FORMS_VARIABLE] = folder
        try:
            yield load_form(form.id)
        finally:
            if before is None:
                del os.environ[OWN_FORMS_VARIABLE]
            else:
                os.environ[OWN_FORMS_VARIABLE] = before


def try_form(
    form: FormTemplate,
    reader: Reader,
    *,
    copies: int = 2,
    cameras: Sequence[str] = TRIAL_CAMERAS,
    seed: int = 1,
) -> Iterator[PageTrial]:
    """Photograph and read every page, ``copies`` times with each camera; all by chance from seed.

    The form must be installed (see ``as_installed``), and the reader should know all installed
    forms, so that a page that is taken for another form's shows.
    """
    for camera in cameras:
        if camera not in CAMERAS:
            raise KeyError(camera)
        for copy in range(copies):
            rng = np.random.default_rng([seed, copy, sorted(CAMERAS).index(camera)])
            filled = written_for_trial(form, copy, rng)
            for page in form.pages:
                own = np.random.default_rng(
                    [seed, copy, sorted(CAMERAS).index(camera), page.number]
                )
                photo = filled_page(filled, page.number, copy, own, camera)
                name = f"{form.id}-page-{page.number}-{camera}-{copy + 1:03d}.jpg"
                yield judged(photo, form, page, reader, camera, name)


def written_for_trial(form: FormTemplate, copy: int, rng: np.random.Generator) -> FilledForm:
    """A form filled in for the proof; the first copy has all that the form asks for.

    Many writers leave the words or the tally out: of a single copy neither would be tried.
    """
    filled = filled_form(rng, form=form.id)
    if copy > 0:
        return filled
    fields = [field for page in form.pages for field in page.fields]
    return replace(
        filled,
        words=frozenset(field.name for field in fields if field.words is not None),
        tallies=frozenset(field.name for field in fields if field.tally is not None),
    )


def judged(
    photo: PagePhoto,
    form: FormTemplate,
    page: PageTemplate,
    reader: Reader,
    camera: str,
    name: str = "photo.jpg",
) -> PageTrial:
    """Read one photo and compare it with what was written."""
    opened = open_photos(photo.content, name)[0]
    try:
        placed = place_page(opened, reader.forms)
    except PhotoError as error:
        return PageTrial(
            page.number, camera, error.code, error.message, content=photo.content, name=name
        )
    if (placed.form.id, placed.page.number) != (form.id, page.number):
        taken = f"taken for {placed.form.id}, page {placed.page.number}"
        return PageTrial(page.number, camera, "wrong_page", taken, content=photo.content, name=name)
    reading = reading_of(witnessed(cut_cells(placed), reader), reader, tps=None)
    worst = worst_mm(photo, placed, page)
    written = {field: truth.value for field, truth in photo.truth.fields.items()}
    found = compared(reading.fields, written, page, camera)
    return replace(found, worst_mm=worst, content=photo.content, name=name)


def compared(
    fields: Mapping[str, FieldReading],
    written: Mapping[str, int | None],
    page: PageTemplate,
    camera: str,
) -> PageTrial:
    """Hold what was read of a page against what was written on it."""
    clear, review, wrong, unseen, right = [], [], [], [], 0
    for field in page.fields:
        read, truth = fields[field.name], written[field.name]
        if read.status is FieldStatus.NOT_IN_VIEW:
            unseen.append(field.name)
        elif read.status is FieldStatus.REVIEW:
            review.append(field.name)
            right += read.value == truth
        elif read.value == truth:
            clear.append(field.name)
        else:
            wrong.append(field.name)
    return PageTrial(
        page.number,
        camera,
        None,
        "",
        clear=tuple(clear),
        review=tuple(review),
        review_right=right,
        wrong=tuple(wrong),
        unseen=tuple(unseen),
    )


def worst_mm(photo: PagePhoto, placed: PlacedPage, page: PageTemplate) -> float:
    """How far, on paper, the worst corner of a digit box in view lies from the truth, mm."""
    corners, nudged = [], []
    for field in page.fields:
        if field.name not in placed.in_view:
            continue
        dx, dy = (
            value / placed.form.enlargement for value in placed.nudges.get(field.name, (0.0, 0.0))
        )
        for x0, y0, x1, y1 in field.boxes:
            corners += [(x0, y0), (x1, y1)]
            nudged += [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy)]
    if not corners:
        return 0.0
    points = np.array(corners)
    put = placed.warp.to_px(np.array(nudged) * placed.form.enlargement)
    put = (put + 0.5) * placed.photo.reduction - 0.5
    true = photo.page_to_photo(points)
    off = np.hypot(*(put - true).T) / np.maximum(photo.page_to_photo.px_per_mm(points), 1e-6)
    return round(float(off.max()), 2)


def advice(trials: Sequence[PageTrial], form: FormTemplate) -> list[str]:
    """What to mend, in sentences for a person; empty where nothing is amiss."""
    said: list[str] = []
    lost = [one for one in trials if not one.placed]
    if lost:
        first = lost[0]
        said.append(
            f"{len(lost)} of {len(trials)} photos were not placed: "
            f"{', '.join(one.name for one in lost[:4])}{' …' if len(lost) > 4 else ''} "
            f"(the first: {first.error}: {first.message})."
        )
        bare = [page for page in form.pages if not page.fiducials and page.tag is None]
        if bare:
            said.append(
                f"Page {', '.join(str(page.number) for page in bare)} has neither corner marks nor "
                "a square code, so it is found by its boxes, rulings and print alone. If the sheet "
                "is not printed yet, add corner marks: in each corner two black squares that touch "
                "at one point. If it is, see that the check picture's boxes and the print of "
                "`chasil forms draw` are those of the sheet; scans and photos from straight above "
                "are placed most often."
            )
    sides = [
        min(x1 - x0, y1 - y0)
        for page in form.pages
        for field in page.fields
        for x0, y0, x1, y1 in field.boxes
    ]
    limit = SHARE_OFF * float(np.median(sides))
    worst = max((one.worst_mm for one in trials), default=0.0)
    if worst > limit:
        said.append(
            f"Boxes lie up to {worst} mm off, more than {limit:.1f} mm: the page has too little "
            "print around them to hold on to, or its size (page_mm) is wrong."
        )
    wrong = sorted({name for one in trials for name in one.wrong})
    if wrong:
        said.append(
            f"SILENT ERRORS in {', '.join(wrong)}: do not use this form. Are these digit boxes, "
            "and is each in its own field? Report it with the photos if the picture is right."
        )
    read = sum(len(one.clear) + len(one.review) for one in trials)
    right = sum(len(one.clear) + one.review_right for one in trials)
    if read and right < 0.9 * read:
        said.append(
            f"Only {right} of {read} numbers were read rightly; the others go to a person. The "
            "recogniser learned from boxes of 18 to 20 mm: small boxes need sharp photos or scans."
        )
    unseen = sorted({name for one in trials for name in one.unseen})
    if unseen:
        said.append(f"Not in view on some photos: {', '.join(unseen)}.")
    return said


def all_forms() -> tuple[FormTemplate, ...]:
    """Every installed form, the draft that is being tried among them."""
    return tuple(load_form(name) for name in installed_forms())
