"""``chasil entries``: the reported numbers, with all their revisions."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.friendly import FriendlyGroup
from flows.commands.options import ElectionOption, check_election, check_form, check_tps

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
    election: ElectionOption = None,
    form: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            callback=check_form,
            help="The form that a CSV's columns are fields of, e.g. c-hasil-dpr-2024.",
        ),
    ] = None,
) -> None:
    """Import reported numbers. What is already known is not recorded again.

    Which of the five elections they are of is told by Sirekap's folders (ppwp, pdpr, pdpd, pdprdp,
    pdprdk) in the path, or else by `--election`; it is never guessed.

    Nothing is overwritten: a number that has changed becomes a new revision beside the old one.

    For example:

    - `chasil entries import sirekap/`

    - `chasil entries import dpr.csv --form c-hasil-dpr-2024`
    """
    from flows.importing import import_entries as import_them
    from models.elections import election_called, election_of
    from models.store.store import Store

    told = election_called(election) if election else election_of(form)
    if form and told and told.form != form:
        raise typer.BadParameter(f"{form} is no form of {election}")
    with Store.open() as store:
        imported = import_them(store, path, election=told, form=form)
    for problem in imported.problems[:PROBLEMS_SHOWN]:
        typer.echo(f"not used: {problem.message}", err=True)
    if len(imported.problems) > PROBLEMS_SHOWN:
        typer.echo(f"not used: {len(imported.problems) - PROBLEMS_SHOWN:,} more", err=True)
    counts = imported.counts
    typer.echo(
        f"{counts.new:,} new, {counts.revised:,} revised, {counts.unchanged:,} unchanged, "
        f"{counts.unusable:,} not usable"
    )
    typer.echo(
        "The next `chasil process` compares them with the photos; `chasil entries check` looks at "
        "them alone, now.",
        err=True,
    )


@app.command("check")
def check() -> None:
    """Work out all rules over the reported numbers, and compare them with what was read so far.

    A run without photos: it lists the conflicts of everything in the store anew, and brings the
    auditors' queue up to it. For elections of which no form can be read yet this is all there is.

    For example:

    - `chasil entries check`
    """
    from rich.console import Console

    from flows.checking import check_entries
    from flows.summary import summary_table
    from models.store.store import Store

    with Store.open() as store:
        summary = check_entries(store)
    Console().print(summary_table(summary))
    if summary.conflicts:
        typer.echo(
            "See them with `chasil conflicts`, or `chasil conflicts --form c-hasil-dpr-2024`."
        )


@app.command("show")
def show(
    tps: Annotated[
        str, typer.Argument(metavar="TPS", callback=check_tps, help="13-digit code of the TPS.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array of revisions.")] = False,
    election: Annotated[
        str | None,
        typer.Option(metavar="NAME", callback=check_election, help="Only this election, e.g. dpr."),
    ] = None,
) -> None:
    """Show what was reported for a TPS, each revision in a column.

    For example:

    - `chasil entries show 3216032003001`

    - `chasil entries show 3216032003001 --election dpr`
    """
    from models.elections import election_called
    from models.store.store import Store

    wanted = election_called(election) if election else None
    with Store.open() as store:
        revisions = [
            known
            for known in store.entry_revisions(tps)
            if wanted is None or known.entry.form == wanted.form
        ]
        names = {
            form: store.candidate_names(form) for form in {one.entry.form for one in revisions}
        }
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
            of_form = [known for known in revisions if known.entry.form == form]
            _show_table(tps, of_form, names[form])


def _show_table(tps: str, revisions: Sequence[EntryRevision], names: Mapping[str, str]) -> None:
    """One form's revisions side by side; what differs from the one before stands out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from models.elections import parties
    from models.party_fields import in_printed_order, party_field

    table = Table(title=f"TPS {tps}, {revisions[0].entry.form}", title_justify="left")
    table.add_column("field")
    for known in revisions:
        told = known.entry.reported_at or known.imported_at
        table.add_column(f"{known.revision}: {told:%Y-%m-%d %H:%M}", justify="right")
    fields = dict.fromkeys(name for known in revisions for name in known.entry.fields)
    of_party = 0
    for name in in_printed_order(fields):
        known_party = party_field(name)
        if known_party and known_party.party and known_party.party != of_party:
            of_party = known_party.party
            party = parties().get(of_party)
            table.add_section()
            table.add_row(Text(f"{of_party} {party.short if party else ''}", style="bold"))
        values = [_shown(known.entry.fields, name) for known in revisions]
        cells = [
            f"[bold red]{value}[/]" if place and value != values[place - 1] else value
            for place, value in enumerate(values)
        ]
        table.add_row(Text(f"{name}  {names[name]}" if name in names else name), *cells)
    Console().print(table)


def _shown(fields: Mapping[str, int | None], name: str) -> str:
    if name not in fields:
        return "absent"
    number = fields[name]
    return "null" if number is None else f"{number:,}"
