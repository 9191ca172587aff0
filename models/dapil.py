"""Electoral districts (dapil), from a table that the user brings: none ships with chasil.

A CSV with a header and two columns, ``code`` (first digits of TPS codes) and ``dapil`` (its name).
A dapil may have many rows; of several prefixes that fit a TPS the longest counts, so a kecamatan
can be taken out of the kabupaten that is around it.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from models.errors import InputFileError
from models.records import TpsCode

COLUMNS = ("code", "dapil")


class DapilFileError(InputFileError):
    """A table of dapil that does not say what it should."""

    code = "dapil_file"
    remedy = (
        "Give a CSV with the columns code,dapil: the first digits of TPS codes (3216 or 321603), "
        "and the dapil's name."
    )


class DapilTable:
    """Prefixes of TPS codes to names."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        self._lengths = sorted({len(prefix) for prefix in names}, reverse=True)

    def of(self, tps: TpsCode) -> str | None:
        """The dapil of a TPS; ``None`` where the table has none for it."""
        for length in self._lengths:
            name = self._names.get(tps[:length])
            if name is not None:
                return name
        return None


def read_dapil(path: Path) -> DapilTable:
    """Read a table.

    Raises:
        DapilFileError: it can't be read, has other columns, or a row that can't be used.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DapilFileError(f"{path}: can't be read: {error}", file=str(path)) from error
    first = text.partition("\n")[0]
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=";" if ";" in first and "," not in first else ","
    )
    header = tuple(name.strip() for name in reader.fieldnames or ())
    if set(header) != set(COLUMNS):
        raise DapilFileError(f"{path}: its columns are {', '.join(header)}", file=str(path))
    reader.fieldnames = list(header)
    names: dict[str, str] = {}
    for row in reader:
        prefix, name = ((row[column] or "").strip() for column in COLUMNS)
        place = f"{path}, line {reader.line_num}"
        if not re.fullmatch(r"[0-9]{2,13}", prefix) or not name:
            raise DapilFileError(f"{place}: {prefix!r},{name!r}", place=place)
        if prefix in names:
            raise DapilFileError(f"{place}: {prefix} stands twice", place=place)
        names[prefix] = name
    if not names:
        raise DapilFileError(f"{path}: no row below the header", file=str(path))
    return DapilTable(names)
