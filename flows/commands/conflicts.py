"""``chasil conflicts``: list and export what the last run found."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.options import check_field, check_form, check_region, check_tps
from models.errors import ChasilError
from models.records import Conflict, ConflictKind

if TYPE_CHECKING:
    from flows.exports import RegionName


class Format(StrEnum):
    """How conflicts go out."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


ROWS_SHOWN = 50

FILE_WIDTH = 200
"""Characters a line of a table that is written to a file."""


class OutputNotWritten(ChasilError):
    """A file that was asked for can't be written."""

    code = "output"
    remedy = "Choose another place with `--out FILE`."


def conflicts(
    layout: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="How to show or export them. [default: as the ending of FILE says, or table]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write. [default: the screen; conflicts.xlsx for xlsx]",
        ),
    ] = None,
    kind: Annotated[
        list[ConflictKind] | None,
        typer.Option(
            metavar="KIND",
            help=f"Only this kind; may be given more than once. One of {', '.join(ConflictKind)}.",
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            callback=check_region,
            help="Only TPS whose code begins with these digits.",
        ),
    ] = None,
    tps: Annotated[
        str | None, typer.Option(metavar="CODE", callback=check_tps, help="Only this TPS.")
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=check_field,
            help="Only this field, e.g. suara_paslon_1.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            callback=check_form,
            help="Only this form, e.g. c-hasil-dpr-2024: one election.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help=f"At most so many. [default: {ROWS_SHOWN} in a table, or all]"
        ),
    ] = None,
) -> None:
    """List the conflicts of the last run, the most urgent first.

    For example:

    - `chasil conflicts`

    - `chasil conflicts --kind value_mismatch --region 321601`

    - `chasil conflicts --format xlsx --out conflicts.xlsx`
    """
    from flows.exports import names_of
    from flows.given import regions_now
    from models.store.store import Store

    chosen = layout or format_of(out)
    if chosen is Format.XLSX and out is None:
        out = Path("conflicts.xlsx")
    with Store.open() as store:
        if store.latest_batch() is None:
            typer.echo("Nothing has been processed yet: begin with `chasil process`.", err=True)
        found = store.latest_conflicts(
            kinds=kind or (), region=tps or region or "", field=field, form=form, limit=limit
        )
        if chosen is Format.TABLE:
            _show(found, limit or ROWS_SHOWN, out)
        else:
            _export(found, chosen, out, names_of(regions_now(store)))


def format_of(out: Path | None) -> Format:
    """What the file's ending says; a table where it says nothing."""
    ending = out.suffix.lower().removeprefix(".") if out else ""
    return Format(ending) if ending in set(Format) else Format.TABLE


def _show(found: Iterator[Conflict], rows: int, out: Path | None) -> None:
    from rich.console import Console

    from flows.exports import conflicts_table

    shown = list(islice(found, rows))
    more = next(found, None) is not None
    if out is None:
        console = Console()
        console.print(conflicts_table(shown, console.width))
    else:
        with writing(out), out.open("w", encoding="utf-8") as file:
            console = Console(file=file, width=FILE_WIDTH)
            console.print(conflicts_table(shown, FILE_WIDTH))
    if more:
        typer.echo(
            f"These are the first {len(shown):,}. See more with `--limit N`, "
            "or all with `--format csv`.",
            err=True,
        )


def _export(found: Iterator[Conflict], chosen: Format, out: Path | None, name: RegionName) -> None:
    from flows.exports import write_csv, write_json, write_xlsx

    write_text = write_json if chosen is Format.JSON else write_csv
    if out is None:
        write_text(found, sys.stdout, name)
        return
    with writing(out):
        if chosen is Format.XLSX:
            with out.open("wb") as book:
                count = write_xlsx(found, book, name)
        else:
            with out.open("w", encoding="utf-8", newline="") as file:
                count = write_text(found, file, name)
    typer.echo(f"{count:,} conflicts are in {out}.", err=True)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """A file that can't be written is an error with a remedy."""
    try:
        yield
    except OSError as error:
        raise OutputNotWritten(f"{out}: {error.strerror}", file=str(out)) from error
