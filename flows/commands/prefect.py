"""``chasil prefect``: what a Prefect server and its workers need to run chasil's flows."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.friendly import FriendlyGroup

app = typer.Typer(cls=FriendlyGroup, no_args_is_help=True, rich_markup_mode="markdown")


@app.callback()
def prefect() -> None:
    """Run chasil's flows on a Prefect server of your own; see docs/prefect.md."""


@app.command("env")
def env() -> None:
    """Print what to set before a server or a worker is started: nothing calls home.

    For example:

    - `eval "$(chasil prefect env)"`, then `prefect server start`
    """
    import shlex

    from flows.settings import SERVER_DEFAULTS

    for name, value in SERVER_DEFAULTS.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command("webhook")
def webhook(
    url: Annotated[str, typer.Argument(metavar="URL", help="Is sent a POST with JSON.")],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Of the automation; an old one is replaced.")
    ] = "kecamatan complete",
) -> None:
    """Have the Prefect server tell a web address when a kecamatan is complete.

    For example:

    - `chasil prefect webhook https://newsroom.example/hooks/chasil`
    """
    from flows.automations import tell_when_complete
    from flows.settings import find_server

    find_server()
    tell_when_complete(url, name)
    typer.echo(f"{name!r}: the server posts to {url} when a kecamatan is complete.")
