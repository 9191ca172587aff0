"""Errors as a person can use them: what happened, what to do, no traceback."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from models.errors import ChasilError, ErrorRecord


class FriendlyGroup(TyperGroup):
    """A group of commands that prints errors about inputs instead of raising them.

    Anything else that escapes is a fault in chasil and keeps its traceback.
    """

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer brings its own click
        """Run the command; exit with 1 for an error about an input."""
        try:
            return super().invoke(ctx)
        except ChasilError as error:
            show_error(error.record())
            raise typer.Exit(1) from error


def show_error(error: ErrorRecord) -> None:
    """Print an error and its remedy to the standard error."""
    typer.secho(f"Error: {error.message}", fg=typer.colors.RED, err=True)
    if error.remedy:
        typer.echo(f"What to do: {error.remedy}", err=True)
