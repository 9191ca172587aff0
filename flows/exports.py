"""Conflicts as JSON, CSV, Excel workbook, or a table on the terminal.

File names, and with them cells, come from whoever uploads photos. A spreadsheet takes a cell that
begins with ``=``, ``+``, ``-`` or ``@`` for a formula and runs it, so such text never goes out as
it is: in CSV an apostrophe is put before it, in a workbook the cell is marked as text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from textwrap import shorten
from typing import IO, Any, TextIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from models.elections import Election, election_of
from models.errors import ChasilError
from models.records import Conflict, ConflictKind
from models.regions import Level, RegionTable

REGION_COLUMNS = ("kecamatan", "desa")
"""Names, where a table of regions knows the TPS's; they stand last."""

COLUMNS = (*Conflict.model_fields, *REGION_COLUMNS)
"""In the order of the record: tps, form, field, kind, entry, reading, …"""

RegionName = Callable[[str], str | None]
"""Code of a region to its name; ``None`` where no table has it."""


def no_names(_code: str) -> str | None:
    """Names no region."""
    return None


def names_of(table: RegionTable) -> RegionName:
    """Names of one table; a region that it knows by its code alone has none."""

    def name(code: str) -> str | None:
        found = table.region(code).name if code in table else code
        return None if found == code else found

    return name


WIDTHS = {
    "tps": 15,
    "form": 20,
    "field": 22,
    "kind": 20,
    "kecamatan": 18,
    "desa": 18,
    "cause": 18,
    "photo": 40,
    "detail": 70,
}
"""Column widths in characters; the others take 12."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take text for a formula (OWASP, "CSV Injection")."""

WIDE = 130
"""Characters a terminal must have for the columns with the cause and the whole sentence."""

SHORT = 70
"""Characters of a sentence that a narrow terminal shows."""

SHEET_ROWS = 1_048_576
"""Rows of a worksheet, by Microsoft's specification of Excel."""


class TooManyRows(ChasilError):
    """An Excel worksheet can't hold them all."""

    code = "too_many_rows"
    remedy = "Export a part of it (`--kind`, `--region`), or choose `--format csv`."


def conflict_row(conflict: Conflict, region: RegionName = no_names) -> dict[str, Any]:
    """A conflict as plain values, one a column."""
    tps = conflict.tps
    names = {
        "kecamatan": region(tps[: Level.KECAMATAN]) if tps else None,
        "desa": region(tps[: Level.DESA]) if tps else None,
    }
    told = conflict.model_dump(mode="json") | names
    return {column: told[column] for column in COLUMNS}


def write_json(conflicts: Iterable[Conflict], out: TextIO, region: RegionName = no_names) -> int:
    """Write a JSON array, one conflict a line; returns how many."""
    count = 0
    out.write("[")
    for count, conflict in enumerate(conflicts, start=1):
        out.write(",\n" if count > 1 else "\n")
        out.write(json.dumps(conflict_row(conflict, region), ensure_ascii=False))
    out.write("\n]\n")
    return count


def write_csv(conflicts: Iterable[Conflict], out: TextIO, region: RegionName = no_names) -> int:
    """Write a CSV with a header (RFC 4180); returns how many rows follow it.

    Open ``out`` with ``newline=""``.
    """
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    count = 0
    for conflict in conflicts:
        writer.writerow(harmless(value) for value in conflict_row(conflict, region).values())
        count += 1
    return count


def write_xlsx(conflicts: Iterable[Conflict], out: IO[bytes], region: RegionName = no_names) -> int:
    """Write an Excel workbook with typed cells, a frozen header and filters; returns the rows.

    Raises:
        TooManyRows: more than a worksheet holds.

    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet("conflicts")
    sheet.freeze_panes = "A2"
    for place, column in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = WIDTHS.get(column, 12)
    header = [WriteOnlyCell(sheet, column) for column in COLUMNS]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    count = 0
    try:
        for count, conflict in enumerate(conflicts, start=1):
            if count >= SHEET_ROWS:
                raise TooManyRows(f"there are more than {SHEET_ROWS - 1:,} conflicts")
            sheet.append(
                [typed_cell(sheet, value) for value in conflict_row(conflict, region).values()]
            )
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(COLUMNS))}{count + 1}"
    finally:
        sheet.close()  # also where it is given up: its rows wait in a temporary file
    book.save(out)
    return count


def conflicts_table(conflicts: Iterable[Conflict], width: int) -> Table:
    """The most telling columns, for a terminal of so many characters."""
    wide = width >= WIDE
    table = Table(
        title="Conflicts, the most urgent first",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("TPS", no_wrap=True)
    table.add_column("conflict")
    table.add_column("field" if wide else "where", overflow="fold")
    table.add_column("entry", justify="right", no_wrap=True)
    table.add_column("paper", justify="right", no_wrap=True)
    table.add_column("conf.", justify="right", no_wrap=True)
    if wide:
        table.add_column("probable cause")
        table.add_column("what", ratio=1)
    for conflict in conflicts:
        kind = _words(conflict.kind.value)
        cause = _words(conflict.cause.value) if conflict.cause else ""
        what = _about(conflict)
        row = [
            conflict.tps or "unknown",
            kind if wide or not cause else f"{kind}\n  {cause}",
            _where(conflict, what, wide=wide),
            "" if conflict.entry is None else f"{conflict.entry:,}",
            "" if conflict.reading is None else f"{conflict.reading:,}",
            "" if conflict.confidence is None else f"{conflict.confidence:.3f}",
        ]
        table.add_row(*(Text(cell) for cell in (*row, *([cause, what] if wide else []))))
    return table


def _where(conflict: Conflict, what: str, *, wide: bool) -> str:
    """The field, and what a narrow table has no column for: what it is about, or why a person."""
    field = _field(conflict)
    if wide or (field and conflict.kind is not ConflictKind.UNREADABLE):
        return field
    if field:
        why, _, _number = what.partition(": ")  # the number has its own column
        return f"{field}\n  {shorten(_words(why), SHORT, placeholder=' …')}"
    return shorten(what, SHORT, placeholder=" …")


def _field(conflict: Conflict) -> str:
    """The field; with its election where that is not the presidential one."""
    election = election_of(conflict.form)
    if conflict.field is None or election is None or election is Election.PPWP:
        return conflict.field or ""
    return f"{election}: {conflict.field}"


def _about(conflict: Conflict) -> str:
    """The conflict's sentence, without the photo's long name, with the form of a missing page."""
    detail = conflict.detail
    if conflict.photo and detail.startswith(conflict.photo):
        detail = f"The photo{detail.removeprefix(conflict.photo)}"
    if conflict.kind is ConflictKind.PAGE_MISSING and conflict.form:
        # Who forgot `--form` sees here that another form's pages were waited for.
        first, stop, rest = detail.partition(".")
        detail = f"{first} of {conflict.form}{stop}{rest}"
    return printable(detail)


def printable(text: str) -> str:
    """The text without what could move a terminal's cursor or change its colours."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _words(name: str) -> str:
    return name.replace("_", " ")


def harmless(value: object) -> object:
    """A value for a CSV: an apostrophe before a text that a spreadsheet would run."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def typed_cell(sheet: Any, value: object) -> WriteOnlyCell:  # noqa: ANN401
    """A number as a number, a text as a text, whatever it begins with."""
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value)
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("�", value))
    cell.data_type = "s"
    return cell
