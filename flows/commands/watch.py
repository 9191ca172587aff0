"""``chasil watch``: read photos and entries as they land in a folder."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import (
    ElectionOption,
    ExpectOption,
    OwedFormOption,
    RegionsOption,
)
from flows.commands.process import INTERRUPTED


def watch(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="Photos land here."),
    ],
    entries: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="PATH", help="Where reported numbers land."),
    ] = None,
    election: ElectionOption = None,
    manifest: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="CSV", help="Which photo is of which TPS: photo,tps."),
    ] = None,
    expect: ExpectOption = None,
    regions: RegionsOption = None,
    form: OwedFormOption = None,
    every: Annotated[
        float, typer.Option(min=1.0, metavar="SECONDS", help="Time between two looks.")
    ] = 60.0,
    looks: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Stop after so many looks. [default: never]"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Reading processes. [default: one a processor]"),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Read on this Dask cluster (`local`: make one here)."),
    ] = None,
) -> None:
    """Watch a folder: read photos and import entries as they land, and compare.

    A file is taken when it has not changed between two looks, or was moved into place. End it
    with Ctrl-C at any time and start it again: the store knows what came in before. A row that
    comes into the manifest later than its photo still counts.

    For example:

    - `chasil watch masuk/ --entries sirekap/ --every 60`
    """
    from flows.settings import end_properly_when_told

    end_properly_when_told()
    if dask:
        os.environ["CHASIL_DASK"] = dask
    typer.echo(f"Watching {folder}, a look every {every:g} s. Ctrl-C ends it.", err=True)
    from flows.watch import Watcher, keep_watching

    try:
        with Watcher(
            folder,
            entries=entries,
            election=election,
            manifest=manifest,
            regions=regions,
            expect=expect,
            form=form,
            workers=workers,
        ) as watcher:
            keep_watching(watcher, every, lambda said: typer.echo(said, err=True), looks=looks)
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from None
