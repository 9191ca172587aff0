"""The command line: ``chasil``. One module a command in ``flows.commands``."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from flows.commands import (
    audit,
    conflicts,
    demo,
    entries,
    forms,
    prefect,
    process,
    read,
    recap,
    regions,
    reprocess,
    review,
    users,
    watch,
)
from flows.commands.friendly import FriendlyGroup

app = typer.Typer(
    name="chasil",
    cls=FriendlyGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("process")(process.process)
app.command("watch")(watch.watch)
app.command("reprocess")(reprocess.reprocess)
app.command("diff")(reprocess.diff)
app.command("runs")(reprocess.runs)
app.command("recap")(recap.recap)
app.command("conflicts")(conflicts.conflicts)
app.command("read")(read.read)
app.command("read-boxes")(read.read_boxes)
app.add_typer(entries.app, name="entries")
app.add_typer(regions.app, name="regions")
app.add_typer(forms.app, name="forms")
app.command("review")(review.review)
app.add_typer(users.app, name="users")
app.add_typer(audit.app, name="audit")
app.add_typer(prefect.app, name="prefect")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chasil {version('chasil')}")
        raise typer.Exit


@app.callback()
def chasil(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Read photos of Indonesia's C.HASIL count sheets and find where the reported numbers differ.

    Begin with `chasil demo`. The main job is `chasil process PHOTOS --entries ENTRIES`, and then
    `chasil conflicts`. What is stored lies in the folder CHASIL_HOME (by default
    ~/.local/share/chasil).
    """


def main() -> None:
    """Entry point of the ``chasil`` command."""
    app()


if __name__ == "__main__":
    main()
