"""``chasil audit``: prove that the trail of the auditors' room is whole, and hand it on."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.friendly import FriendlyGroup
from models.errors import ChasilError

MISMATCHES_SHOWN = 20

app = typer.Typer(cls=FriendlyGroup, no_args_is_help=True, rich_markup_mode="markdown")


class TrailBroken(ChasilError):
    """The trail was tampered with, or the disk lost something."""

    code = "trail_broken"
    remedy = (
        "Keep this store as it is, and compare it with a backup: what comes before the broken "
        "link is sound, what comes after it can't be trusted."
    )


class ExportNotWritten(ChasilError):
    """The file can't be written."""

    code = "output"
    remedy = "Choose another place with `--out FILE`."


@app.callback()
def audit() -> None:
    """Check and export the trail: every act of the auditors' room, chained by hashes."""


@app.command("verify")
def verify(
    anchor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER:HASH",
            help="What an earlier verify printed; the trail must still pass through it. May be "
            "given more than once.",
        ),
    ] = None,
) -> None:
    """Walk the whole chain, name the first broken link, and compare every item with it.

    At the end it prints an anchor. Write it down elsewhere: with it, `--anchor` also finds a trail
    that was cut off at its end or made anew as a whole.
    """
    from models.store.store import Store
    from models.trail import parse_anchor
    from review.replay import mismatches

    anchors = [parse_anchor(text) for text in anchor or ()]
    with Store.open() as store:
        broken = store.trail.verify(*anchors)
        if broken is not None:
            raise TrailBroken(broken.message, sequence=broken.sequence, kind=broken.kind)
        head = store.trail.head()
        wrong = list(islice(mismatches(store), MISMATCHES_SHOWN))
    if wrong:
        for one in wrong:
            typer.echo(f"differs: {one}", err=True)
        raise TrailBroken(f"the chain is whole, but {wrong[0]}")
    if head is None:
        typer.echo("The trail is empty: nothing was done yet.")
        return
    typer.echo(f"The trail is whole: {head.sequence:,} records; every item says what they say.")
    typer.echo(f"Anchor: {head}")


@app.command("export")
def export(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write. [default: the screen]")
    ] = None,
) -> None:
    """Write the whole trail, one JSON object a line, the anchor in the last one.

    Anybody can check it without chasil: a record's hash is the SHA-256 of the canonical JSON
    (sorted keys, no spaces, UTF-8) of its other parts.
    """
    from models.store.store import Store
    from models.trail import canonical, moment

    with Store.open() as store:
        try:
            target = out.open("w", encoding="utf-8") if out else sys.stdout
        except OSError as error:
            raise ExportNotWritten(f"{out}: {error.strerror}", file=str(out)) from error
        count, anchor = 0, None
        try:
            for record in store.trail.walk():
                count, anchor = record.sequence, f"{record.sequence}:{record.hash}"
                values = record.model_dump() | {"at": moment(record.at)}
                target.write(canonical(values) + "\n")
            target.write(json.dumps({"anchor": anchor}) + "\n")
        finally:
            if out:
                target.close()
    if out:
        typer.echo(f"{count:,} records are in {out}.", err=True)
