"""``chasil entries``: the reported numbers, with all their revisions."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.friendly import FriendlyGroup
from flows.commands.options import check_tps

if TYPE_CHECKING:
    from models.store.items import EntryRevision

PROBLEMS_SHOWN = 20

app = typer.Typer(cls=FriendlyGroup, no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def entries() -> None:
    """Import reported numbers, and see their history."""


@app.command("import")
def import_entries(
    path: Annotated[
        Path,
        typer.Argument(
            exists=True,
            metavar="PATH",
            help="Sirekap's JSON (a file or its tree of folders) or a CSV, also .gz.",
        ),
    ],
) -> None:
    """Import reported numbers. What is already known is not recorded again.

    Nothing is overwritten: a number that has changed becomes a new revision beside the old one.

    For example:

    - `chasil entries import sirekap/`
    """
    from flows.importing import import_entries as import_them
    from models.store.store import Store

    with Store.open() as store:
        imported = import_them(store, path)
    for problem in imported.problems[:PROBLEMS_SHOWN]:
        typer.echo(f"not used: {problem.message}", err=True)
    if len(imported.problems) > PROBLEMS_SHOWN:
        typer.echo(f"not used: {len(imported.problems) - PROBLEMS_SHOWN:,} more", err=True)
    counts = imported.counts
    typer.echo(
        f"{counts.new:,} new, {counts.revised:,} revised, {counts.unchanged:,} unchanged, "
        f"{counts.unusable:,} not usable"
    )
    typer.echo("The next `chasil process` compares them with the photos.", err=True)


@app.command("show")
def show(
    tps: Annotated[
        str, typer.Argument(metavar="TPS", callback=check_tps, help="13-digit code of the TPS.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array of revisions.")] = False,
) -> None:
    """Show what was reported for a TPS, each revision in a column.

    For example:

    - `chasil entries show 3216032003001`
    """
    from models.store.store import Store

    with Store.open() as store:
        revisions = store.entry_revisions(tps)
    if as_json:
        typer.echo(
            json.dumps(
                [
                    {
                        "revision": known.revision,
                        "imported_at": known.imported_at.isoformat(),
                        **known.entry.model_dump(mode="json"),
                    }
                    for known in revisions
                ],
                ensure_ascii=False,
                indent=1,
            )
        )
    elif not revisions:
        typer.echo(f"Nothing was ever imported for TPS {tps}.")
    else:
        for form in dict.fromkeys(known.entry.form for known in revisions):
            _show_table(tps, [known for known in revisions if known.entry.form == form])


def _show_table(tps: str, revisions: Sequence[EntryRevision]) -> None:
    """One form's revisions side by side; what differs from the one before stands out."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"TPS {tps}, {revisions[0].entry.form}", title_justify="left")
    table.add_column("field")
    for known in revisions:
        told = known.entry.reported_at or known.imported_at
        table.add_column(f"{known.revision}: {told:%Y-%m-%d %H:%M}", justify="right")
    for name in dict.fromkeys(name for known in revisions for name in known.entry.fields):
        values = [_shown(known.entry.fields, name) for known in revisions]
        cells = [
            f"[bold red]{value}[/]" if place and value != values[place - 1] else value
            for place, value in enumerate(values)
        ]
        table.add_row(name, *cells)
    Console().print(table)


def _shown(fields: Mapping[str, int | None], name: str) -> str:
    if name not in fields:
        return "absent"
    number = fields[name]
    return "null" if number is None else f"{number:,}"
