"""Checks of what is typed on the command line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from models.elections import Election, election_called

TPS_DIGITS = 13

NONE = "none"
"""As ``flows.kept.NONE``; that brings the store along, and this module must not."""


def check_owed_form(form: str | None) -> str | None:
    """The id of an installed form, or nothing; a usage error otherwise."""
    from models.forms.template import installed_forms  # noqa: PLC0415 - see the package

    if form is not None and form not in installed_forms():
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


def check_expected(codes: str | None) -> str | None:
    """Regions by commas, ``none`` alone or before them, or nothing; a usage error otherwise."""
    if codes is not None:
        first, *rest = codes.split(",")
        for code in rest if first == NONE else (first, *rest):
            if not code:
                raise typer.BadParameter("regions stand by commas: 3215,3216")
            check_region(code)
    return codes


def check_table(path: Path | None) -> Path | None:
    """A file or folder that is there, ``none``, or nothing; a usage error otherwise."""
    if path is not None and str(path) != NONE and not path.exists():
        raise typer.BadParameter(f"there is no file or folder {path}")
    return path


def parse_moment(text: str) -> datetime:
    """A moment as people write it, in WIB where it names no zone; a usage error otherwise."""
    from models.store.revisions import with_zone  # noqa: PLC0415 - see the package

    try:
        return with_zone(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise typer.BadParameter(
            f"a moment is written as 2024-02-20 or 2024-02-20T14:00, not {text!r}"
        ) from None


def check_field(name: str | None) -> str | None:
    """A field of a form, or nothing; a usage error that names similar ones otherwise."""
    from difflib import get_close_matches  # noqa: PLC0415 - see the package

    from models.forms.template import installed_forms, load_form  # noqa: PLC0415
    from models.party_fields import party_field  # noqa: PLC0415

    if name is None or party_field(name) is not None:
        return name
    known = dict.fromkeys(
        field for form in installed_forms() for field in load_form(form).field_names
    )
    if name not in known:
        near = get_close_matches(name, known, n=3) or list(known)[:3]
        raise typer.BadParameter(
            f"no installed form has a field {name!r}; did you mean {', '.join(near)}? "
            "`chasil forms list` names the forms"
        )
    return name


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

ExpectOption = Annotated[
    str | None,
    typer.Option(
        metavar="CODE",
        callback=check_expected,
        help="A region's code (or its first digits; several by commas): each of its TPS must have "
        "photos, also in later runs. `none` drops what was expected before, `none,3216` expects "
        "only this region.",
    ),
]
RegionsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        callback=check_table,
        help="A table of regions for --expect, and to hold the photos' headers against, instead of "
        "the one that comes with chasil: a CSV, or Sirekap's JSON. It counts in later runs too; "
        "`none` drops it.",
    ),
]
OwedFormOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        callback=check_owed_form,
        help="The form that every TPS owes, also in later runs: its pages are what can be missing. "
        "[default: CHASIL_FORM, else as in the last run, else c-hasil-ppwp-2024]",
    ),
]
