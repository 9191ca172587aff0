"""What the flows are asked to do, checked before anything runs.

Prefect makes the forms of its web page and the JSON schema of each deployment of these types, and
refuses a run whose parameters don't fit; the messages say what to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from flows.kept import NONE
from models.elections import Election, election_called
from models.errors import ChasilError
from models.forms.template import installed_forms

UNCLAIMED = "none"
"""Stands for photos that don't say which TPS they are of, where a region is asked for."""


def _exists(path: Path) -> Path:
    if not path.exists():
        raise ValueError(
            f"there is no file or folder {path}. Check the name; a worker looks for it on its own "
            "machine, and relative to the folder it was started in"
        )
    return path


def _region(code: str) -> str:
    if not (1 <= len(code) <= 13 and code.isdecimal() and code.isascii()):
        raise ValueError(
            f"{code!r} is no region. Give the first digits of its code: 3216 is Kabupaten Bekasi "
            "(`chasil regions list` names them)"
        )
    return code


def _region_or_none(code: str) -> str:
    return code if code == UNCLAIMED else _region(code)


def _regions(codes: str) -> str:
    first, *rest = codes.split(",")
    for code in rest if first == NONE else (first, *rest):
        _region(code)
    return codes


def _table(path: Path) -> Path:
    return path if str(path) == NONE else _exists(path)


def _form(form: str) -> str:
    if form not in installed_forms():
        raise ValueError(
            f"the form {form!r} is not installed on this machine. Install it (`chasil forms "
            f"install`), or choose one of {', '.join(installed_forms())}"
        )
    return form


def _election(name: str) -> str:
    if election_called(name) is None:
        raise ValueError(f"{name!r} is no election. Choose one of {', '.join(Election)}")
    return name


ExistingPath = Annotated[Path, AfterValidator(_exists)]
"""A file or folder that is there."""

_TextOrNumber = Annotated[
    str,
    BeforeValidator(lambda code: str(code) if type(code) is int else code),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
]
"""Prefect's command line makes a number of ``--param expect=3216``; no code begins with 0."""

RegionCode = Annotated[_TextOrNumber, AfterValidator(_region)]
"""The first digits of a code: 2 provinsi, 4 kabupaten, 6 kecamatan, 10 desa, 13 TPS."""

RegionOrUnclaimed = Annotated[_TextOrNumber, AfterValidator(_region_or_none)]
"""The same, or ``none`` for photos that don't say which TPS they are of."""

ExpectedRegions = Annotated[_TextOrNumber, AfterValidator(_regions)]
"""One or more of the first digits of codes, by commas; ``none`` alone, or before them."""

RegionsTable = Annotated[Path, AfterValidator(_table)]
"""A table of regions that is there, or ``none``."""

FormId = Annotated[str, AfterValidator(_form)]
"""Id of a form that is installed."""

ElectionName = Annotated[str, AfterValidator(_election)]
"""``ppwp``, ``dpr``, ``dpd``, ``dprdp`` or ``dprdk``, or Sirekap's names for them."""

Workers = Annotated[int, Field(ge=1, le=1024)]
BatchSize = Annotated[int, Field(ge=1, le=1000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class WrongParameters(ChasilError):
    """A flow was asked for something it can't do."""

    code = "parameters"
    remedy = "Correct what the message names, and start it again. Nothing was run."


class UnknownRegion(ChasilError):
    """The table of regions does not have the region."""

    code = "unknown_region"
    remedy = (
        "`chasil regions list` shows the regions that are known. For another one give its table "
        "with `--regions`."
    )
