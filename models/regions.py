"""Where a TPS is: KPU's 13-digit codes, the names of their regions, and the tree they form.

A code names its own ancestors: 2 digits provinsi, 4 kabupaten, 6 kecamatan, 10 desa (or
kelurahan), 13 TPS. ``load_regions("3216-kabupaten-bekasi")`` gives the table that ships with the
project; ``read_regions(path)`` reads any other, from

* Sirekap's hierarchy: a folder of JSON files, or one of them, each
  ``[{"id": …, "kode": "3216", "nama": "BEKASI", "tingkat": 2}, …]``;
* a CSV ``kode,nama[,tps]`` with a row a region; in a desa's row, ``tps`` may list the numbers of
  its TPS (``1-24 901``) instead of a row for each;
* a CSV ``kode_tps,kecamatan,kelurahan[,no_tps]`` with a row a TPS.
"""

from __future__ import annotations

import csv
import io
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

from models.errors import RegionsFileError
from models.records import Record, TpsCode


class Level(IntEnum):
    """How many digits of the code name a region of this level."""

    PROVINSI = 2
    KABUPATEN = 4
    KECAMATAN = 6
    DESA = 10
    TPS = 13

    @property
    def tingkat(self) -> int:
        """Sirekap's number for the level: 1 provinsi to 5 TPS."""
        return tuple(Level).index(self) + 1


class Region(Record):
    """One region, or one TPS."""

    code: str
    """2, 4, 6, 10 or 13 digits."""
    name: str
    """As the table has it; the code itself where the table gives no name."""
    level: Level


@dataclass(frozen=True, slots=True)
class RegionTree:
    """A region and everything below it."""

    region: Region
    children: tuple[RegionTree, ...] = ()


@dataclass(slots=True)
class _Rows:
    """Rows as they are read: each code once, with the place it was read at."""

    names: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, code: str, name: str, place: str) -> None:
        if not re.fullmatch(r"[0-9]+", code) or len(code) not in tuple(Level):
            raise RegionsFileError(
                f"{place}: a code has 2, 4, 6, 10 or 13 digits, not {code!r}", place=place
            )
        if code in self.names:
            raise RegionsFileError(
                f"{place}: {code} stands twice, first at {self.places[code]}", place=place
            )
        self.names[code] = name
        self.places[code] = place


class RegionTable:
    """Codes, names and the tree. Immutable; codes come in ascending order everywhere."""

    __slots__ = ("_children", "_names", "_tps")

    def __init__(self, names: Mapping[str, str]) -> None:
        """Build a table from code to name; ancestors without a row get their code as name.

        Raises:
            RegionsFileError: where a key is no code.

        """
        for code in names:
            level_of(code)
        known = dict(names)
        for code in names:
            for ancestor in _ancestor_codes(code):
                known.setdefault(ancestor, "")
        self._names = {code: known[code] or code for code in sorted(known)}
        self._tps = tuple(code for code in self._names if len(code) == Level.TPS)
        children: dict[str, list[str]] = {}
        for code in self._names:
            children.setdefault(parent_code(code), []).append(code)
        self._children = {code: tuple(below) for code, below in children.items()}

    def __contains__(self, code: object) -> bool:
        return code in self._names

    def __len__(self) -> int:
        """How many regions of all levels there are, TPS included."""
        return len(self._names)

    def __iter__(self) -> Iterator[Region]:
        return (self._region(code) for code in self._names)

    def region(self, code: str) -> Region:
        """The region of that code; ``KeyError`` where the table has none."""
        if code not in self._names:
            raise KeyError(code)
        return self._region(code)

    def children(self, code: str = "") -> tuple[Region, ...]:
        """Regions one level below; of ``""``, the provinsi. ``KeyError`` for an unknown code."""
        if code and code not in self._names:
            raise KeyError(code)
        return tuple(self._region(child) for child in self._children.get(code, ()))

    def at(self, level: Level, prefix: str = "") -> tuple[Region, ...]:
        """All regions of one level whose codes begin with ``prefix``."""
        return tuple(
            self._region(code)
            for code in self._names
            if len(code) == level and code.startswith(prefix)
        )

    def path(self, code: str) -> tuple[Region, ...]:
        """The region and its ancestors, provinsi first; ``KeyError`` for an unknown code."""
        if code not in self._names:
            raise KeyError(code)
        return tuple(self._region(step) for step in (*_ancestor_codes(code), code))

    def tree(self, code: str = "") -> tuple[RegionTree, ...]:
        """The trees below a region; of ``""``, of all provinsi."""
        return tuple(
            RegionTree(region=child, children=self.tree(child.code))
            for child in self.children(code)
        )

    def tps(self, prefix: str = "") -> tuple[TpsCode, ...]:
        """Codes of all TPS that begin with ``prefix`` (a region's code, or any first digits)."""
        first = bisect_left(self._tps, prefix)
        after = bisect_left(self._tps, prefix + ":")  # ":" sorts right after "9"
        return self._tps[first:after]

    def _region(self, code: str) -> Region:
        return Region(code=code, name=self._names[code], level=Level(len(code)))


def level_of(code: str) -> Level:
    """The level a code names.

    Raises:
        RegionsFileError: where it is no code of 2, 4, 6, 10 or 13 digits.

    """
    if not re.fullmatch(r"[0-9]+", code) or len(code) not in tuple(Level):
        raise RegionsFileError(f"a code has 2, 4, 6, 10 or 13 digits, not {code!r}", kode=code)
    return Level(len(code))


def parent_code(code: str) -> str:
    """The code one level up; ``""`` above a provinsi."""
    above = _ancestor_codes(code)
    return above[-1] if above else ""


def _ancestor_codes(code: str) -> tuple[str, ...]:
    return tuple(code[:level] for level in Level if level < len(code))


def installed_regions() -> tuple[str, ...]:
    """Names of the tables that ship with the project."""
    return tuple(
        sorted(
            entry.name.removesuffix(".csv")
            for entry in files("models.regions_data").iterdir()
            if entry.name.endswith(".csv")
        )
    )


@cache
def load_regions(name: str = "3216-kabupaten-bekasi") -> RegionTable:
    """Load a table that ships with the project; raises ``RegionsFileError``."""
    if name not in installed_regions():
        known = ", ".join(installed_regions())
        raise RegionsFileError(f"no table {name!r} is installed; there are: {known}", file=name)
    content = (files("models.regions_data") / f"{name}.csv").read_bytes()
    rows = _Rows()
    _add_csv(rows, content, f"{name}.csv")
    return RegionTable(rows.names)


def read_regions(path: Path) -> RegionTable:
    """Read a table of regions from a CSV, a JSON file or a folder of Sirekap's JSON files.

    Raises:
        RegionsFileError: with the file and the row; also where a code stands twice.

    """
    rows = _Rows()
    if path.is_dir():
        found = sorted(path.rglob("*.json"))
        if not found:
            raise RegionsFileError(f"{path}: no .json file in this folder", file=str(path))
        for file in found:
            _add_json(rows, _content(file), file.relative_to(path).as_posix())
    elif path.suffix.lower() == ".json":
        _add_json(rows, _content(path), path.name)
    else:
        _add_csv(rows, _content(path), path.name)
    if not rows.names:
        raise RegionsFileError(f"{path}: no region in this table", file=str(path))
    return RegionTable(rows.names)


def table_as_csv(table: RegionTable) -> str:
    """A table as the text of a CSV; equal tables are equal texts."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("kode", "nama"))
    writer.writerows(sorted((region.code, region.name) for region in table))
    return out.getvalue()


def table_of_csv(text: str, name: str) -> RegionTable:
    """The table of a CSV's text; ``name`` is for errors, which are those of ``read_regions``."""
    rows = _Rows()
    _add_csv(rows, text.encode(), name)
    return RegionTable(rows.names)


def joined(older: RegionTable | None, newer: RegionTable) -> RegionTable:
    """Both tables in one; where both name a region, the newer one's name counts."""
    names: dict[str, str] = {}
    for region in (*(older or ()), *newer):
        if region.name != region.code or region.code not in names:  # a code is no name
            names[region.code] = region.name
    return RegionTable(names)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RegionsFileError(f"{path}: {error.strerror}", file=str(path)) from error


def _add_json(rows: _Rows, content: bytes, file: str) -> None:
    try:
        items: object = json.loads(content)
    except ValueError as error:
        raise RegionsFileError(f"{file}: no JSON: {error}", file=file) from error
    if not isinstance(items, list):
        raise RegionsFileError(f"{file}: a list of regions is expected", file=file)
    for number, item in enumerate(items, start=1):
        place = f"{file}, item {number}"
        if not isinstance(item, dict):
            raise RegionsFileError(f"{place}: an object is expected, not {item!r}", place=place)
        code, name, tingkat = item.get("kode"), item.get("nama"), item.get("tingkat")
        if not isinstance(code, str) or not isinstance(name, str):
            raise RegionsFileError(f"{place}: kode and nama are texts", place=place)
        rows.add(code, name.strip(), place)
        if tingkat is not None and tingkat != Level(len(code)).tingkat:
            raise RegionsFileError(
                f"{place}: {code} is of tingkat {Level(len(code)).tingkat}, not {tingkat!r}",
                place=place,
            )


def _add_csv(rows: _Rows, content: bytes, file: str) -> None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegionsFileError(f"{file}: the text is not UTF-8: {error}", file=file) from error
    first_line = text.partition("\n")[0]
    # Excel set to Indonesian writes semicolons.
    delimiter = ";" if ";" in first_line and "," not in first_line else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        header = tuple(reader.fieldnames or ())
        if {"kode", "nama"} <= set(header) <= {"kode", "nama", "tps"}:
            _add_region_rows(rows, reader, file)
        elif {"kode_tps", "kecamatan", "kelurahan"} <= set(header):
            _add_tps_rows(rows, reader, file)
        else:
            raise RegionsFileError(
                f"{file}: the header is kode,nama[,tps] or kode_tps,kecamatan,kelurahan[,no_tps], "
                f"not {','.join(header)!r}",
                file=file,
            )
    except csv.Error as error:
        raise RegionsFileError(f"{file}, line {reader.line_num}: {error}", file=file) from error


def _add_region_rows(rows: _Rows, reader: csv.DictReader[str], file: str) -> None:
    for place, row in _whole_rows(reader, file):
        code = row["kode"]
        rows.add(code, row["nama"], place)
        numbers = row.get("tps", "")
        if not numbers:
            continue
        if len(code) != Level.DESA:
            raise RegionsFileError(f"{place}: only a desa's row lists TPS", place=place)
        for number in _tps_numbers(numbers, place):
            rows.add(f"{code}{number:03}", f"TPS {number:03}", place)


def _add_tps_rows(rows: _Rows, reader: csv.DictReader[str], file: str) -> None:
    for place, row in _whole_rows(reader, file):
        code = row["kode_tps"]
        if len(code) != Level.TPS:
            raise RegionsFileError(f"{place}: a TPS code has 13 digits, not {code!r}", place=place)
        number = row.get("no_tps", "")
        if number and number.zfill(3) != code[Level.DESA :]:
            raise RegionsFileError(f"{place}: {code} is not TPS {number}", place=place)
        rows.add(code, f"TPS {code[Level.DESA :]}", place)
        for above, name in (
            (code[: Level.KECAMATAN], row["kecamatan"]),
            (code[: Level.DESA], row["kelurahan"]),
        ):
            if above not in rows.names:
                rows.add(above, name, place)
            elif rows.names[above] != name:
                raise RegionsFileError(
                    f"{place}: {above} is {name!r} here and {rows.names[above]!r} "
                    f"at {rows.places[above]}",
                    place=place,
                )


def _whole_rows(reader: csv.DictReader[str], file: str) -> Iterable[tuple[str, dict[str, str]]]:
    """Each row with its place, cells stripped; raises where cells are missing or too many."""
    for row in reader:
        place = f"{file}, line {reader.line_num}"
        if None in row or None in row.values():
            raise RegionsFileError(
                f"{place}: {len(reader.fieldnames or ())} cells are expected", place=place
            )
        yield place, {column: cell.strip() for column, cell in row.items()}


def _tps_numbers(text: str, place: str) -> Iterator[int]:
    """``1-24 901`` → 1, 2, … 24, 901."""
    for part in text.split():
        match = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", part)
        if match is None or not 1 <= int(match[1]) <= int(match[2] or match[1]):
            raise RegionsFileError(
                f"{place}: TPS numbers are written 1-24 or 7, not {part!r}", place=place
            )
        yield from range(int(match[1]), int(match[2] or match[1]) + 1)
