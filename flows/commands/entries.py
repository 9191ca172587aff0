"""``chasil entries``: the reported numbers, with all their revisions."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.conflicts import Format, format_of, writing
from flows.commands.friendly import FriendlyGroup
from flows.commands.options import (
    ElectionOption,
    ExpectOption,
    OwedFormOption,
    RegionsOption,
    check_election,
    check_form,
    check_region,
    check_tps,
    parse_moment,
)

if TYPE_CHECKING:
    from flows.entry_reports import Timeline
    from flows.exports import RegionName
    from models.store.items import EntryRevision
    from pipeline.entry_changes import NumberCourse

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
            help="The form that the numbers are of: for a CSV, and for JSON of a form of your own.",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="The time of numbers that bring none of their own, as 2024-02-15T20:00 (WIB). "
            "Without it they count from now.",
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
    from flows.given import settled_now
    from flows.importing import import_entries as import_them
    from flows.kept import NOTHING_GIVEN
    from models.elections import election_called, election_of
    from models.store.store import Store

    told = election_called(election) if election else election_of(form)
    if form and told and told.form != form:
        raise typer.BadParameter(f"{form} is no form of {election}")
    with Store.open() as store:
        imported = import_them(
            store,
            path,
            election=told,
            form=form,
            as_of=parse_moment(as_of) if as_of else None,
            owed=settled_now(store, NOTHING_GIVEN).owed,
        )
    for problem in imported.problems[:PROBLEMS_SHOWN]:
        typer.echo(f"not used: {problem.message}", err=True)
    if len(imported.problems) > PROBLEMS_SHOWN:
        typer.echo(f"not used: {len(imported.problems) - PROBLEMS_SHOWN:,} more", err=True)
    counts = imported.counts
    typer.echo(
        f"{counts.new:,} new, {counts.revised:,} revised, {counts.unchanged:,} unchanged, "
        f"{counts.unusable:,} not usable"
    )
    if counts.overtaken:
        typer.echo(
            f"{counts.overtaken:,} of these do not count: numbers without a time of their own were "
            "imported earlier, and count from their import. Look at `chasil entries timeline TPS`; "
            "import such a file again with `--as-of MOMENT` next time.",
            err=True,
        )
    typer.echo(
        "The next `chasil process` compares them with the photos; `chasil entries check` looks at "
        "them alone, now.",
        err=True,
    )


@app.command("check")
def check(
    expect: ExpectOption = None,
    regions: RegionsOption = None,
    form: OwedFormOption = None,
) -> None:
    """Work out all rules over the reported numbers, and compare them with what was read so far.

    A run without photos: it lists the conflicts of everything in the store anew, and brings the
    auditors' queue up to it. For elections of which no form can be read yet this is all there is.
    What earlier runs were given by `--expect`, `--regions` and `--form` counts on.

    For example:

    - `chasil entries check`

    - `chasil entries check --expect none`
    """
    from rich.console import Console

    from flows.checking import check_entries
    from flows.given import given_now
    from flows.summary import summary_table
    from models.store.store import Store

    with Store.open() as store:
        given = given_now(store, expect=expect, regions=regions, form=form)
        summary = check_entries(store, given, lambda line: typer.echo(line, err=True))
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


@app.command("timeline")
def timeline(
    tps: Annotated[
        str, typer.Argument(metavar="TPS", callback=check_tps, help="13-digit code of the TPS.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array of revisions.")] = False,
) -> None:
    """Show how a TPS's numbers went, in time, beside what the paper says.

    Each revision is a column, in the order of the time it speaks of; a number that changed stands
    out. A number in brackets was not reported in that revision: the last one counts on.

    For example:

    - `chasil entries timeline 3216032003001`
    """
    from flows.entry_reports import timelines
    from models.store.store import Store

    with Store.open() as store:
        found = timelines(store, tps)
    if as_json:
        steps = [step.model_dump(mode="json") for one in found for step in one.steps]
        typer.echo(json.dumps(steps, ensure_ascii=False, indent=1))
    elif not found:
        typer.echo(f"Nothing was ever imported for TPS {tps}.")
    else:
        for one in found:
            _show_timeline(tps, one)


@app.command("changes")
def changes(
    since: Annotated[
        str, typer.Option("--from", metavar="MOMENT", help="The earlier moment (WIB).")
    ],
    until: Annotated[
        str | None,
        typer.Option("--to", metavar="MOMENT", help="The later moment. [default: now]"),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            callback=check_region,
            help="Only TPS whose code begins with these digits.",
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
    """Show what became of the reported numbers between two moments.

    Corrected: put right (to the decided number, else to the one clearly on paper). Moved away: was
    right, is wrong now. Still wrong: changed from one wrong number to another. Not corrected: as
    wrong as before. Changed: and nobody knows yet what is right.

    For example:

    - `chasil entries changes --from 2024-02-15 --to 2024-03-01 --region 321603`
    """
    from datetime import UTC, datetime

    from flows.entry_reports import changes_between
    from flows.exports import names_of
    from flows.given import regions_now
    from models.store.store import Store

    begin = parse_moment(since)
    end = datetime.now(UTC) if until is None else parse_moment(until)
    if begin >= end:
        raise typer.BadParameter("--from comes before --to")
    chosen = form or format_of(out)
    if chosen is Format.XLSX and out is None:
        out = Path("changes.xlsx")
    with Store.open() as store:
        found = list(changes_between(store, begin, end, region=region or ""))
        name = names_of(regions_now(store))
    _export_changes(found, chosen, out, name)


CHANGES_SHOWN = 50

CHANGE_COLUMNS = (
    *("tps", "kecamatan", "desa", "form", "field", "course", "before", "after", "reading"),
    *("status", "decided", "is_decided", "after_at", "after_source"),
)


def _export_changes(
    found: Sequence[NumberCourse], chosen: Format, out: Path | None, name: RegionName
) -> None:
    import sys
    from collections import Counter

    from flows.sheets import write_rows_csv, write_rows_json, write_workbook

    if chosen is Format.TABLE:
        _show_changes(found, out)
        return
    rows = [
        one.model_dump() | {"kecamatan": name(one.tps[:6]), "desa": name(one.tps[:10])}
        for one in found
    ]
    ordered = [{column: row[column] for column in CHANGE_COLUMNS} for row in rows]
    if out is None:
        if chosen is Format.JSON:
            write_rows_json(ordered, sys.stdout)
        else:
            write_rows_csv(CHANGE_COLUMNS, ordered, sys.stdout)
        return
    with writing(out):
        if chosen is Format.XLSX:
            counts = Counter(one.course.value for one in found)
            summary = [{"course": course, "numbers": n} for course, n in sorted(counts.items())]
            with out.open("wb") as book:
                write_workbook(
                    {
                        "summary": (("course", "numbers"), summary),
                        "changes": (CHANGE_COLUMNS, ordered),
                    },
                    book,
                )
        else:
            with out.open("w", encoding="utf-8", newline="") as file:
                if chosen is Format.JSON:
                    write_rows_json(ordered, file)
                else:
                    write_rows_csv(CHANGE_COLUMNS, ordered, file)
    typer.echo(f"{len(found):,} numbers are in {out}.", err=True)


def _show_changes(found: Sequence[NumberCourse], out: Path | None) -> None:
    from collections import Counter

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    counts = Counter(one.course.value for one in found)
    summary = Table(title="Reported numbers", title_justify="left")
    summary.add_column("what became of them")
    summary.add_column("how many", justify="right")
    for course, number in counts.most_common():
        summary.add_row(course.replace("_", " "), f"{number:,}")
    table = Table(title="Numbers", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("TPS", "field", "what", "before", "after", "paper", "decided"):
        right = column in ("before", "after", "paper", "decided")
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    telling = [one for one in found if one.course.value != "first_reported"]
    for one in telling[:CHANGES_SHOWN]:
        table.add_row(
            one.tps,
            one.field,
            one.course.value.replace("_", " "),
            _dash(one.before),
            _dash(one.after),
            _dash(one.reading) + ("" if one.status == "clear" or one.reading is None else "?"),
            _dash(one.decided) if one.is_decided else "",
        )
    if out is None:
        console = Console()
        console.print(summary, table)
    else:
        with writing(out), out.open("w", encoding="utf-8") as file:
            Console(file=file, width=160).print(summary, table)
    if len(telling) > CHANGES_SHOWN:
        typer.echo(
            f"These are the first {CHANGES_SHOWN:,} of {len(telling):,}: see all with "
            "`--format csv`.",
            err=True,
        )


def _dash(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def _show_timeline(tps: str, found: Timeline) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from flows.exports import printable
    from models.store.revisions import WIB

    table = Table(title=f"TPS {tps}, {found.form} (times in WIB)", title_justify="left")
    table.add_column("field", no_wrap=True)
    for step in found.steps:
        told = f"{step.speaks_of.astimezone(WIB):%Y-%m-%d %H:%M}"
        how = "" if step.is_dated else "\nimport"
        table.add_column(f"{step.revision}: {told}{how}", justify="right")
    table.add_column("paper", justify="right")
    table.add_column("decided", justify="right")
    last = found.steps[-1].counts
    for name in dict.fromkeys((*last, *found.paper)):
        cells = []
        for step in found.steps:
            if name not in step.counts:
                cells.append(Text("absent", style="dim"))
            elif name not in step.reported:
                cells.append(Text(f"({_dash(step.counts[name])})", style="dim"))
            else:
                style = "bold red" if name in step.changes else ""
                cells.append(Text(_dash(step.counts[name]), style=style))
        paper = found.paper.get(name)
        seen = _dash(paper.reading) if paper else ""
        style = "yellow" if paper and paper.status != "clear" else ""
        decided = _dash(paper.decided) if paper and paper.is_decided else ""
        table.add_row(name, *cells, Text(seen, style=style), decided)
    console = Console()
    console.print(table)
    for step in found.steps:
        console.print(
            Text(
                f"{step.revision}: {printable(step.source)}, imported "
                f"{step.imported_at.astimezone(WIB):%Y-%m-%d %H:%M}"
                + ("" if step.is_dated else "; it brings no time, so it counts from its import")
            )
        )


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
