"""From which confidence a field may be called clear, and on what evidence."""

from __future__ import annotations

import json
from pathlib import Path

from models.errors import RecogniserError
from models.recognisers.recogniser import recogniser_folder

FILE = "field.json"


def field_clear_threshold(digest: str, folder: Path | None = None) -> float:
    """Smallest confidence of a field that may be called clear.

    ``flows.train.fields`` measures it on whole pages and writes ``field.json`` beside the weights.

    Args:
        digest: Of the weights that will read; the file must have been measured with them.
        folder: Of the recogniser; the one in use where ``None``.

    Raises:
        RecogniserError: the file is missing, broken, or was measured with other weights.
    """
    path = (folder or recogniser_folder()) / FILE
    try:
        measured = json.loads(path.read_text(encoding="utf-8"))
        used, threshold = str(measured["digest"]), float(measured["field_clear_threshold"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecogniserError(f"{path.name}: {error!r}", file=path.name) from error
    if used != digest:
        raise RecogniserError(
            f"{path.name} was measured with the weights {used}, not {digest}", file=path.name
        )
    if not 0.5 < threshold <= 1:
        raise RecogniserError(f"{path.name}: {threshold} is no threshold", file=path.name)
    return threshold
