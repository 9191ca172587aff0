"""``chasil recap``: totals of regions."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.conflicts import Format, format_of, writing
from flows.commands.options import check_region


def recap(
    region: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            callback=check_region,
            help="Only TPS whose code begins with these digits.",
        ),
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVEL",
            help="desa, kecamatan, kabupaten, dapil or provinsi; may be given more than once. "
            "[default: kabupaten in a table, or all]",
        ),
    ] = None,
    dapil: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="CSV",
            help="Which TPS belong to which dapil: columns code,dapil, where code is the first "
            "digits of TPS codes.",
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="PATH",
            help="A table of regions that says which TPS there are. [default: what "
            "`chasil process --regions` was given, else the one that comes with chasil]",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How to show it. [default: as FILE's ending says, or table]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write. [default: the screen]")
    ] = None,
) -> None:
    """Add up the votes of regions: as reported, as read on paper, as audited, and what is open.

    "Can still be" is what open conflicts leave to each candidate: the smallest and the largest of
    the known numbers of each TPS, and 0 to all its ballots where nothing is known.

    For example:

    - `chasil recap --region 3216 --level kecamatan`

    - `chasil recap --dapil dapil.csv --format xlsx --out recap.xlsx`
    """
    from rich.console import Console

    from flows.exports import names_of
    from flows.given import regions_now
    from flows.recap import (
        LEVELS,
        recap_table,
        recapitulate,
        write_recap_csv,
        write_recap_json,
        write_recap_xlsx,
    )
    from models.dapil import read_dapil
    from models.store.store import Store

    chosen = form or format_of(out)
    if chosen is Format.XLSX and out is None:
        out = Path("recap.xlsx")
    districts = None if dapil is None else read_dapil(dapil)
    levels = tuple(level or ())
    if not levels and chosen is Format.TABLE:
        levels = ("kabupaten",) if districts is None else ("kabupaten", "dapil")
    with Store.open() as store:
        table = regions_now(store, regions)
        rows = recapitulate(
            store, table, region=region or "", dapil=districts, levels=levels or LEVELS
        )
    if not rows:
        typer.echo("No numbers are known there: begin with `chasil process`.", err=True)
    name = names_of(table)
    write_text = write_recap_json if chosen is Format.JSON else write_recap_csv
    if out is None:
        if chosen is Format.TABLE:
            Console().print(recap_table(rows, name))
        else:
            write_text(rows, sys.stdout, name)
        return
    with writing(out):
        if chosen is Format.XLSX:
            with out.open("wb") as book:
                write_recap_xlsx(rows, book, name)
        else:
            with out.open("w", encoding="utf-8", newline="") as file:
                if chosen is Format.TABLE:
                    Console(file=file, width=160).print(recap_table(rows, name))
                else:
                    write_text(rows, file, name)
    typer.echo(f"{len(rows):,} sums are in {out}.", err=True)
