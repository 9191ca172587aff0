"""``chasil review``: open the auditors' room."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import ChasilError

if TYPE_CHECKING:
    from models.store.store import Store

PORT = 8350
LOCAL = ("127.0.0.1", "localhost", "::1")

LOCAL_USER = "lokal"
"""The account that a one-time link signs in to where nobody has made any."""

LINK_MINUTES = 60

PAGE_PATIENCE_SECONDS = 5.0
"""How long a page waits for a database server that went away: a person is waiting too."""


class PortTaken(ChasilError):
    """Something listens there already."""

    code = "port_taken"
    remedy = "Stop what uses it, or choose another with `--port`."


def review(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = PORT,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to listen on. Others in the office can come in with 0.0.0.0; put a "
            "server with HTTPS before it.",
        ),
    ] = LOCAL[0],
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Host name under which the app is reached; may be given more than once. "
            "[default: this machine's own names on 127.0.0.1, else any]",
        ),
    ] = None,
    link_for: Annotated[
        str | None,
        typer.Option(
            "--link-for",
            metavar="USER",
            help=f"Print a one-time link for this user. [default: {LOCAL_USER}, while there are "
            "no other users]",
        ),
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy", help="Believe the addresses that a server before it passes on."
        ),
    ] = False,
    regions: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="PATH",
            help="A table of regions for names and filters: a CSV, or Sirekap's JSON. [default: "
            "what `chasil process --regions` was given, else the one that comes with chasil]",
        ),
    ] = None,
    store_home: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where the store lies. [default: CHASIL_HOME, as everywhere]"
        ),
    ] = None,
) -> None:
    """Open the auditors' room: a web app to settle what paper and system disagree on.

    It listens on this machine only, and prints a link that signs you in once. For several people,
    make accounts with `chasil users add`.

    For example:

    - `chasil review`
    - `chasil review --host 0.0.0.0 --name audit.example`
    """
    import socket

    import uvicorn

    from flows.given import regions_now
    from flows.queueing import catch_up
    from models.store.store import Store
    from review.app import create_app

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with Store.open(store_home, patience=PAGE_PATIENCE_SECONDS) as store:
        done = catch_up(store)
        if done is not None:
            typer.echo(f"The queue was brought up to the last run: {done.items:,} items.", err=True)
        with socket.socket(family) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind((host, port))
            except OSError as error:
                raise PortTaken(f"{host}:{port}: {error.strerror}", port=port) from error
            hosts = name or (list(LOCAL) if host in LOCAL else ["*"])
            base = f"http://{'localhost' if host in LOCAL else host}:{port}"
            _greet(store, base, link_for)
            config = uvicorn.Config(
                create_app(store, hosts=hosts, regions=regions_now(store, regions)),
                log_level="warning",
                access_log=False,
                proxy_headers=behind_proxy,
                server_header=False,
            )
            uvicorn.Server(config).run(sockets=[listening])


def _greet(store: Store, base: str, link_for: str | None) -> None:
    from datetime import UTC, datetime, timedelta

    from models.people import Role
    from review.passwords import new_token, token_hash

    users = {user.name for user in store.accounts.users()}
    if link_for is None and users <= {LOCAL_USER}:
        link_for = LOCAL_USER
        if not users:
            store.accounts.add(LOCAL_USER, Role.SUPERVISOR, by="chasil")
    typer.echo(f"The auditors' room is open at {base}/ (Ctrl-C ends it).")
    if link_for is not None:
        token = new_token()
        expires_at = datetime.now(UTC) + timedelta(minutes=LINK_MINUTES)
        store.accounts.add_link(link_for, token_hash(token), expires_at)
        typer.echo(f"Sign in as {link_for}, once, within {LINK_MINUTES} minutes:")
        typer.echo(f"  {base}/sign-in/link?token={token}")
