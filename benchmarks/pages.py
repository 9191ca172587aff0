"""Whole pages: how many are placed, how many fields are clear, how many of those are wrong.

    python -m benchmarks.pages                      200 drawn pages at each difficulty
    python -m benchmarks.pages --shared ../shared   and the real photos

The pages are drawn from a seed that nothing else uses, in handwriting that the recogniser was
not trained on (``fixtures.handwriting``).
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from fixtures.pages import PagePhoto, field_page
from models.records import FieldStatus, PageReading, PageStatus
from pipeline.read import Reader, load_reader, read_content, read_file

SEED = 9001


@dataclass
class Counted:
    """What happened to some pages."""

    pages: int = 0
    placed: int = 0
    wrong_page: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    silent: list[str] = field(default_factory=list)
    off_mm: list[float] = field(default_factory=list)

    def add(self, other: Counted) -> None:
        """Count another part in."""
        self.pages += other.pages
        self.placed += other.placed
        self.wrong_page += other.wrong_page
        self.statuses += other.statuses
        self.reasons += other.reasons
        self.errors += other.errors
        self.silent += other.silent
        self.off_mm += other.off_mm


@cache
def _reader() -> Reader:
    cv2.setNumThreads(1)
    return load_reader()


def counted(reading: PageReading, page: int, truth: dict[str, int | None]) -> Counted:
    """Compare one reading with the truth; fields whose truth is not known are left out."""
    result = Counted(pages=1)
    if reading.status is PageStatus.REJECTED:
        result.errors[reading.error.code if reading.error else "?"] += 1
        return result
    result.placed = 1
    result.wrong_page = int(reading.page != page)
    for name, number in truth.items():
        read = reading.fields[name]
        result.statuses[read.status] += 1
        result.reasons.update(reason.value for reason in read.reasons)
        sure = read.status in {FieldStatus.CLEAR, FieldStatus.BLANK}
        if sure and read.value != number:
            result.silent.append(f"{reading.photo} {name}: {number} read as {read.value}")
    return result


def drawn_page(index: int, difficulty: str) -> Counted:
    """Draw, read and compare one page."""
    photo = field_page(index, SEED, difficulty)
    (reading,) = read_content(photo.content, _reader(), name=f"{difficulty}-{index}")
    truth = {name: known.value for name, known in photo.truth.fields.items()}
    result = counted(reading, photo.truth.page, truth)
    result.off_mm = list(_off_mm(reading, photo))
    return result


def _off_mm(reading: PageReading, photo: PagePhoto) -> Iterable[float]:
    """How far the middle of each digit box of a clear field is from where it is, mm."""
    page = _reader().forms[0].page(photo.truth.page)
    for name, read in reading.fields.items():
        if read.status is not FieldStatus.CLEAR:
            continue
        for seen, (x0, y0, x1, y1) in zip(
            read.witnesses["digits"].boxes, page.field(name).boxes, strict=True
        ):
            middle = np.array([[(x0 + x1) / 2, (y0 + y1) / 2]])
            put = np.array([(seen.box[0] + seen.box[2]) / 2, (seen.box[1] + seen.box[3]) / 2])
            off_px = np.hypot(*(photo.page_to_photo(middle)[0] - put))
            yield float(off_px / photo.page_to_photo.px_per_mm(middle)[0])


def real_photos(shared: Path) -> Counted:
    """The real 2024 photos with their truth."""
    total = Counted()
    for folder in sorted((shared / "photos").glob("c-hasil-ppwp-2024*")):
        for name, known in json.loads((folder / "truth.json").read_text()).items():
            (reading,) = read_file(folder / name, _reader())
            numbers = {
                key.replace("suara_sah_", "suara_paslon_"): value
                for key, value in known["numbers"].items()
            }
            page = 3 if "suara_total" in numbers else 2
            total.add(counted(reading, page, numbers))
    return total


def _row(name: str, part: Counted) -> list[str]:
    fields = sum(part.statuses.values())
    clear = part.statuses[FieldStatus.CLEAR]
    off = np.array(part.off_mm or [np.nan])
    return [
        name,
        str(part.pages),
        f"{part.placed} ({part.placed / max(1, part.pages):.1%})",
        str(part.wrong_page),
        str(fields),
        f"{clear} ({clear / max(1, fields):.1%})",
        str(part.statuses[FieldStatus.REVIEW]),
        str(part.statuses[FieldStatus.BLANK]),
        f"{len(part.silent)} of {clear}",
        f"{np.median(off):.2f} / {np.percentile(off, 99):.2f} / {off.max():.2f}",
    ]


def main() -> None:
    """Read the command line, read the pages, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--difficulty", nargs="*", default=["scan", "easy", "field", "hard"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shared", type=Path)
    wanted = parser.parse_args()
    table = Table(title="Whole pages", title_justify="left")
    for head in (
        *("photos", "pages", "placed", "as wrong page", "fields", "clear", "review", "blank"),
        *("silent errors", "cells off, mm: median / p99 / most"),
    ):
        table.add_column(head)
    parts: dict[str, Counted] = {}
    if wanted.shared:
        parts["real, 2024"] = real_photos(wanted.shared)
    with ProcessPoolExecutor(wanted.workers, mp_context=get_context("spawn")) as pool:
        for difficulty in wanted.difficulty:
            parts[difficulty] = Counted()
            for part in pool.map(drawn_page, range(wanted.pages), repeat(difficulty)):
                parts[difficulty].add(part)
    for name, part in parts.items():
        table.add_row(*_row(name, part))
    console = Console(width=170)
    console.print(table)
    for name, part in parts.items():
        console.print(f"{name}: rejected {dict(part.errors)}, review reasons {dict(part.reasons)}")
        for line in part.silent:
            console.print(f"  silent: {line}")


if __name__ == "__main__":
    main()
