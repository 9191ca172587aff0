"""``chasil demo``: the main job on a small invented sample."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from models.errors import ChasilError

SEED = 2024

ROWS_SHOWN = 40

VOTES_PAGE = 2
"""The page with the candidates' votes, to look at first."""


class DemoFolderTaken(ChasilError):
    """The folder for the demo holds something else."""

    code = "demo_folder"
    remedy = "Remove it if an earlier demo broke off, or name another folder: `chasil demo FOLDER`."


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the sample and its store go.")
    ] = Path("chasil-demo"),
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes. [default: one a processor]"),
    ] = None,
) -> None:
    """Show the main job on a sample: 20 TPS, 3 pages each, with one error of each kind.

    The photos are drawn by chasil itself; no real voter, witness or result is in them. The demo
    has a store of its own in FOLDER and leaves CHASIL_HOME (and
    CHASIL_DATABASE, CHASIL_PHOTOS) alone.
    """
    from models.store.home import use_only

    photos, entries, home = folder / "photos", folder / "entries.json", folder / "home"
    if not entries.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DemoFolderTaken(f"{folder} is there already, and is no finished demo")
        from fixtures.sample import make_sample

        typer.echo(f"Drawing the sample into {folder} …", err=True)
        make_sample(folder, SEED, workers=workers)

    use_only(home)
    from rich.console import Console

    from flows.batch import run_process
    from flows.exports import conflicts_table
    from flows.summary import summary_table
    from models.store.store import Store

    typer.echo("Reading the photos and comparing them with the entries …", err=True)
    summary = run_process([photos], entries=entries, workers=workers)
    console = Console()
    with Store.open() as store:
        first = store.latest_conflicts(limit=ROWS_SHOWN)
        console.print(conflicts_table(first, console.width))
        pages = store.current_readings(summary.recipe)
        votes_page = next((page.photo for page in pages if page.page == VOTES_PAGE), "PHOTO")
    console.print(summary_table(summary))
    # Before the environment is activated, the shell does not find the command by its name alone.
    command = (
        "chasil"
        if shutil.which("chasil")
        else os.path.relpath(Path(sys.executable).with_name("chasil"))
    )
    typer.echo(
        f"""
Photos:   {photos}
Entries:  {entries}
Store:    {home}
Expected: {folder / "expected.json"} (what is on the paper and what was put wrong)

Try next:
  CHASIL_HOME={home} {command} conflicts --format xlsx --out conflicts.xlsx
  {command} read {photos / votes_page} --overlay read.jpg
  {command} process YOUR-PHOTOS --entries YOUR-ENTRIES"""
    )
