"""Weights by digest: the file must be what its name says, so that a recipe can name it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnxruntime

from models.errors import RecogniserError

DIGEST_LENGTH = 12


def open_weights(weights: Path) -> tuple[str, onnxruntime.InferenceSession]:
    """Open ``weights-<digest>.onnx``, to run on one thread.

    Returns:
        The digest (beginning of the file's SHA-256), and the session.

    Raises:
        RecogniserError: the file is missing, is not named by a digest, or is not the file its
            name says.

    """
    named = weights.stem.removeprefix("weights-")
    if weights.suffix != ".onnx" or named == weights.stem or len(named) < DIGEST_LENGTH:
        raise RecogniserError(
            f"{weights.name} is not named weights-<digest>.onnx", file=weights.name
        )
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise RecogniserError(f"{weights.name}: {error.strerror}", file=weights.name) from error
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(named):
        raise RecogniserError(
            f"{weights.name} is not the file its name says: its SHA-256 begins {found[:12]}",
            file=weights.name,
            named=named,
            found=found[: len(named)],
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        content, sess_options=options, providers=["CPUExecutionProvider"]
    )
    return named, session


def weights_of(folder: Path) -> Path:
    """The one weights file of a recogniser's folder; raises ``RecogniserError``."""
    found = sorted(folder.glob("weights-*.onnx"))
    if len(found) != 1:
        raise RecogniserError(
            f"{folder.name} holds {len(found)} files weights-<digest>.onnx instead of one",
            folder=folder.name,
        )
    return found[0]
