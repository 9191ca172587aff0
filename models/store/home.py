"""Where the store and the copies of the photos live: three settings in the environment."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "CHASIL_HOME"
DATABASE_VARIABLE = "CHASIL_DATABASE"
"""URL of a PostgreSQL database; not set: SQLite in ``CHASIL_HOME``."""

PHOTOS_VARIABLE = "CHASIL_PHOTOS"
"""``s3://bucket/folder``; not set: the folder ``photos`` in ``CHASIL_HOME``."""

DATABASE_NAME = "chasil.sqlite"
PHOTOS_NAME = "photos"


def chasil_home() -> Path:
    """The folder in ``CHASIL_HOME``; without it the user's data folder (XDG base directories).

    The folder need not exist yet.
    """
    given = os.environ.get(HOME_VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME")
    base = Path(data) if data else Path.home() / ".local" / "share"
    return base / "chasil"


def chosen_database() -> str | None:
    """The URL in ``CHASIL_DATABASE``, or ``None`` for SQLite."""
    return os.environ.get(DATABASE_VARIABLE, "").strip() or None


def chosen_photos() -> str | None:
    """The URL in ``CHASIL_PHOTOS``, or ``None`` for a folder."""
    return os.environ.get(PHOTOS_VARIABLE, "").strip() or None


def use_only(home: Path) -> None:
    """Let this process and its children keep everything in one folder, whatever was set before."""
    os.environ[HOME_VARIABLE] = str(home.absolute())
    os.environ.pop(DATABASE_VARIABLE, None)
    os.environ.pop(PHOTOS_VARIABLE, None)
