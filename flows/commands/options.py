"""Checks of what is typed on the command line."""

from __future__ import annotations

import typer

TPS_DIGITS = 13


def check_owed_form(form: str) -> str:
    """The id of an installed form; a usage error otherwise."""
    from models.forms.template import installed_forms  # noqa: PLC0415 - see the package

    if form not in installed_forms():
        known = ", ".join(installed_forms())
        raise typer.BadParameter(f"{form} is not installed; there are {known}")
    return form


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
