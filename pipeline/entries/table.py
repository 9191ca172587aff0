"""Reported numbers as CSV: a row a TPS, a column a field. An empty cell is unknown, never 0.

Columns of our own layout are named by fields. Which form they are of is said by the user or the
path, or by the columns themselves: of the elections of 2024 only ppwp has ``suara_paslon_1``. Rows
of parties and persons do not say which election they are of.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from types import MappingProxyType

from models.elections import SHARED_FIELDS, election_of
from models.errors import EntriesFileError
from models.forms.template import installed_forms, load_form
from models.party_fields import party_field
from models.records import Entry
from pipeline.entries.own_forms import FORM_COLUMN, form_of_columns
from pipeline.entries.problems import OnProblem, raise_problem
from pipeline.entries.sirekap import ADMINISTRASI_FIELDS, PPWP_FORM, check_tps, parse_time
from pipeline.entries.whose_election import WhichElection


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How the columns of a table are called."""

    name: str
    tps: str
    """Column of the 13-digit code."""
    fields: Mapping[str, str]
    """Column to our field; a table may have fewer columns."""
    tps_parts: tuple[str, ...] = ()
    """Columns whose leading digits, joined, are the code again (``31-dki_jakarta``, …)."""
    time: str | None = None
    """Column of the source's time stamp."""
    psu: str | None = None
    ignored: frozenset[str] = frozenset()
    """Columns that hold no number of the form."""
    form: str = PPWP_FORM
    """Id of the form the fields are of."""

    def fits(self, header: Sequence[str]) -> bool:
        """Whether a header has this layout's code and fields, and nothing else."""
        known = {self.tps, self.time, self.psu, *self.fields, *self.tps_parts, *self.ignored}
        return {self.tps, *self.tps_parts} <= set(header) <= known and any(
            column in self.fields for column in header
        )


OWN_LAYOUT = TableLayout(
    name="tps and field names",
    tps="tps",
    fields=MappingProxyType({name: name for name in load_form(PPWP_FORM).field_names}),
    time="ts",
    psu="psu",
)
"""``tps,suara_paslon_1,…``, with ``ts`` and ``psu`` where they are known."""

FOLDERS_LAYOUT = TableLayout(
    name="kode_tps and folder names",
    tps="kode_tps",
    tps_parts=("prov", "kab", "kec", "kel", "tps"),
    fields=MappingProxyType(
        {f"paslon_0{number}": f"suara_paslon_{number}" for number in (1, 2, 3)}
        | {name.replace("_non_dpt_", "_dpk_"): name for name in ADMINISTRASI_FIELDS}
    ),
    ignored=frozenset({"n_images"}),
)
"""A public copy of Sirekap's tree as a table: ``kode_tps,prov,kab,kec,kel,tps,paslon_01,…``; the
code is empty where Sirekap had published nothing, and the folder names give it then."""

LAYOUTS = (OWN_LAYOUT, FOLDERS_LAYOUT)
"""The layouts that are told apart by their header."""

OWN_COLUMNS = (OWN_LAYOUT.tps, OWN_LAYOUT.time, OWN_LAYOUT.psu)


def own_layout(form: str, header: Sequence[str]) -> TableLayout:
    """Our own layout for a form: of the header's columns, those that are fields of it."""
    fields = {name: name for name in header if name not in OWN_COLUMNS and is_field_of(form, name)}
    return TableLayout(
        name=f"tps and field names of {form}",
        tps=OWN_LAYOUT.tps,
        fields=MappingProxyType(fields),
        time=OWN_LAYOUT.time,
        psu=OWN_LAYOUT.psu,
        form=form,
    )


def is_field_of(form: str, name: str) -> bool:
    """Whether a form may have a field of this name; parties and candidates may have any number."""
    if form in installed_forms():
        return name in load_form(form).field_names
    election = election_of(form)
    if election is None:
        return False
    votes = party_field(name)
    if votes is None:
        return name in SHARED_FIELDS
    return (
        votes.party is not None
        if election.has_parties
        else votes.party is None and (votes.row == "candidate")
    )


def read_table(
    content: bytes,
    source: str,
    *,
    layout: TableLayout | None = None,
    form: str | None = None,
    owed: str | None = None,
    on_problem: OnProblem = raise_problem,
) -> Iterator[Entry]:
    """Read a CSV (UTF-8; commas or semicolons), in the file's order.

    Args:
        content: The CSV with its header.
        source: File or address, for the entries and for errors.
        layout: How the columns are called; by default the one of ``LAYOUTS`` that fits.
        form: Id of the form they are fields of; by default the one that the columns tell.
        owed: The form that every TPS owes, which goes first where several have the columns; where
            ``None``, see ``models.forms.template.owed_form``.
        on_problem: Called with an ``EntriesFileError`` for each row that can't be used, and for a
            file that can't be read at all.

    """
    try:
        yield from _rows(content, source, layout, form, owed, on_problem)
    except UnicodeDecodeError as error:
        on_problem(EntriesFileError(f"{source}: the text is not UTF-8: {error}", source=source))
    except csv.Error as error:
        on_problem(EntriesFileError(f"{source}: no usable CSV: {error}", source=source))


def _rows(
    content: bytes,
    source: str,
    layout: TableLayout | None,
    form: str | None,
    owed: str | None,
    on_problem: OnProblem,
) -> Iterator[Entry]:
    text = content.decode("utf-8-sig")
    first_line = text.partition("\n")[0]
    # Excel set to Indonesian writes semicolons.
    delimiter = ";" if ";" in first_line and "," not in first_line else ","
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    header = [column.strip() for column in next(reader, [])]
    by_row: dict[str, TableLayout] | None = None
    chosen = OWN_LAYOUT
    try:
        if layout is None and form is None and FORM_COLUMN in header:
            _each_once(header, f"{source}, header")
            if OWN_LAYOUT.tps not in header:
                raise EntriesFileError(
                    f"{source}, header: there is no column {OWN_LAYOUT.tps} with the 13-digit code",
                    place=f"{source}, header",
                )
            by_row = {}
        else:
            chosen = _layout(header, layout, form, owed, f"{source}, header")
    except EntriesFileError as problem:
        on_problem(problem)
        return
    empty = True
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        empty = False
        place = f"{source}, line {reader.line_num}"
        try:
            if by_row is not None:
                chosen = _layout_of_row(header, cells, by_row, place)
            yield _entry(header, cells, chosen, place, source)
        except EntriesFileError as problem:
            on_problem(problem)
    if empty:
        on_problem(EntriesFileError(f"{source}: there is no row below the header", source=source))


def _layout_of_row(
    header: list[str], cells: list[str], known: dict[str, TableLayout], place: str
) -> TableLayout:
    """The layout of a row that names its form; numbers under other forms' columns are an error."""
    form = cells[header.index(FORM_COLUMN)].strip() if len(cells) == len(header) else PPWP_FORM
    if form not in known:
        if form not in installed_forms() and election_of(form) is None:
            raise EntriesFileError(f"{place}: no form {form!r} is installed", place=place)
        known[form] = own_layout(form, header)
    layout = known[form]
    ours = {OWN_LAYOUT.tps, OWN_LAYOUT.time, OWN_LAYOUT.psu, FORM_COLUMN, *layout.fields}
    strange = [
        column
        for column, cell in zip(header, cells, strict=False)
        if column not in ours and cell.strip()
    ]
    if strange:
        raise EntriesFileError(f"{place}: {form} has no field {', '.join(strange)}", place=place)
    return layout


def _layout(
    header: list[str], asked: TableLayout | None, form: str | None, owed: str | None, place: str
) -> TableLayout:
    """The layout of a header.

    Raises:
        EntriesFileError: none fits, or nothing says which form the columns are of.

    """
    _each_once(header, place)
    columns = [one for one in header if one not in OWN_COLUMNS]
    if asked is None and form is None and OWN_LAYOUT.tps in header and columns:
        of_columns = form_of_columns(columns, place, owed=owed)
        if of_columns is not None and of_columns != PPWP_FORM:
            return own_layout(of_columns, header)
    of_form = own_layout(form, header) if form and form != PPWP_FORM else None
    layouts = (asked,) if asked else (of_form,) if of_form else LAYOUTS
    for layout in layouts:
        if layout.fits(header):
            if asked is None and form is None and layout is OWN_LAYOUT:
                _must_say_its_election(header, place)
            return layout
    if asked is None and OWN_LAYOUT.tps in header:
        own = of_form or OWN_LAYOUT
        unknown = [one for one in header if one not in (*OWN_COLUMNS, *own.fields)]
        if form is None and unknown and all(party_field(one) for one in unknown):
            raise WhichElection(
                f"{place}: rows of parties or persons ({', '.join(unknown[:3])}, …) may be of "
                "several elections",
                place=place,
            )
        if unknown:
            raise EntriesFileError(f"{place}: {_unknown(unknown, header, form)}", place=place)
    names = ", ".join(f"{one.tps},{','.join(list(one.fields)[:2])},…" for one in LAYOUTS)
    raise EntriesFileError(f"{place}: no layout fits {','.join(header)!r:.200}; known are {names}")


def _unknown(columns: Sequence[str], header: Sequence[str], form: str | None) -> str:
    """Columns that are no fields of the form; where it is not known, of that of most others."""
    known = installed_forms() if form is None else {form} & set(installed_forms())
    fields = {one: load_form(one).field_names for one in sorted(known)}
    nearest = max(fields, key=lambda one: len(set(fields[one]) & set(header)), default=None)
    its = fields[nearest] if nearest else ()
    strange = [one for one in columns if one not in its]
    alike = {one: get_close_matches(one, its, 1, cutoff=0.8) for one in strange}
    guesses = [f"{one} (did you mean {alike[one][0]}?)" if alike[one] else one for one in strange]
    whose = f"; others are of {nearest}" if form is None and set(its) & set(header) else ""
    return f"unknown columns: {', '.join(guesses)}{whose}"


def _each_once(header: list[str], place: str) -> None:
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise EntriesFileError(
            f"{place}: columns stand once; twice: {', '.join(twice)}", place=place
        )


def _must_say_its_election(header: list[str], place: str) -> None:
    if all(one in SHARED_FIELDS for one in header if one not in OWN_COLUMNS):
        raise WhichElection(
            f"{place}: these columns stand on the forms of all elections alike, and nothing says "
            "which one they are of",
            place=place,
        )


def _entry(
    header: list[str], cells: list[str], layout: TableLayout, place: str, source: str
) -> Entry:
    if len(cells) != len(header):
        raise EntriesFileError(
            f"{place}: {len(header)} cells are expected, not {len(cells)}", place=place
        )
    row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    return Entry(
        tps=_tps(row, layout, place),
        form=layout.form,
        fields={
            field: _number(row[column], f"{place}, column {column}")
            for column, field in layout.fields.items()
            if column in row
        },
        source=source,
        reported_at=_time(row, layout, place),
        psu=(row.get(layout.psu) or None) if layout.psu else None,
    )


def _tps(row: dict[str, str], layout: TableLayout, place: str) -> str:
    code = row[layout.tps]
    if not layout.tps_parts:
        return check_tps(code, place)
    joined = "".join(
        part[0] for column in layout.tps_parts if (part := re.match(r"[0-9]+", row[column]))
    )
    if code and code != joined:
        raise EntriesFileError(
            f"{place}: {layout.tps} is {code!r}, but {', '.join(layout.tps_parts)} give {joined!r}",
            place=place,
        )
    return check_tps(joined, place)


def _number(cell: str, place: str) -> int | None:
    if not cell:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", cell):
        raise EntriesFileError(
            f"{place}: a whole number from 0, or nothing, is expected, not {cell!r:.40}",
            place=place,
        )
    return int(cell)


def _time(row: dict[str, str], layout: TableLayout, place: str) -> datetime | None:
    if not layout.time or not row.get(layout.time):
        return None
    return parse_time(row[layout.time], f"{place}, column {layout.time}")
