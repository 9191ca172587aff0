"""Totals of regions from the store: entries, readings, decisions, and what is still open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import IO, Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from flows.exports import RegionName, names_of, no_names, printable
from flows.given import regions_now
from flows.naming import short_time
from flows.parameters import ExistingPath, RegionCode
from flows.quiet_prefect import create_table_artifact, flow
from flows.sheets import write_rows_csv, write_rows_json, write_workbook
from models.dapil import DapilTable, read_dapil
from models.errors import ChasilError
from models.forms.votes import BEGINNING, holds_votes, template_of, votes_besides
from models.queue import DecidedCell
from models.recap import FieldFacts, Recapitulation, RecapRow, ballots
from models.regions import Level, RegionTable
from models.store.store import Store

LEVELS = ("desa", "kecamatan", "kabupaten", "dapil", "provinsi")

DPT = "pemilih_dpt_j"

ROWS_ON_PAGE = 500

COLUMNS = (
    *("level", "code", "name", "form", "field", "tps_expected", "tps_known", "coverage"),
    *("entry", "entry_tps", "reading", "reading_tps", "audited", "audited_tps", "decided_tps"),
    *("low", "high", "open_tps", "unverified_tps"),
)


class UnknownLevel(ChasilError):
    """A level that regions do not have."""

    code = "unknown_level"
    remedy = f"Choose one of {', '.join(LEVELS)}; dapil needs a table (`--dapil FILE`)."


def recapitulate(
    store: Store,
    regions: RegionTable,
    *,
    region: str = "",
    dapil: DapilTable | None = None,
    levels: Sequence[str] = LEVELS,
) -> tuple[RecapRow, ...]:
    """Add up all TPS of a region, as far as the last run and the auditors have come.

    Args:
        store: Cells and items.
        regions: Which TPS there are.
        region: First digits of TPS codes.
        dapil: Which TPS belong to which dapil.
        levels: Of ``LEVELS``.

    Raises:
        UnknownLevel: a level is none, or is ``dapil`` without a table.

    """
    for level in levels:
        if level not in LEVELS or (level == "dapil" and dapil is None and levels != LEVELS):
            raise UnknownLevel(f"{level!r} can't be summed up")
    open_fields, open_tps = store.queue.open_places(region)
    expected = frozenset(regions.tps(region))
    known = frozenset(store.queue.tps_with_cells(region))
    where = _places(dapil, levels)
    recap = Recapitulation({tps: where(tps) for tps in sorted(expected | known)}, expected)
    for (tps, form), cells in groupby(
        store.queue.walk_cells(region, BEGINNING, (DPT, *votes_besides())),
        key=lambda one: (one.tps, one.form),
    ):
        template = template_of(form)
        fields = {cell.field: cell for cell in cells}
        most = ballots(_dpt(fields.get(DPT)))
        for name, cell in fields.items():
            if not holds_votes(template, name):
                continue
            facts = FieldFacts(
                cell.entry,
                cell.reading,
                cell.status,
                is_decided=cell.is_decided,
                decided=cell.decided,
                is_open=(tps, form, name) in open_fields or tps in open_tps,
            )
            recap.add(tps, form, name, facts, most)
    order = {level: place for place, level in enumerate(LEVELS)}
    return tuple(sorted(recap.rows(), key=lambda row: (order[row.level], row.code, row.form)))


def _dpt(cell: DecidedCell | None) -> Iterator[int | None]:
    if cell is not None:
        yield cell.decided if cell.is_decided else None
        yield cell.entry
        yield cell.reading


def _places(
    dapil: DapilTable | None, levels: Sequence[str]
) -> Callable[[str], tuple[tuple[str, str], ...]]:
    digits = [(level.name.lower(), int(level)) for level in Level if level.name.lower() in levels]

    def places(tps: str) -> tuple[tuple[str, str], ...]:
        found = [(name, tps[:many]) for name, many in digits]
        if dapil is not None and "dapil" in levels:
            found.append(("dapil", dapil.of(tps) or "no dapil"))
        return tuple(found)

    return places


def recap_row(row: RecapRow, region: RegionName = no_names) -> dict[str, Any]:
    """A row as plain values, one a column."""
    name = row.code if row.level == "dapil" else region(row.code)
    told = row.model_dump() | {
        "name": name,
        "coverage": None if row.coverage is None else round(row.coverage, 4),
    }
    return {column: told[column] for column in COLUMNS}


def write_recap_csv(rows: Iterable[RecapRow], out: TextIO, region: RegionName) -> int:
    """Write a CSV; returns how many rows. Open ``out`` with ``newline=""``."""
    return write_rows_csv(COLUMNS, (recap_row(row, region) for row in rows), out)


def write_recap_json(rows: Iterable[RecapRow], out: TextIO, region: RegionName) -> int:
    """Write a JSON array; returns how many rows."""
    return write_rows_json((recap_row(row, region) for row in rows), out)


def write_recap_xlsx(rows: Sequence[RecapRow], out: IO[bytes], region: RegionName) -> None:
    """Write a workbook with a sheet for each level."""
    write_workbook(
        {
            level: (COLUMNS, [recap_row(row, region) for row in rows if row.level == level])
            for level in dict.fromkeys(row.level for row in rows)
        }
        or {"recap": (COLUMNS, [])},
        out,
    )


def recap_table(rows: Iterable[RecapRow], region: RegionName) -> Table:
    """The rows for a terminal."""
    table = Table(
        title="Totals (in brackets: of how many TPS)",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in ("region", "TPS known", "field", "entries", "readings", "audited", "can still be"):
        is_text = name in ("region", "field")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=name == "field")
    last = None
    for row in rows:
        place = (row.level, row.code)
        shown = recap_row(row, region)
        name = shown["name"]
        where = row.code if name in (None, row.code) else f"{name} ({row.code})"
        width = f"{row.low:,}" if row.low == row.high else f"{row.low:,} to {row.high:,}"
        table.add_row(
            *(
                Text(printable(cell))
                for cell in (
                    "" if place == last else where,
                    "" if place == last else f"{row.tps_known:,} of {row.tps_expected:,}",
                    row.field,
                    f"{row.entry:,} ({row.entry_tps:,})",
                    f"{row.reading:,} ({row.reading_tps:,})",
                    f"{row.audited:,} ({row.audited_tps:,})",
                    width,
                )
            )
        )
        last = place
    return table


@flow(name="recap", flow_run_name=lambda: f"recap, {short_time()}")
def recap(
    region: RegionCode | None = None,
    regions: ExistingPath | None = None,
    dapil: ExistingPath | None = None,
    levels: tuple[str, ...] = LEVELS,
) -> tuple[RecapRow, ...]:
    """Add up the votes of a region, and show them on Prefect's page of the run.

    Args:
        region: First digits of TPS codes; all if not given.
        regions: Table of regions instead of the one that runs were given.
        dapil: CSV ``code,dapil``.
        levels: Which sums: desa, kecamatan, kabupaten, dapil, provinsi.

    """
    districts = None if dapil is None else read_dapil(dapil)
    with Store.open() as store:
        table = regions_now(store, regions)
        rows = recapitulate(store, table, region=region or "", dapil=districts, levels=levels)
    name = names_of(table)
    widest_first = sorted(rows, key=lambda row: -LEVELS.index(row.level))
    create_table_artifact(
        key="recap",
        table=[recap_row(row, name) for row in widest_first[:ROWS_ON_PAGE]],
        description=f"Totals below {region or 'all regions'}: {len(rows):,} rows",
    )
    return rows
