"""Whole forms, drawn with writers' mistakes, photographed and read, to learn reliability from.

The witnesses' answers do not depend on how far they are trusted, so that forms are read once and
weighed as often as wanted; ``--keep FOLDER`` saves the time.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import cv2

from fixtures.form import Fault, FieldTruth, FilledForm
from fixtures.pages import field_form
from models.records import FieldReading, PageReading
from pipeline.read import Reader, load_reader, read_content


@dataclass(frozen=True)
class Series:
    """Which forms to draw: the same series is always the same forms."""

    seed: int
    """No two uses share one."""
    count: int
    difficulty: str = "field"
    """One of ``fixtures.camera.CAMERAS``."""
    pages: tuple[int, ...] | None = None
    """Which pages; all where ``None``."""
    wrong_sums: float = 0.1
    """Share of forms with one wrong sum."""
    witness_faults: float = 0.02
    """Share of fields with several witnesses of which one is off."""
    blanks: float = 0.0
    """Share of fields that are left empty."""


@dataclass(frozen=True)
class SeenForm:
    """One drawn form: what its photos gave, and what stands on it."""

    index: int
    difficulty: str
    pages: tuple[PageReading, ...]
    """Photo by photo; some may be rejected."""
    truth: Mapping[str, FieldTruth]
    meant: Mapping[str, int | None]
    """Field to the number the writers meant."""
    faults: tuple[Fault, ...]

    @property
    def fields(self) -> dict[str, FieldReading]:
        """All fields whose digits are in view on a photo that was placed on the right page."""
        return {
            name: field
            for page in self.pages
            for name, field in page.fields.items()
            if "digits" in field.witnesses
        }


@cache
def _reader() -> Reader:
    cv2.setNumThreads(1)
    return load_reader(measured=False)


@dataclass(frozen=True)
class DrawnForm:
    """The photos of one drawn form, with what stands on them."""

    photos: tuple[tuple[int, bytes], ...]
    """Page number and JPEG."""
    truth: Mapping[str, FieldTruth]
    filled: FilledForm


def drawn(series: Series, index: int, cache: Path | None) -> DrawnForm:
    """Draw one form of a series, or take it from ``cache``; drawing takes longer than reading."""
    file = None
    if cache is not None:
        file = cache / f"drawn-{_named(_drawing_digest(), series)}" / f"{index}.pickle"
        if file.exists():
            # Our own file, from the folder the caller named.
            return cast("DrawnForm", pickle.loads(file.read_bytes()))  # noqa: S301
    photos = list(
        field_form(
            index,
            series.seed,
            series.difficulty,
            wrong_sums=series.wrong_sums,
            witness_faults=series.witness_faults,
            blanks=series.blanks,
            pages=series.pages,
        )
    )
    form = DrawnForm(
        tuple((photo.truth.page, photo.content) for photo in photos),
        {name: truth for photo in photos for name, truth in photo.truth.fields.items()},
        photos[0].filled,
    )
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_bytes(pickle.dumps(form))
        part.replace(file)
    return form


DRAWING = ("camera", "encode", "form", "handwriting", "mistakes", "pages")
"""Modules of ``fixtures`` that decide what is drawn."""


def _named(*parts: object) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:16]


@cache
def _drawing_digest() -> str:
    """Of everything that decides what is drawn."""
    house = Path(__file__).parents[2]
    files = [house / "fixtures" / f"{name}.py" for name in DRAWING]
    files += (house / "models" / "forms").glob("*.*")
    return _named(*(hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)))


def draw_and_read(series: Series, index: int, kept: Path | None) -> SeenForm:
    """Draw one form of a series, photograph each page, read the photos."""
    form = drawn(series, index, kept)
    readings = []
    names: set[str] = set()
    for page, content in form.photos:
        (reading,) = read_content(content, _reader(), name=f"{index}-{page}.jpg")
        if reading.page == page:
            readings.append(reading)
            names |= reading.fields.keys()
    return SeenForm(
        index,
        series.difficulty,
        tuple(readings),
        {name: truth for name, truth in form.truth.items() if name in names},
        form.filled.numbers,
        form.filled.faults,
    )


def seen_forms(series: Series, *, workers: int = 2, kept: Path | None = None) -> Iterator[SeenForm]:
    """Draw and read a series, or take from ``kept`` what is there of it.

    Args:
        series: Which forms.
        workers: Processes.
        kept: Folder for what was drawn and read. Files are named by what drew them and by the
            reader's recipe, so that a change of either draws or reads anew.

    """
    file = None
    if kept is not None:
        named = _named(_drawing_digest(), _reader().recipe, series)
        file = kept / f"seen-{named}.pickle"
        if file.exists():
            # Our own file, from the folder the caller named.
            yield from pickle.loads(file.read_bytes())  # noqa: S301
            return
    forms = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        some = pool.map(draw_and_read, repeat(series), range(series.count), repeat(kept))
        for form in some:
            forms.append(form)
            yield form
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(forms))
