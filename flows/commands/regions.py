"""``chasil regions``: codes and names."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.friendly import FriendlyGroup
from flows.commands.options import check_region

if TYPE_CHECKING:
    from models.regions import Region, RegionTable

app = typer.Typer(cls=FriendlyGroup, no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def regions() -> None:
    """Look up the codes and names of provinsi, kabupaten, kecamatan, desa and TPS."""


@app.command("list")
def list_regions(
    prefix: Annotated[
        str,
        typer.Argument(metavar="PREFIX", callback=check_region, help="First digits of a code."),
    ] = "",
    table: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="PATH",
            help="Another table than the one that comes with chasil: a CSV, or Sirekap's JSON.",
        ),
    ] = None,
) -> None:
    """List the regions below a code, with how many TPS each has.

    For example:

    - `chasil regions list`

    - `chasil regions list 321603`
    """
    from rich.console import Console
    from rich.table import Table

    from models.regions import load_regions, read_regions

    known = load_regions() if table is None else read_regions(table)
    shown = _below(known, prefix)
    if not shown:
        typer.echo(f"The table has no region whose code begins with {prefix}.", err=True)
        raise typer.Exit(1)
    above = " / ".join(region.name for region in known.path(shown[0].code)[:-1])
    listing = Table(title=above or None, title_justify="left")
    listing.add_column("code")
    listing.add_column("name")
    listing.add_column("TPS", justify="right")
    for region in shown:
        listing.add_row(region.code, region.name, f"{len(known.tps(region.code)):,}")
    Console().print(listing)


def _below(known: RegionTable, prefix: str) -> tuple[Region, ...]:
    """The regions right below a code, or of the next level that a shorter prefix can name."""
    from models.regions import Level

    if prefix in known:
        return known.children(prefix) or (known.region(prefix),)
    shown = next((found for level in Level if (found := known.at(level, prefix))), ())
    while len(shown) == 1 and known.children(shown[0].code):
        shown = known.children(shown[0].code)
    return shown
