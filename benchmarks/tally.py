r"""How well the tally is read: cells, rows and row totals, on real photos and drawn pages.

    python -m benchmarks.tally --shared ../shared [--pages 60] [--overlays FOLDER]

The three filled real photos that show a tally are of three hands. A cell is right where its
number of strokes is; a cell that is shut as unused counts 0, as an empty one does. A row is right
where its strokes are added up right, of the rows none of whose cells is marked uncertain.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
from rich.console import Console
from rich.table import Table

from benchmarks.trial_photos import drawn_over, trial_photos
from fixtures.pages import field_page
from models.errors import PhotoError
from models.forms.template import load_form
from models.recognisers.row_totals import load_row_digit_recogniser
from models.recognisers.tally import load_tally_recogniser
from models.records import TallyRow, Witness
from pipeline.cells import cut_cells
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.states import CutPage
from pipeline.witnesses.tally import read_grids, read_tally

KLATEN = "klaten-cawas-baran-001-p2.png"
FORM = "c-hasil-ppwp-2024"
SIGNS = {"blank": "b", "dash": "-", "other": "?"}


@dataclass(frozen=True)
class Truth:
    """What one field's tally holds."""

    cells: Sequence[Sequence[str]]
    """``0`` to ``5``, or another word for a cell without a vote."""
    totals: Sequence[str | None]
    """Of each row, as ``24``, ``x3`` or ``b3``; ``None`` where nobody wrote a total."""


@dataclass
class Tally:
    """What was counted on one kind of photo."""

    fields: int = 0
    numbers_right: int = 0
    cells: int = 0
    cells_right: int = 0
    stroked: int = 0
    """Cells with strokes in them."""
    stroked_right: int = 0
    uncertain: int = 0
    rows: int = 0
    certain_rows: int = 0
    certain_right: int = 0
    digits: int = 0
    digits_right: int = 0
    totals: int = 0
    totals_right: int = 0
    unwritten: int = 0
    invented: int = 0
    """Rows without a total that got one."""
    mistakes: list[str] = field(default_factory=list)

    def add(self, name: str, witness: Witness, truth: Truth) -> None:
        """Count one field."""
        self.fields += 1
        votes = 0
        for row, cells in zip(witness.rows, truth.cells, strict=True):
            votes += self._row(name, row, cells, truth.totals[row.row - 1])
        self.numbers_right += witness.value == (votes or None) or (votes == 0 == witness.value)

    def _row(self, name: str, row: TallyRow, cells: Sequence[str], written: str | None) -> int:
        where = f"{name} row {row.row}"
        counts = [int(label) if label.isdigit() else 0 for label in cells]
        for place, (cell, count) in enumerate(zip(row.cells, counts, strict=True), start=1):
            said = 0 if cell.label == "struck" else int(cell.label) if cell.label != "other" else -1
            self.cells += 1
            self.cells_right += said == count
            self.stroked += count > 0
            self.stroked_right += count > 0 and said == count
            self.uncertain += place in row.uncertain
            if said != count:
                self.mistakes.append(
                    f"{where} cell {place}: {count} read as {cell.label} ({cell.confidence:.2f})"
                )
        self.rows += 1
        if not row.uncertain:
            self.certain_rows += 1
            self.certain_right += row.strokes == sum(counts)
            if row.strokes != sum(counts):
                self.mistakes.append(f"{where}: {sum(counts)} strokes read as {row.strokes}")
        if row.digits:
            self._total(where, row, written)
        return sum(counts)

    def _total(self, where: str, row: TallyRow, written: str | None) -> None:
        if written is None:
            self.unwritten += 1
            self.invented += row.written is not None
            if row.written is not None:
                self.mistakes.append(f"{where}: no total, read as {row.written}")
            return
        said = "".join(SIGNS.get(box.label, box.label) for box in row.digits)
        self.digits += len(written)
        self.digits_right += sum(a == b for a, b in zip(said, written, strict=True))
        number = written.lstrip("xb-")
        self.totals += 1
        self.totals_right += row.written == (int(number) if number else None)
        if said != written:
            self.mistakes.append(f"{where}: total {written} read as {said}")


def real(shared: Path, overlays: Path | None) -> Iterator[tuple[str, Tally]]:
    """Klaten's page through the pipeline, and the two trial forms."""
    content = (shared / "photos/c-hasil-ppwp-2024" / KLATEN).read_bytes()
    truth = _truth(shared / "photos/c-hasil-ppwp-2024/truth.json")[KLATEN]
    cut = cut_cells(place_page(open_photos(content, KLATEN)[0], [load_form(FORM)]))
    tally = Tally()
    for name, witness in _read(cut).items():
        tally.add(name, witness, _real_truth(truth, name.replace("suara_paslon", "suara_sah")))
    yield "Klaten 2024", tally
    every = _truth(shared / "photos/c-digital/truth.json")
    for photo in trial_photos(shared):
        if overlays is not None:
            overlays.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(overlays / f"{Path(photo.name).stem}.png"), drawn_over(photo))
        tally = Tally()
        grids = {name: (grid, photo.row_totals[name]) for name, grid in photo.tally.items()}
        for name, witness in read_grids(
            grids, load_tally_recogniser(), load_row_digit_recogniser()
        ).items():
            tally.add(name, witness, _real_truth(every[photo.name], name))
        yield photo.name, tally


def drawn(difficulty: str, pages: int, seed: int) -> Tally:
    """Page 2 of drawn forms, through the pipeline."""
    tally = Tally()
    for index in range(pages):
        page = field_page(index, seed, difficulty, page=2)
        try:
            placed = place_page(open_photos(page.content, "drawn")[0], [load_form(FORM)])
        except PhotoError:
            continue
        for name, witness in _read(cut_cells(placed)).items():
            truth = page.truth.fields[name]
            if truth.tally_cells is None or truth.row_totals is None:
                continue
            totals = [None if t is None else t.replace("_", "b") for t in truth.row_totals]
            tally.add(f"{difficulty} {index} {name}", witness, Truth(truth.tally_cells, totals))
    return tally


def _read(cut: CutPage) -> dict[str, Witness]:
    return read_tally(cut, load_tally_recogniser(), load_row_digit_recogniser())


def _truth(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _real_truth(truth: Mapping[str, Any], name: str) -> Truth:
    """Rows and cells that ``truth.json`` leaves out are unused."""
    rows = [[str(label) for label in row] for row in truth["tally"].get(name, [])]
    rows = [row + ["0"] * (12 - len(row)) for row in rows]
    rows += [["0"] * 12 for _ in range(5 - len(rows))]
    totals = [truth["row_total_digits"].get(f"{name}-rowtotal{row}") for row in range(1, 6)]
    return Truth(rows, [None if total == "bb" else total for total in totals])


def table_of(counted: Mapping[str, Tally]) -> Table:
    """One line a kind of photo."""
    table = Table(title="Tally")
    for column in (
        *("photos", "numbers right", "cells right", "with strokes", "uncertain cells"),
        *("rows certain", "of these right", "total digits right", "totals right", "invented"),
    ):
        table.add_column(column, justify="left" if column == "photos" else "right")
    for name, tally in counted.items():
        table.add_row(
            name,
            f"{tally.numbers_right}/{tally.fields}",
            _share(tally.cells_right, tally.cells),
            _share(tally.stroked_right, tally.stroked),
            str(tally.uncertain),
            f"{tally.certain_rows}/{tally.rows}",
            f"{tally.certain_right}/{tally.certain_rows}",
            _share(tally.digits_right, tally.digits),
            f"{tally.totals_right}/{tally.totals}",
            f"{tally.invented}/{tally.unwritten}",
        )
    return table


def _share(right: int, count: int) -> str:
    return f"{right}/{count} ({100 * right / count:.2f} %)" if count else "-"


def main() -> None:
    """Read the command line, print the table and every mistake."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tally", description=__doc__)
    parser.add_argument("--shared", type=Path, help="folder of the real material")
    parser.add_argument("--pages", type=int, default=60, help="drawn pages of each difficulty")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--overlays", type=Path, help="where to draw how the trial forms were cut")
    chosen = parser.parse_args()
    counted = dict(real(chosen.shared, chosen.overlays)) if chosen.shared else {}
    for difficulty in ("field", "hard") if chosen.pages else ():
        counted[f"drawn, {difficulty}"] = drawn(difficulty, chosen.pages, chosen.seed)
    console = Console(width=170)
    console.print(table_of(counted))
    for name, tally in counted.items():
        for mistake in tally.mistakes:
            console.print(f"{name}: {mistake}", highlight=False)


if __name__ == "__main__":
    main()
