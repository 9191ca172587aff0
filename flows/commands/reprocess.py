"""``chasil reprocess``, ``chasil diff`` and ``chasil runs``: run again, and see what changed."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.conflicts import Format, format_of, writing
from flows.commands.options import (
    ElectionOption,
    ExpectOption,
    RegionsOption,
    check_region,
    check_tps,
    parse_moment,
)

if TYPE_CHECKING:
    from pipeline.diff import Diff

INTERRUPTED = 130

OutOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where to write the diff. [default: the screen]"),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format", help="How to show the diff: table, json or xlsx. [default: by FILE's ending]"
    ),
]


def reprocess(
    region: Annotated[
        str | None,
        typer.Option(
            metavar="PREFIX",
            callback=check_region,
            help="Only photos of TPS whose code begins with these digits.",
        ),
    ] = None,
    tps: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Only this TPS; may be given more than once."),
    ] = None,
    tps_file: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="FILE", help="Only these TPS: one code a line."),
    ] = None,
    from_export: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="FILE",
            help="Only the TPS of an export of `chasil conflicts` or of the review reports "
            "(CSV, XLSX, JSON).",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only photos that were read as a page of this form."),
    ] = None,
    uploaded_since: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help="Only photos that first came in at or after it."),
    ] = None,
    uploaded_until: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help="Only photos that first came in before it."),
    ] = None,
    recipe_older_than: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="Only photos whose reading was made before it. What the present recipe has read "
            "is never read again.",
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATUS",
            help="Only photos that were read, rejected or failed, or with a field that is clear, "
            "review, blank or not_in_view; may be given more than once.",
        ),
    ] = None,
    entries: Annotated[
        Path | None,
        typer.Option(
            exists=True, metavar="PATH", help="Import these reported numbers first, as revisions."
        ),
    ] = None,
    election: ElectionOption = None,
    expect: ExpectOption = None,
    regions: RegionsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would run, and how long.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Reading processes. [default: one a processor]"),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Photos that are stored together.")
    ] = 100,
    shown: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Read again what is stale, import entries again, compare again, and say what changed.

    Photos come from the store. A photo that the present forms, recognisers and code have read is
    not read again. Auditors' decisions stay, unless what they rest on has changed. What earlier
    runs were given by `--expect`, `--regions` and `--form` counts on (CHASIL_FORM names another
    form that every TPS owes; `--form` here chooses photos).

    A MOMENT is `2024-02-20` or `2024-02-20T14:00`, in WIB where it names no zone.

    For example:

    - `chasil reprocess --dry-run`

    - `chasil reprocess --region 321603 --entries sirekap-today/`

    - `chasil reprocess --from-export conflicts.xlsx --format xlsx --out diff.xlsx`
    """
    from rich.console import Console

    from flows.choosing import tps_of_export, tps_of_list
    from flows.planning import plan_table
    from flows.reprocess import planned, run_reprocess
    from flows.settings import end_properly_when_told
    from flows.summary import summary_table
    from models.elections import election_called
    from models.store.selection import Choice

    chosen_format = _checked_format(shown, out)
    named: list[str] | None = None
    for codes in (
        None if tps is None else [code for one in tps if (code := check_tps(one))],
        None if tps_file is None else tps_of_list(tps_file),
        None if from_export is None else tps_of_export(from_export),
    ):
        if codes is not None:
            named = [*(named or ()), *codes]
    choice = Choice(
        region=region or "",
        tps=None if named is None else tuple(named),
        form=form,
        uploaded_since=_moment(uploaded_since),
        uploaded_until=_moment(uploaded_until),
        read_before=_moment(recipe_older_than),
        statuses=tuple(status or ()),
    )
    told = election_called(election) if election else None
    if dry_run:
        Console().print(plan_table(planned(choice, entries, election=told)))
        return
    end_properly_when_told()
    typer.echo("Starting; Prefect takes some seconds …", err=True)
    try:
        done = run_reprocess(
            choice,
            entries=entries,
            election=election,
            regions=regions,
            expect=expect,
            workers=workers,
            batch_size=batch_size,
        )
    except KeyboardInterrupt:
        typer.echo("Stopped. What was read is kept: the same command goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if chosen_format is Format.TABLE and out is None:
        Console().print(summary_table(done.summary))
    if done.diff is None:
        typer.echo("There is no earlier run to compare with.", err=True)
    else:
        _show(done.diff, chosen_format, out)


def diff(
    first: Annotated[int, typer.Argument(metavar="RUN1", min=1, help="The one that ended first.")],
    last: Annotated[int, typer.Argument(metavar="RUN2", min=1, help="The one that ended later.")],
    shown: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show what is other in one finished run than in another.

    For example:

    - `chasil diff 1 3`

    - `chasil diff 1 3 --format xlsx --out diff.xlsx`
    """
    from flows.diffing import diff_runs, finished_run
    from models.store.store import Store

    chosen_format = _checked_format(shown, out)
    with Store.open() as store:
        old, new = finished_run(store, first), finished_run(store, last)
        # By their ends: of two runs at once, the one that began first may end last.
        if old.finished_at is None or new.finished_at is None or old.finished_at >= new.finished_at:
            raise typer.BadParameter(f"RUN1 ends before RUN2: {first} does not end before {last}")
        found = diff_runs(store, old, new)
    _show(found, chosen_format, out)


def runs(
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many.")] = 20,
) -> None:
    """List the runs that reached their end, the newest first."""
    from rich.console import Console
    from rich.table import Table

    from models.store.revisions import WIB
    from models.store.store import Store

    table = Table(title="Finished runs", title_justify="left")
    for name in ("run", "ended (WIB)", "photos", "read now", "conflicts", "recipe"):
        table.add_column(name, justify="left" if name in ("ended (WIB)", "recipe") else "right")
    with Store.open() as store:
        for run in store.history.finished(limit=limit):
            told = run.summary or {}
            ended = run.finished_at.astimezone(WIB) if run.finished_at else None
            table.add_row(
                str(run.id),
                f"{ended:%Y-%m-%d %H:%M:%S}",
                f"{told.get('photos', 0):,}",
                f"{told.get('pages_read_now', 0):,}",
                f"{sum(told.get('conflicts', {}).values()):,}",
                run.recipe[:12],
            )
    Console().print(table)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_moment(text)


def _checked_format(shown: Format | None, out: Path | None) -> Format:
    chosen = shown or format_of(out)
    if chosen is Format.CSV:
        raise typer.BadParameter("a diff has several tables: choose table, json or xlsx")
    if chosen is Format.XLSX and out is None:
        raise typer.BadParameter("a workbook needs a file: --out diff.xlsx")
    return chosen


def _show(found: Diff, chosen: Format, out: Path | None) -> None:
    from rich.console import Console

    from flows.diff_shown import diff_shown, write_diff_json, write_diff_xlsx

    if out is None:
        if chosen is Format.JSON:
            write_diff_json(found, sys.stdout)
        else:
            Console().print(diff_shown(found))
        return
    with writing(out):
        if chosen is Format.XLSX:
            with out.open("wb") as book:
                write_diff_xlsx(found, book)
        else:
            with out.open("w", encoding="utf-8") as file:
                if chosen is Format.JSON:
                    write_diff_json(found, file)
                else:
                    Console(file=file, width=200).print(diff_shown(found))
    typer.echo(f"The diff is in {out}.", err=True)
