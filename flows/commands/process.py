"""``chasil process``: the main job, from a folder of photos to a list of conflicts."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import (
    ElectionOption,
    ExpectOption,
    OwedFormOption,
    RegionsOption,
)

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended, as shells give it."""

PhotosArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="PHOTOS", exists=True, help="Folders of photos (with all below them), or photos."
    ),
]


def process(
    photos: PhotosArgument,
    entries: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="PATH",
            help="Reported numbers: Sirekap's JSON (a file or its tree of folders) or a CSV. "
            "Without them the sums and pages on paper are checked alone.",
        ),
    ] = None,
    election: ElectionOption = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="CSV",
            help="Which photo is of which TPS: columns photo,tps. Not needed where file or folder "
            "names begin with the 13-digit code.",
        ),
    ] = None,
    expect: ExpectOption = None,
    regions: RegionsOption = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Reading processes. [default: one a processor]"),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Photos that are stored together.")
    ] = 100,
    form: OwedFormOption = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Read on this Dask cluster (`local`: make one here)."),
    ] = None,
) -> None:
    """Read a folder of photos, compare it with the reported numbers, list the conflicts.

    Everything is kept in the folder CHASIL_HOME. A run that is cut off loses nothing: start it
    again, and only what is missing is read. Conflicts are drawn from all photos and entries that
    the store holds, also from earlier runs. What `--expect`, `--regions` and `--form` say counts
    on in the runs and checks that follow.

    For example:

    - `chasil process photos/ --entries sirekap/`

    - `chasil process photos/ --entries entries.json --manifest photos.csv --workers 8`
    """
    import os

    from rich.console import Console

    if dask:
        os.environ["CHASIL_DASK"] = dask
    from flows.batch import run_process
    from flows.settings import end_properly_when_told
    from flows.summary import summary_table

    end_properly_when_told()
    typer.echo("Starting; Prefect takes some seconds …", err=True)
    try:
        summary = run_process(
            photos,
            entries=entries,
            election=election,
            manifest=manifest,
            regions=regions,
            expect=expect,
            form=form,
            workers=workers,
            batch_size=batch_size,
        )
    except KeyboardInterrupt:
        typer.echo("Stopped. What was read is kept: the same command goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    Console().print(summary_table(summary))
    _say_what_changed(summary.batch)
    if summary.conflicts:
        typer.echo("See them with `chasil conflicts`, or `chasil conflicts --format xlsx`.")


def _say_what_changed(batch: int) -> None:
    """One line: what is other than in the run before."""
    from flows.diffing import diff_runs, finished_run, run_before, short_line
    from models.store.store import Store

    with Store.open() as store:
        before = run_before(store, batch)
        if before is not None:
            typer.echo(short_line(diff_runs(store, before, finished_run(store, batch))))
            typer.echo(f"See it with `chasil diff {before.id} {batch}`.")
