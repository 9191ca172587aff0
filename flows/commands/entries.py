"""``chasil entries``: the reported numbers, with all their revisions."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import json
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
        _show_table(tps, revisions)


def _show_table(tps: str, revisions: tuple[EntryRevision, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"TPS {tps}, {revisions[0].entry.form}", title_justify="left")
    table.add_column("field")
    for known in revisions:
        told = known.entry.reported_at or known.imported_at
        table.add_column(f"{known.revision}: {told:%Y-%m-%d %H:%M}", justify="right")
    fields = dict.fromkeys(name for known in revisions for name in known.entry.fields)
    for name in fields:
        row = []
        for place, known in enumerate(revisions):
            value = "absent"
            if name in known.entry.fields:
                number = known.entry.fields[name]
                value = "null" if number is None else f"{number:,}"
            before = revisions[place - 1].entry.fields.get(name) if place else None
            changed = place > 0 and before != known.entry.fields.get(name)
            row.append(f"[bold red]{value}[/]" if changed else value)
        table.add_row(name, *row)
    Console().print(table)
