"""Which TPS a file names: a list of codes, or an export of conflicts or of items."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from models.errors import ChasilError

COLUMN = "tps"
"""What the column (in JSON: the key) is called in all of chasil's exports."""


class NoTpsInFile(ChasilError):
    """A file that should name TPS does not."""

    code = "no_tps_in_file"
    remedy = (
        "Give a text file with a 13-digit code on each line (`--tps-file`), or an export of "
        "`chasil conflicts` or of the review reports as CSV, XLSX or JSON (`--from-export`)."
    )


def tps_of_list(path: Path) -> tuple[str, ...]:
    """Codes of a text file, one a line; lines that are empty or begin with ``#`` are passed over.

    Raises:
        NoTpsInFile: a line is no code, or there is none.

    """
    lines = enumerate(_text(path).splitlines(), start=1)
    named = ((number, line.strip()) for number, line in lines)
    wanted = [(number, line) for number, line in named if line and not line.startswith("#")]
    return _codes(path, ((f"line {number}", line) for number, line in wanted))


def tps_of_export(path: Path) -> tuple[str, ...]:
    """The TPS that an export names; rows without one are passed over.

    Raises:
        NoTpsInFile: the file can't be read, has no column ``tps``, or names no TPS.

    """
    ending = path.suffix.lower()
    rows = {".json": _json, ".xlsx": _xlsx}.get(ending, _csv)(path)
    return _codes(path, ((f"row {number}", code) for number, code in rows if code))


def _codes(path: Path, named: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    codes: dict[str, None] = {}
    for place, text in named:
        code = text.strip().removeprefix("'")  # as a spreadsheet marks text
        if not re.fullmatch(r"[0-9]{13}", code):
            raise NoTpsInFile(f"{path.name}, {place}: {text[:40]!r} is no TPS code of 13 digits")
        codes[code] = None
    if not codes:
        raise NoTpsInFile(f"{path.name} names no TPS")
    return tuple(codes)


def _csv(path: Path) -> list[tuple[int, str]]:
    text = _text(path)
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        _check_column(path, reader.fieldnames or ())
        return [(reader.line_num, row.get(COLUMN) or "") for row in reader]
    except csv.Error as error:
        raise NoTpsInFile(f"{path.name}: no usable CSV: {error}") from error


def _json(path: Path) -> list[tuple[int, str]]:
    try:
        said = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise NoTpsInFile(f"{path.name}: no usable JSON: {error}") from error
    if not isinstance(said, list) or not all(isinstance(row, dict) for row in said):
        raise NoTpsInFile(f"{path.name}: a list of objects is expected")
    _check_column(path, {name for row in said for name in row})
    return [(number, str(row.get(COLUMN) or "")) for number, row in enumerate(said, start=1)]


def _xlsx(path: Path) -> list[tuple[int, str]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, InvalidFileException, zipfile.BadZipFile, KeyError) as error:
        raise NoTpsInFile(f"{path.name}: no usable workbook: {error}") from error
    found: list[tuple[int, str]] = []
    named = False
    try:
        for sheet in book.worksheets:
            rows = sheet.iter_rows(values_only=True)
            header = [str(cell or "").strip() for cell in next(rows, ())]
            if COLUMN not in header:
                continue
            named = True
            place = header.index(COLUMN)
            found += [
                (number, str(row[place] or ""))
                for number, row in enumerate(rows, start=2)
                if place < len(row)
            ]
    finally:
        book.close()
    if not named:
        _check_column(path, ())
    return found


def _check_column(path: Path, columns: Iterable[str]) -> None:
    known = list(columns)
    if COLUMN not in known:
        seen = ", ".join(known)[:100] or "none"
        raise NoTpsInFile(f"{path.name} has no column {COLUMN!r}; its columns: {seen}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NoTpsInFile(f"{path.name} can't be read: {error}") from error
