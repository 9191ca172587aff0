"""Who works in the auditors' room, and what each role is for."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from models.errors import ChasilError
from models.records import Record
from models.regions import Level

NAME = re.compile(r"^[a-z][a-z0-9._-]{1,31}$")


class Role(StrEnum):
    """What a user is there for."""

    AUDITOR = "auditor"
    """Answers and decides."""
    SUPERVISOR = "supervisor"
    """Also settles disagreements, undoes what others did, and sets how the room works."""
    VIEWER = "viewer"
    """Looks on."""


class User(Record):
    """A user as the store knows it, without the password."""

    name: str
    role: Role
    regions: tuple[str, ...]
    """Codes of the regions the user is limited to; empty: no limit."""
    disabled: bool
    created_at: datetime
    has_password: bool


class BadUserName(ChasilError):
    """A name that can't be used for an account."""

    code = "user_name"
    remedy = (
        "Choose 2 to 32 characters: small letters, digits, dot, hyphen, underscore; a letter first."
    )


class BadRegion(ChasilError):
    """A region limit that names no level of the tree."""

    code = "region_limit"
    remedy = "Give a whole code: 2 digits provinsi, 4 kabupaten, 6 kecamatan, 10 desa, 13 TPS."


def check_name(name: str) -> str:
    """The name, if it can be one; raises ``BadUserName``."""
    if not NAME.fullmatch(name):
        raise BadUserName(f"{name!r} can't be a user's name")
    return name


def check_regions(codes: tuple[str, ...]) -> tuple[str, ...]:
    """The codes, sorted, each once; raises ``BadRegion`` for what is no region's code."""
    for code in codes:
        if not (code.isascii() and code.isdecimal() and len(code) in tuple(Level)):
            raise BadRegion(f"{code!r} is no code of a region")
    return tuple(sorted(set(codes)))
