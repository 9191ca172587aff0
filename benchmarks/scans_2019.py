r"""The scans of C1-PPWP 2019 in the shared folder: placed, boxes, numbers.

    python -m benchmarks.scans_2019 --shared ../shared [--overlays FOLDER]

KPU's own scans of 18 TPS, two pages each, with seven numbers a TPS (``truth.csv``). A box is
right where it holds the digit of the number, or padding before it. The recogniser of these boxes
learned from the same scans: what it does on TPS it never saw stands on its card
(``models/recognisers/digits-bersih/CARD.md``), not here.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from models.records import FieldReading, FieldStatus, PageReading
from pipeline.intake import open_photos
from pipeline.overlay import draw_overlay
from pipeline.read import Reader, load_reader, read_file
from pipeline.witnesses.digits import PADDING

FOLDER = Path("photos/c1-ppwp-2019")
FORM = "c1-ppwp-2019"
NUMBERS = {
    "pemilih_total_j": "dpt_total",
    "pengguna_total_j": "pengguna_total",
    "suara_paslon_1": "paslon01",
    "suara_paslon_2": "paslon02",
    "suara_sah": "sah",
    "suara_tidak_sah": "tidak_sah",
    "suara_total": "total",
}
"""Our field to the column of ``truth.csv``. Its ``dpt_total`` is the sum of all voters (A.4)."""


@dataclass
class Tally:
    """What was counted."""

    pages: int = 0
    placed: int = 0
    boxes: int = 0
    boxes_right: int = 0
    right: int = 0
    clear: int = 0
    review: int = 0
    silent: list[str] = field(default_factory=list)
    missing: int = 0
    all_fields: int = 0
    all_clear: int = 0
    seconds: float = 0.0


def labels_of(reading: FieldReading) -> tuple[str, ...]:
    """The labels of a field's digit boxes."""
    return tuple(box.label for box in reading.witnesses["digits"].boxes)


def boxes_right(labels: tuple[str, ...], number: int) -> int:
    """How many boxes hold what the number says: its digits, or padding or 0 before them."""
    wanted = str(number).rjust(len(labels))
    return sum(
        label == digit if digit != " " else label in PADDING | {"0"}
        for label, digit in zip(labels, wanted, strict=True)
    )


def pages_of(
    shared: Path, reader: Reader, tally: Tally
) -> Iterator[tuple[dict[str, str], str, PageReading]]:
    """Read every page: its row of ``truth.csv``, its file name, its reading."""
    folder = shared / FOLDER
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        for number in (1, 2):
            name = row[f"photo_p{number}"]
            started = time.process_time()
            (reading,) = read_file(folder / name, reader)
            tally.seconds += time.process_time() - started
            tally.pages += 1
            tally.placed += reading.form == FORM and reading.page == number
            yield row, name, reading


def count(row: dict[str, str], reading: PageReading, tally: Tally) -> None:
    """Compare one page with the truth."""
    tally.all_fields += len(reading.fields)
    tally.all_clear += sum(one.status is FieldStatus.CLEAR for one in reading.fields.values())
    for name, column in NUMBERS.items():
        if name not in reading.fields:
            continue
        read, number = reading.fields[name], int(row[column])
        labels = labels_of(read)
        tally.boxes += len(labels)
        tally.boxes_right += boxes_right(labels, number)
        tally.right += read.value == number
        settled = read.status in {FieldStatus.CLEAR, FieldStatus.BLANK}
        tally.clear += settled
        tally.review += not settled
        if settled and read.value != number:
            tally.silent.append(f"{reading.photo} {name}: {read.value} for {number}")


def table(tally: Tally) -> str:
    """The figures as a Markdown table."""
    numbers = tally.clear + tally.review
    return "\n".join(
        [
            "| C1-PPWP 2019 | |",
            "|---|---|",
            f"| pages placed | {tally.placed} of {tally.pages} |",
            f"| boxes of the seven numbers right | {tally.boxes_right} of {tally.boxes} |",
            f"| numbers right | {tally.right} of {numbers} |",
            f"| of them clear, review | {tally.clear}, {tally.review} |",
            f"| silent errors | {len(tally.silent)} |",
            f"| all fields clear | {tally.all_clear} of {tally.all_fields} |",
            f"| seconds a page (CPU) | {tally.seconds / max(1, tally.pages):.2f} |",
        ]
    )


def main() -> None:
    """Read the command line, read the scans, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scans_2019")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--overlays", type=Path, help="folder for a picture of each reading")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    reader, tally = load_reader(), Tally()
    for row, name, reading in pages_of(wanted.shared, reader, tally):
        count(row, reading, tally)
        if wanted.overlays:
            wanted.overlays.mkdir(parents=True, exist_ok=True)
            photo = open_photos((wanted.shared / FOLDER / name).read_bytes(), name)[0]
            picture = draw_overlay(photo, reading)
            cv2.imwrite(str(wanted.overlays / name.replace(".png", ".jpg")), picture)
    print(table(tally))
    for line in tally.silent:
        print(line)


if __name__ == "__main__":
    main()
