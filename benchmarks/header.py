"""Whose form it is: headers of photos filed rightly, and under another TPS of the kabupaten.

    python -m benchmarks.header                      100 drawn pages at each difficulty
    python -m benchmarks.header --shared ../shared   and the real photo from Klaten

Drawn pages come from a seed that nothing else uses; the TPS their headers name are Kabupaten
Bekasi's. The real one is held against a small table of real names of Klaten, with TPS 001 to 012 in
each desa. False alarms are photos filed rightly whose header is said to be another's.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from fixtures.headers import Claim, claims
from flows.train.header import FORM, ReadHeader, read_drawn_headers
from models.errors import PhotoError
from models.forms.template import load_form
from models.recognisers.evidence import HeaderEvidence, load_header_evidence
from models.recognisers.lines import load_line_recogniser
from models.regions import RegionTable, load_regions
from pipeline.cells import cut_cells
from pipeline.intake import open_each
from pipeline.place import place_page
from pipeline.whose import Whose, WhoseVerdict, whose_form
from pipeline.witnesses.header import read_header

SEED = 9101
KLATEN_TPS = "3310082001001"
KLATEN: Mapping[str, tuple[str, ...]] = {
    "BAYAT": ("BANYURIPAN", "BELUK", "JARUM", "KEBON", "PASEBAN", "WIRO", "TALANG", "TEGALREJO"),
    "CAWAS": ("BARAN", "BALAK", "BARAPAN", "BAWAK", "BENDUNGAN", "BOGOR", "CAWAS", "JAPANAN",
              "KEDUNGAMPEL", "NANGGULAN", "PAKISAN", "PLOSOWANGI", "POGUNG", "TIRTOMARTO"),
    "CEPER": ("CEPER", "DLIMAS", "JAMBUKULON", "KLEPU", "KURUNG", "MEGER", "NGAWONGGO", "PASUNGAN"),
    "DELANGGU": ("BANARAN", "BUTUHAN", "DELANGGU", "GATAK", "KARANG", "SABRANG", "SRIBIT"),
    "TRUCUK": ("BERO", "GADEN", "JATIPURO", "KRADENAN", "PALAR", "SABRANGLOR", "TRUCUK"),
    "WEDI": ("BIRIT", "CANAN", "GADUNGAN", "KALIGAYAM", "MELIKAN", "PANDES", "PESU", "TRUNUH"),
}  # fmt: skip
"""Kecamatan and desa of Kabupaten Klaten, from memory: real names, not all of them; codes and
numbers of TPS are made up for the benchmark, except that Klaten is 3310."""


def klaten() -> RegionTable:
    """The small table: Klaten's kecamatan above, each desa with twelve TPS."""
    names = {"33": "JAWA TENGAH", "3310": "KLATEN"}
    codes = {"BAYAT": "331007", "CAWAS": "331008"}
    for place, (kecamatan, all_desa) in enumerate(KLATEN.items(), start=11):
        code = codes.get(kecamatan, f"3310{place}")
        names[code] = kecamatan
        for number, desa in enumerate(all_desa, start=1):
            names[f"{code}2{number:03}"] = desa
            names |= {f"{code}2{number:03}{tps:03}": f"TPS {tps:03}" for tps in range(1, 13)}
    return RegionTable(names)


def read_real_header(photo: Path) -> ReadHeader:
    """The header of the photo from Klaten; raises ``PhotoError`` where the page is not found."""
    ((_, opened),) = open_each(photo.read_bytes(), photo.name)
    if isinstance(opened, PhotoError):
        raise opened
    cut = cut_cells(place_page(opened, (load_form(FORM),)))
    header = read_header(cut, load_line_recogniser())
    if header is None:
        raise ValueError(f"{photo.name}: no line of the header is in view")
    return ReadHeader(KLATEN_TPS, header)


Counted = dict[Claim, Counter[WhoseVerdict]]


def count(read: Iterable[ReadHeader], evidence: HeaderEvidence) -> tuple[Counted, list[str]]:
    """Verdicts by claim, and a line for each false alarm and each match that is none."""
    regions = load_regions()
    counts: Counted = defaultdict(Counter)
    mistakes = []
    for place, one in enumerate(read):
        rng = np.random.default_rng([SEED, place])
        for claim, tps in claims(one.tps, regions, rng):
            whose = whose_form(one.header, tps, regions, evidence)
            counts[claim][whose.verdict] += 1
            false = WhoseVerdict.MISMATCH if claim is Claim.RIGHT else WhoseVerdict.MATCH
            if whose.verdict is false:
                mistakes.append(f"{claim}, claimed {tps}, is of {one.tps}: {_told(whose)}")
    return counts, mistakes


def _told(whose: Whose) -> str:
    parts = ", ".join(f"{part} {one.text} ({one.nats:+.1f})" for part, one in whose.parts.items())
    return f"{whose.verdict} {whose.nats:+.1f}, {whose.likeliest}: {parts}"


def _add_rows(table: Table, name: str, counts: Counted) -> None:
    for claim, verdicts in counts.items():
        total = sum(verdicts.values())
        table.add_row(
            name,
            claim,
            str(total),
            *(f"{verdicts[v]} ({verdicts[v] / total:.0%})" for v in WhoseVerdict),
        )


def _show_real(console: Console, shared: Path, evidence: HeaderEvidence) -> None:
    folder = shared / "photos" / "c-hasil-ppwp-2024"
    (photo,) = sorted(folder.glob("klaten-*"))
    one, regions = read_real_header(photo), klaten()
    for claimed in (KLATEN_TPS, "3310082001002", "3310082002001", "3310072001001"):
        whose = whose_form(one.header, claimed, regions, evidence)
        console.print(f"{photo.name} claimed as {claimed}: {_told(whose)}")


def main() -> None:
    """Read the command line, read the headers, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.header")
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--difficulty", nargs="*", default=["field", "hard"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shared", type=Path)
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    evidence = load_header_evidence()
    console = Console(width=150)
    table = Table(title="Whose form it is", title_justify="left")
    for head in ("photos", "filed", "headers", *(v.replace("_", " ") for v in WhoseVerdict)):
        table.add_column(head)
    mistakes = []
    for difficulty in wanted.difficulty:
        read = read_drawn_headers(wanted.pages, SEED, difficulty, wanted.workers)
        counts, wrong = count(read, evidence)
        _add_rows(table, difficulty, counts)
        mistakes += [f"{difficulty}: {line}" for line in wrong]
    console.print(table)
    console.print(f"False alarms, and matches of photos filed wrongly: {len(mistakes)}")
    for line in mistakes:
        console.print(f"  {line}")
    if wanted.shared:
        _show_real(console, wanted.shared, evidence)


if __name__ == "__main__":
    main()
