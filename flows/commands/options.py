"""Checks of what is typed on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from models.elections import Election, election_called

TPS_DIGITS = 13


def check_tps(code: str | None) -> str | None:
    """A TPS code, or nothing; a usage error otherwise."""
    if code is not None and not (len(code) == TPS_DIGITS and code.isdecimal() and code.isascii()):
        raise typer.BadParameter(f"a TPS code has {TPS_DIGITS} digits, not {code!r}")
    return code


def check_region(code: str | None) -> str | None:
    """The first digits of a code, or nothing; a usage error otherwise."""
    if code and not (len(code) <= TPS_DIGITS and code.isdecimal() and code.isascii()):
        raise typer.BadParameter(
            f"a region is named by the first digits of its code (3216 is Kabupaten Bekasi), "
            f"not {code!r}"
        )
    return code


def check_election(name: str | None) -> str | None:
    """A name of an election of 2024, or nothing; a usage error otherwise."""
    if name is not None and election_called(name) is None:
        raise typer.BadParameter(f"an election is one of {', '.join(Election)}, not {name!r}")
    return name


def check_form(form: str | None) -> str | None:
    """A form's id: of one that is installed, or of an election of 2024; a usage error otherwise."""
    if form is None:
        return None
    from models.forms.template import installed_forms  # noqa: PLC0415 - with what it brings along

    known = (*installed_forms(), *(one.form for one in Election))
    if form not in known:
        raise typer.BadParameter(f"a form is one of {', '.join(dict.fromkeys(known))}")
    return form


ElectionOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=check_election,
        help="Which election they are of, where the path does not say it: ppwp, dpr, dpd, dprdp "
        "(DPRD provinsi) or dprdk (DPRD kabupaten/kota).",
    ),
]
