"""Photos straight to numbers, for ``chasil read``: one process, no store, no flow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
from rich.table import Table
from rich.text import Text

from flows.exports import printable
from flows.header import header_as_json, header_as_text
from flows.pictures import PICTURE_KINDS, draw_steps, save_picture
from models.errors import PhotoError
from models.records import FieldStatus, PageReading, PageStatus, Witness
from models.regions import RegionTable
from pipeline.intake import open_each, photo_files, read_bytes
from pipeline.overlay import draw_overlay
from pipeline.read import Reader, load_reader, read_file
from pipeline.states import OpenedPhoto

STYLES = {
    FieldStatus.CLEAR: "green",
    FieldStatus.REVIEW: "yellow",
    FieldStatus.BLANK: "blue",
    FieldStatus.NOT_IN_VIEW: "dim",
}


def read_photos(
    places: Iterable[Path],
    show: Callable[[PageReading], object],
    *,
    tps: str | None = None,
    overlay: Path | None = None,
    steps: Path | None = None,
) -> None:
    """Read photos one after another, and hand each page to ``show`` as soon as it is read.

    Args:
        places: Files and folders.
        show: Called for each page, in the order of the files.
        tps: The TPS of all of them; each name's own where ``None``.
        overlay: Where to draw readings on their photos: a picture's file for a single photo,
            otherwise a folder.
        steps: Folder for pictures of every step.

    Raises:
        ChasilError: the installation is broken, or a picture can't be written.

    """
    cv2.setNumThreads(1)
    reader = load_reader()
    files = photo_files(places)
    for path in files:
        pages = read_file(path, reader, tps=tps, name=str(path))
        for page in pages:
            show(page)
        if overlay is None and steps is None:
            continue
        for photo, page in _opened(path, pages):
            name = _picture_name(path, photo)
            if overlay is not None:
                alone = len(files) == 1 and len(pages) == 1
                to_file = alone and overlay.suffix.lower() in PICTURE_KINDS
                target = overlay if to_file else overlay / f"{name}.jpg"
                save_picture(target, draw_overlay(photo, page))
            if steps is not None:
                _save_steps(photo, reader, steps / name)


def page_as_json(page: PageReading, regions: RegionTable) -> str:
    """The page as one line of JSON; what does not apply (no TPS, no error) is left out."""
    said = {"header": header_as_json(page, regions)}
    known = {
        name: value
        for name, value in (page.model_dump(mode="json", exclude={"header"}) | said).items()
        if value is not None and value != {}
    }
    return json.dumps({"photo": page.photo, "sha256": page.sha256} | known, ensure_ascii=False)


def page_as_table(page: PageReading, regions: RegionTable) -> Table | Text:
    """The page for a terminal."""
    photo = printable(page.photo)
    if page.status is PageStatus.REJECTED or page.placement is None:
        text = Text(f"{photo}: rejected", style="red")
        if page.error:
            text.append(f" ({page.error.code}). {printable(page.error.message)}\n", style="default")
            text.append(f"  What to do: {page.error.remedy}\n", style="default")
        return text
    title = Text(f"{photo}: {page.form}, page {page.page}")
    if page.tps:
        title.append(f", TPS {page.tps}")
    title.append(f" (placed within {page.placement.error_mm:.2f} mm)")
    table = Table(
        title=title,
        title_justify="left",
        caption=header_as_text(page, regions),
        caption_justify="left",
        caption_style="",
    )
    table.add_column("field", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("conf.", justify="right", no_wrap=True)
    table.add_column("status")
    table.add_column("digits")
    # A witness that no field of this page has takes no room.
    others = [
        name
        for name in ("bubbles", "tally", "words")
        if any(name in field.witnesses for field in page.fields.values())
    ]
    for name in others:
        table.add_column(name, justify="left" if name == "bubbles" else "right")
    for name, field in page.fields.items():
        status = field.status.value.replace("_", " ")
        if field.reasons:
            status += f": {', '.join(reason.value.replace('_', ' ') for reason in field.reasons)}"
        table.add_row(
            name,
            "" if field.value is None else str(field.value),
            "" if field.status is FieldStatus.NOT_IN_VIEW else f"{field.confidence:.4f}",
            Text(status, style=STYLES[field.status]),
            " ".join(box.label for box in _witness(field.witnesses, "digits").boxes),
            *(_said(field.witnesses, other) for other in others),
        )
    return table


def _said(witnesses: dict[str, Witness], name: str) -> str:
    """What a witness besides the digits says, short."""
    if name == "bubbles":
        return " ".join(
            column.state if column.value is None else str(column.value)
            for column in _witness(witnesses, name).columns
        )
    return _number(witnesses, name)


def _number(witnesses: dict[str, Witness], name: str) -> str:
    """A witness's number; a dash where it looked and saw none."""
    if name not in witnesses:
        return ""
    value = witnesses[name].value
    return "–" if value is None else str(value)


def _witness(witnesses: dict[str, Witness], name: str) -> Witness:
    return witnesses.get(name, Witness(value=None, confidence=0.0, box=None))


def _opened(
    path: Path, pages: tuple[PageReading, ...]
) -> Iterable[tuple[OpenedPhoto, PageReading]]:
    """The file's pictures beside their readings; nothing for a file that can't be opened."""
    by_number = {page.pdf_page: page for page in pages}
    try:
        content = read_bytes(path)
    except PhotoError:
        return []  # the reading says the same, and why
    return [
        (photo, by_number[number])
        for number, photo in open_each(content, str(path))
        if not isinstance(photo, PhotoError)
    ]


def _picture_name(path: Path, photo: OpenedPhoto) -> str:
    return path.stem if photo.pdf_page is None else f"{path.stem}-page-{photo.pdf_page}"


def _save_steps(photo: OpenedPhoto, reader: Reader, folder: Path) -> None:
    try:
        for name, picture in draw_steps(photo, reader):
            save_picture(folder / f"{name}.png", picture)
    except PhotoError as error:
        (folder / "stopped-here.txt").write_text(
            f"{error.code}: {error.message}\n{error.remedy}\n", encoding="utf-8"
        )
