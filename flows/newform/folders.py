"""Folders that a command writes into."""

from __future__ import annotations

from pathlib import Path

from models.errors import InputFileError


class FolderNotMade(InputFileError):
    """A folder for what is written can't be made or written."""

    code = "folder_not_made"
    remedy = "Name another folder, one that you may write."


def make_folder(folder: Path) -> None:
    """Make a folder with those above it, if it is not there; raises ``FolderNotMade``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderNotMade(f"{folder}: {error.strerror}", folder=str(folder)) from error
