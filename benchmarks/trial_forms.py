r"""The filled photos of the 2022 trial forms in the shared folder, read as installed forms.

    python -m benchmarks.trial_forms --shared ../shared

Three photos with ``truth.json`` (``x`` crossed out, ``b`` nothing written). The trial app's own
pipeline reads 202 of 203 digits and all 77 blanks and 29 crosses on its six photos.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from benchmarks.scans_2019 import labels_of
from models.records import FieldStatus, PageReading
from pipeline.read import Reader, load_reader, read_file

FOLDER = Path("photos/c-digital")

_DATA = {
    **{
        f"{short}{row}{theirs}": f"{ours}_{who}"
        for short, names in (
            ("DP", ("pemilih_dpt", "pemilih_dptb", "pemilih_non_dpt", "pemilih_total")),
            ("PHP", ("pengguna_dpt", "pengguna_dptb", "pengguna_non_dpt", "pengguna_total")),
            ("DPD", ("disabilitas_terdaftar", "disabilitas")),
        )
        for row, ours in enumerate(names, 1)
        for theirs, who in (("L", "l"), ("P", "p"), ("T", "j"))
    },
    "PSS1": "surat_suara_digunakan",
    "PSS2": "surat_suara_dikembalikan",
    "PSS3": "surat_suara_tidak_digunakan",
    "PSS4": "surat_suara_diterima",
}
_PPWP = {f"suara_sah_{number}": f"suara_paslon_{number}" for number in (1, 2, 3)} | {
    name: name for name in ("suara_sah", "suara_tidak_sah", "suara_total")
}
_PARTY = {f"calon{number}": f"suara_calon_{number}" for number in range(1, 11)} | {
    "partai": "suara_partai",
    "jumlah": "suara_partai_total",
}
PHOTOS = {
    "data_sample_01.jpg": ("netgrit-2022-ppwp", 1, _DATA),
    "pwp_sample_01.jpg": ("netgrit-2022-ppwp", 2, _PPWP),
    "dpr10_sample_01.jpeg": ("netgrit-2022-dpr-10", 1, _PARTY),
}
"""Photo to its form and page, and their names of fields to ours."""

_LABELS = {"b": "blank", "x": "x"}


@dataclass
class PhotoFigures:
    """What was counted on one photo."""

    name: str
    placed: bool
    seconds: float
    boxes: Counter[str] = field(default_factory=Counter)
    """``digits``, ``crosses``, ``blanks`` and how many of each are ``… right``."""
    numbers: int = 0
    right: int = 0
    clear: int = 0
    silent: list[str] = field(default_factory=list)
    wrong_boxes: list[str] = field(default_factory=list)


def figures(shared: Path, reader: Reader) -> list[PhotoFigures]:
    """Read the three photos and compare them with the truth."""
    truth = json.loads((shared / FOLDER / "truth.json").read_text(encoding="utf-8"))
    answers = []
    for name, (form, page, names) in PHOTOS.items():
        started = time.process_time()
        (reading,) = read_file(shared / FOLDER / name, reader)
        seconds = time.process_time() - started
        placed = reading.form == form and reading.page == page
        one = PhotoFigures(name, placed, seconds)
        if placed:
            _compare(truth[name], names, reading, one)
        answers.append(one)
    return answers


def _compare(
    truth: dict[str, dict[str, object]],
    names: dict[str, str],
    reading: PageReading,
    one: PhotoFigures,
) -> None:
    for theirs, written in truth["digits"].items():
        read = reading.fields[names[theirs]]
        for place, (sign, label) in enumerate(zip(str(written), labels_of(read), strict=True)):
            wanted = _LABELS.get(sign, sign)
            kind = {"b": "blanks", "x": "crosses"}.get(sign, "digits")
            one.boxes[kind] += 1
            one.boxes[f"{kind} right"] += wanted == label
            if wanted != label:
                one.wrong_boxes.append(f"{names[theirs]} box {place + 1}: {label} for {wanted}")
        number = truth["numbers"][theirs]
        one.numbers += 1
        one.right += read.value == number
        settled = read.status in {FieldStatus.CLEAR, FieldStatus.BLANK}
        one.clear += settled
        if settled and read.value != number:
            one.silent.append(f"{names[theirs]}: {read.value} for {number}")


def table(answers: list[PhotoFigures]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| photo | placed | digits | crosses | blanks | numbers right | clear | silent | s (CPU) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in answers:
        kinds = " | ".join(
            f"{one.boxes[f'{kind} right']} of {one.boxes[kind]}"
            for kind in ("digits", "crosses", "blanks")
        )
        lines.append(
            f"| {one.name} | {'yes' if one.placed else 'no'} | {kinds} "
            f"| {one.right} of {one.numbers} | {one.clear} | {len(one.silent)} "
            f"| {one.seconds:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, read the photos, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trial_forms")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    answers = figures(wanted.shared, load_reader())
    print(table(answers))
    for one in answers:
        for line in (*one.wrong_boxes, *one.silent):
            print(f"{one.name} {line}")


if __name__ == "__main__":
    main()
