"""Rows as CSV, JSON and workbooks with several sheets; texts from outside never run as formulas."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import IO, Any, TextIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from flows.exports import SHEET_ROWS, TooManyRows, harmless, typed_cell

Row = Mapping[str, Any]

WIDTH = 14
"""Characters of a column; texts longer than that are cut by the next cell, not lost."""


def write_rows_csv(columns: Sequence[str], rows: Iterable[Row], out: TextIO) -> int:
    """Write a CSV with a header; returns how many rows follow it. Open ``out`` with newline=""."""
    writer = csv.writer(out)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(harmless(plain(row.get(column))) for column in columns)
        count += 1
    return count


def write_rows_json(rows: Iterable[Row], out: TextIO) -> int:
    """Write a JSON array, one object a line; returns how many."""
    count = 0
    out.write("[")
    for count, row in enumerate(rows, start=1):
        out.write(",\n" if count > 1 else "\n")
        told = {name: plain(value) for name, value in row.items()}
        out.write(json.dumps(told, ensure_ascii=False))
    out.write("\n]\n")
    return count


def write_workbook(
    sheets: Mapping[str, tuple[Sequence[str], Iterable[Row]]], out: IO[bytes]
) -> dict[str, int]:
    """Write a workbook; each sheet has a header that stays in view, and filters.

    Args:
        sheets: Name to columns and rows.
        out: Where to.

    Returns:
        Sheet to how many rows it has.

    Raises:
        TooManyRows: more than a worksheet holds.

    """
    book = Workbook(write_only=True)
    counts: dict[str, int] = {}
    for name, (columns, rows) in sheets.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for place in range(1, len(columns) + 1):
            sheet.column_dimensions[get_column_letter(place)].width = WIDTH
        header = [WriteOnlyCell(sheet, column) for column in columns]
        for cell in header:
            cell.font = Font(bold=True)
        sheet.append(header)
        count = 0
        try:
            for count, row in enumerate(rows, start=1):
                if count >= SHEET_ROWS:
                    raise TooManyRows(f"there are more than {SHEET_ROWS - 1:,} rows in {name}")
                sheet.append([typed_cell(sheet, plain(row.get(column))) for column in columns])
            if columns:
                sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count + 1}"
        finally:
            sheet.close()
        counts[name] = count
    book.save(out)
    return counts


def plain(value: object) -> Any:  # noqa: ANN401
    """A value as one cell holds it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return ", ".join(str(plain(one)) for one in value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
