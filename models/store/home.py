"""Where the store and the copies of the photos live."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "CHASIL_HOME"
DATABASE_NAME = "chasil.sqlite"
PHOTOS_NAME = "photos"
REGIONS_NAME = "regions.csv"
"""Names of the regions that runs were given with ``--regions``, for the auditors' room."""


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
