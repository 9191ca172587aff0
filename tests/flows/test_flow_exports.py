"""What goes out is complete, typed, and can't do harm in a spreadsheet or a terminal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from rich.console import Console

from flows import exports
from flows.exports import (
    COLUMNS,
    TooManyRows,
    conflicts_table,
    printable,
    write_csv,
    write_json,
    write_xlsx,
)
from models.records import Cause, Conflict, ConflictKind

MISMATCH = Conflict(
    tps="3216012001001",
    form="c-hasil-ppwp-2024",
    field="suara_paslon_1",
    kind=ConflictKind.VALUE_MISMATCH,
    entry=824,
    reading=24,
    confidence=0.9996,
    cause=Cause.PADDING_READ_AS_8,
    votes=800,
    priority=799.68,
    photo='a, "b".jpg',
    sha256="0" * 64,
    detail="The paper says 24 (clear), the system 824.",
)


def with_photo(name: str) -> Conflict:
    return MISMATCH.model_copy(update={"photo": name, "detail": f"{name} is empty."})


def test_json_is_an_array_of_the_records() -> None:
    out = io.StringIO()
    assert write_json([MISMATCH, with_photo("b.jpg")], out) == 2
    items = json.loads(out.getvalue())
    told = {name: items[0][name] for name in Conflict.model_fields}
    assert Conflict.model_validate(told) == MISMATCH
    assert list(items[0])[:11] == [
        *("tps", "form", "field", "kind", "entry", "reading"),
        *("confidence", "cause", "votes", "priority", "rule"),
    ]


@pytest.mark.parametrize("conflicts", [[], [MISMATCH]])
def test_json_is_valid_for_any_number(conflicts: list[Conflict]) -> None:
    out = io.StringIO()
    write_json(conflicts, out)
    assert len(json.loads(out.getvalue())) == len(conflicts)


def test_csv_has_a_header_and_quotes_what_must_be_quoted() -> None:
    out = io.StringIO(newline="")
    assert write_csv([MISMATCH], out) == 1
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert tuple(row) == COLUMNS
    assert row["photo"] == 'a, "b".jpg'
    assert (row["tps"], row["entry"], row["rule"]) == ("3216012001001", "824", "")


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0.jpg", "+1.jpg", "-2+3.jpg", "@SUM(A1).jpg", "\t=1.jpg", "\r=1.jpg"]
)
def test_a_file_name_never_becomes_a_formula(name: str, tmp_path: Path) -> None:
    out = io.StringIO(newline="")
    write_csv([with_photo(name)], out)
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["photo"] == f"'{name}"
    assert row["detail"].startswith("'")

    with (tmp_path / "a.xlsx").open("wb") as book:
        write_xlsx([with_photo(name)], book)
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    cell = sheet.cell(2, COLUMNS.index("photo") + 1)
    assert cell.data_type == "s"
    assert str(cell.value).replace("_x000D_", "\r").strip() == name.strip()


def test_numbers_keep_their_sign_and_type_in_a_workbook(tmp_path: Path) -> None:
    with (tmp_path / "a.xlsx").open("wb") as book:
        assert write_xlsx([MISMATCH, with_photo("\x1b[31m.jpg")], book) == 2
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    header, first, second = list(sheet.iter_rows())
    assert [cell.value for cell in header] == list(COLUMNS)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:{header[-1].column_letter}3"
    values = dict(zip(COLUMNS, first, strict=True))
    assert values["tps"].value == "3216012001001"
    assert values["tps"].data_type == "s"
    assert (values["entry"].value, values["entry"].data_type) == (824, "n")
    assert values["confidence"].value == 0.9996
    assert values["rule"].value is None
    assert second[COLUMNS.index("photo")].value == "�[31m.jpg"


def test_a_worksheet_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "SHEET_ROWS", 3)
    assert write_xlsx([MISMATCH] * 2, io.BytesIO()) == 2
    with pytest.raises(TooManyRows, match="more than 2"):
        write_xlsx([MISMATCH] * 3, io.BytesIO())


@pytest.mark.parametrize("width", [80, 160])
def test_a_table_shows_names_as_they_are_and_moves_no_cursor(width: int) -> None:
    photo = with_photo("[bold]\x1b[2J.jpg").model_copy(update={"field": None})
    out = io.StringIO()
    Console(file=out, width=width).print(conflicts_table([photo, MISMATCH], width))
    shown = out.getvalue()
    assert "\x1b" not in shown
    assert "The photo is empty." in shown
    assert "suara_paslon_1" in shown
    assert "padding read as 8" in shown
    assert max(len(line) for line in shown.splitlines()) <= width


@pytest.mark.parametrize("width", [80, 160])
def test_a_table_says_why_a_field_is_for_a_person(width: int) -> None:
    detail = "For review (not_measured): 24 was read."
    one = MISMATCH.model_copy(
        update={"kind": ConflictKind.UNREADABLE, "cause": None, "detail": detail}
    )
    out = io.StringIO()
    Console(file=out, width=width).print(conflicts_table([one], width))
    shown = out.getvalue().replace("_", " ")
    assert "For review (not measured)" in shown
    assert "suara paslon 1" in shown


@pytest.mark.parametrize("width", [80, 160])
def test_a_table_says_of_which_form_a_page_is_missing(width: int) -> None:
    detail = "No readable photo of page 3. It may be among those that could not be read: a.jpg."
    one = MISMATCH.model_copy(
        update={"kind": ConflictKind.PAGE_MISSING, "field": None, "photo": None, "detail": detail}
    )
    out = io.StringIO()
    Console(file=out, width=width).print(conflicts_table([one], width))
    shown = " ".join(out.getvalue().split())
    assert "page 3 of c-hasil-ppwp-2024." in shown.replace("- ", "-")


def test_printable_keeps_letters_of_all_alphabets() -> None:
    assert printable("Sukadaya 東\u202e\n") == "Sukadaya 東��"
