"""``chasil users``: accounts of the auditors' room."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.friendly import FriendlyGroup
from models.people import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.people import User

app = typer.Typer(cls=FriendlyGroup, no_args_is_help=True, rich_markup_mode="markdown")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
RegionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="CODE",
        help="Limit to this region (2, 4, 6, 10 or 13 digits); may be given more than once.",
    ),
]


@app.callback()
def users() -> None:
    """Make and change accounts of the auditors' room. Every change is in the trail."""


@app.command("add")
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What the user is there for.")] = Role.AUDITOR,
    region: RegionOption = None,
) -> None:
    """Make an account; asks for its password, twice.

    For example:

    - `chasil users add budi --region 321603`
    - `chasil users add sari --role supervisor`
    """
    from models.store.store import Store
    from review.passwords import hash_password

    with Store.open() as store:
        hashed = hash_password(_ask_password(), name)
        user = store.accounts.add(
            name, role, by=terminal(), password_hash=hashed, regions=region or ()
        )
    typer.echo(f"{user.name} is {user.role.value}{_where(user)}.")


@app.command("list")
def list_users() -> None:
    """List all accounts."""
    from rich.console import Console
    from rich.table import Table

    from models.store.store import Store

    with Store.open() as store:
        known = store.accounts.users()
    if not known:
        typer.echo("There are no accounts yet. Make one with `chasil users add NAME`.")
        return
    table = Table()
    for column in ("name", "role", "regions", "signs in"):
        table.add_column(column)
    for user in known:
        way = "no: disabled" if user.disabled else "by password"
        if not user.disabled and not user.has_password:
            way = "by link only"
        table.add_row(user.name, user.role.value, " ".join(user.regions) or "all", way)
    Console().print(table)


@app.command("set-role")
def set_role(
    name: NameArgument, role: Annotated[Role, typer.Argument(help="The new role.")]
) -> None:
    """Give a user another role."""
    from models.store.store import Store

    with Store.open() as store:
        user = store.accounts.set_role(name, role, by=terminal())
    typer.echo(f"{user.name} is {user.role.value}.")


@app.command("limit")
def limit(
    name: NameArgument,
    region: Annotated[
        list[str] | None, typer.Argument(metavar="CODE…", help="Regions' codes; none: no limit.")
    ] = None,
) -> None:
    """Limit a user to regions: nothing outside of them is seen or decided.

    For example:

    - `chasil users limit budi 321603 321604`
    - `chasil users limit budi` lifts the limit
    """
    from models.store.store import Store

    with Store.open() as store:
        user = store.accounts.limit(name, region or (), by=terminal())
    typer.echo(f"{user.name} works{_where(user) or ' everywhere'}.")


@app.command("set-password")
def set_password(name: NameArgument) -> None:
    """Give a user a new password; ends all sessions of that user."""
    from models.store.store import Store
    from review.passwords import hash_password

    with Store.open() as store:
        hashed = hash_password(_ask_password(), name)
        store.accounts.set_password(name, hashed, by=terminal())
    typer.echo(f"{name} has a new password and is signed out everywhere.")


@app.command("disable")
def disable(
    name: NameArgument,
    undo: Annotated[bool, typer.Option("--undo", help="Open the account again.")] = False,
) -> None:
    """Close an account, and end its sessions. It stays in the trail."""
    from models.store.store import Store

    with Store.open() as store:
        user = store.accounts.set_disabled(name, not undo, by=terminal())
    typer.echo(f"{user.name} {'can no longer' if user.disabled else 'can again'} sign in.")


def terminal() -> str:
    """Who acts on the command line, for the trail."""
    try:
        return f"terminal:{getpass.getuser()}"[:64]
    except (OSError, KeyError):  # a user without a name
        return "terminal"


def _ask_password() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _where(user: User) -> str:
    codes: Iterable[str] = user.regions
    return f" in {', '.join(codes)}" if user.regions else ""
