"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real forms, photos and entries beside the project; skips where it is absent."""
    folder = Path(os.environ.get("CHASIL_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip("the folder of real material is not on this machine")
    return folder
