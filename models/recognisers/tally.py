"""One cell of the tally (turus) in, a probability for each of eight labels out.

Weights lie beside this module in ``tally-turus/weights-<digest>.onnx``, with ``CARD.md`` and
``card.json`` that say what they were trained on and how often they are wrong.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import RecogniserError
from models.recognisers.recogniser import Crops, OnnxCellRecogniser, check_crops
from models.recognisers.weights import DIGEST_LENGTH, weights_of

TALLY_LABELS: tuple[str, ...] = ("0", "1", "2", "3", "4", "5", "struck", "other")
"""What a cell can hold, in the order of the columns of ``probabilities``.

``0``: no stroke, whatever reaches in from the cells around it. ``1`` to ``5``: so many strokes,
in any style. ``struck``: shut as unused, by a cross or by a line that passes through, begins or
ends there; it stands for no vote. ``other``: strokes that can't be counted, and strokes that are
struck out.
"""

TALLY_FOLDER = "tally-turus"
"""The folder of the recogniser in use."""

CellProbabilities = NDArray[np.float32]
"""(n, 8), columns as in ``TALLY_LABELS``, rows sum to 1."""


class TallyRecogniser(Protocol):
    """Reads cells of the tally. Any engine that can do this can stand in for any other."""

    @property
    def name(self) -> str:
        """Short name, for records and tables."""
        ...

    @property
    def digest(self) -> str:
        """Beginning of the SHA-256 of what decides the answers; part of a reading's recipe."""
        ...

    def probabilities(self, crops: Crops) -> CellProbabilities:
        """One row a cell.

        Args:
            crops: (n, 48, 48) uint8, 0 black to 255 white: the cell with 15 % of its sides on
                each side of it, without regard to its proportions.

        """
        ...


class OnnxTallyRecogniser(OnnxCellRecogniser):
    """Our own network for one cell of the tally; ``TALLY_LABELS``."""

    def __init__(self, weights: Path) -> None:
        """Load ``weights-<digest>.onnx``; raises ``RecogniserError``."""
        super().__init__(weights, TALLY_LABELS)


class NullTallyRecogniser:
    """Says "don't know" to every cell."""

    name = "null"
    digest = hashlib.sha256(b"null tally").hexdigest()[:DIGEST_LENGTH]

    def probabilities(self, crops: Crops) -> CellProbabilities:
        """Everything on ``other``: it can't count any cell."""
        check_crops(crops)
        answers = np.zeros((len(crops), len(TALLY_LABELS)), dtype=np.float32)
        answers[:, TALLY_LABELS.index("other")] = 1.0
        return answers


def tally_folder() -> Path:
    """The folder of the recogniser in use: weights, ``CARD.md`` and ``card.json``."""
    return Path(__file__).parent / TALLY_FOLDER


@cache
def load_tally_recogniser() -> OnnxTallyRecogniser:
    """Load the recogniser in use, once a process; raises ``RecogniserError``."""
    return OnnxTallyRecogniser(weights_of(tally_folder()))


@cache
def certain_from() -> float:
    """Smallest probability of a cell's count at which the cell is certain, from the card.

    Raises:
        RecogniserError: the card is missing, broken, or describes other weights.

    """
    folder = tally_folder()
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        digest, threshold = str(card["digest"]), float(card["certain_from"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecogniserError(f"{folder.name}/card.json: {error!r}", file="card.json") from error
    if digest != load_tally_recogniser().digest:
        raise RecogniserError(
            f"{folder.name}/card.json describes other weights: {digest}", file="card.json"
        )
    return threshold
