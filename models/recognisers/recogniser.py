"""One digit box in, a probability for each of fourteen labels out.

Weights lie beside this module in ``digits-<name>/weights-<digest>.onnx``; the file's own SHA-256
must begin with the digest in its name, so that a reading's recipe can name what read it.
``CARD.md`` and ``card.json`` in the same folder say what the weights were trained on, how often
they are wrong, and at which confidence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import RecogniserError
from models.recognisers.weights import DIGEST_LENGTH, open_weights, weights_of

LABELS: tuple[str, ...] = (
    *("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    *("x", "blank", "dash", "other"),
)
"""What a box can hold, in the order of the columns of ``probabilities``.

``0`` to ``9``: one digit (a zero struck by a slash is a written zero). ``x``: crossed out by a
cross or one long diagonal. ``blank``: nothing written. ``dash``: one horizontal stroke.
``other``: anything else, also two glyphs, an overwritten digit, or no box at all.
"""

CROP_PX = 48
"""Width and height of a prepared crop. The printed box (the centre-line of its stroke) is about
40 of them wide: the crop shows a tenth of the box's side on each side of it."""

DIGITS_FOLDER = "digits-kotak"
"""The folder of the recogniser in use."""

CLEAN_DIGITS_FOLDER = "digits-bersih"
"""The folder of the recogniser of boxes that were cleaned of all but ink."""

_BATCH = 64

Crops = NDArray[np.uint8]
"""(n, 48, 48), 0 black to 255 white."""

Probabilities = NDArray[np.float32]
"""(n, 14), columns as in ``LABELS``, rows sum to 1."""


class DigitRecogniser(Protocol):
    """Reads digit boxes. Any engine that can do this can stand in for any other."""

    @property
    def name(self) -> str:
        """Short name, for records and tables."""
        ...

    @property
    def digest(self) -> str:
        """Beginning of the SHA-256 of what decides the answers; part of a reading's recipe."""
        ...

    def probabilities(self, crops: Crops) -> Probabilities:
        """One row a crop; see ``Crops`` and ``Probabilities``."""
        ...


def prepare(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring the picture of one box to the recogniser's size.

    Args:
        grey: (height, width) uint8, any size from 1 × 1 px, frame in view.

    Returns:
        (48, 48) uint8, resized without regard to its proportions.

    Raises:
        ValueError: not greyscale, not uint8, or empty.

    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise ValueError(f"a box is (height, width) uint8, not {grey.shape} {grey.dtype}")
    height, width = grey.shape
    if height == CROP_PX and width == CROP_PX:
        return grey
    finer = height > CROP_PX and width > CROP_PX
    method = cv2.INTER_AREA if finer else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, (CROP_PX, CROP_PX), interpolation=method), dtype=np.uint8)


def check_crops(crops: Crops) -> None:
    """Raise ``ValueError`` unless ``crops`` are (n, 48, 48) uint8."""
    if crops.ndim != 3 or crops.shape[1:] != (CROP_PX, CROP_PX) or crops.dtype != np.uint8:
        raise ValueError(
            f"crops are (n, {CROP_PX}, {CROP_PX}) uint8, not {crops.shape} {crops.dtype}"
        )


class OnnxCellRecogniser:
    """A network of our own for cells of 48 × 48 px, run by onnxruntime on one thread.

    The graph takes the crops as they are: it evens out their contrast itself, and its softmax
    carries the temperature that was fitted on the calibration split.
    """

    def __init__(self, weights: Path, labels: Sequence[str]) -> None:
        """Load ``weights-<digest>.onnx``, which answers these labels.

        Raises:
            RecogniserError: the file is missing, is not named by a digest, is not the file its
                name says, or does not hold a network with these labels.

        """
        self.name = weights.parent.name
        self.digest, self._session = open_weights(weights)
        self._labels = len(labels)
        answers = self._session.get_outputs()[0].shape[-1]
        if answers != self._labels:
            raise RecogniserError(
                f"{weights.name} answers {answers} labels instead of {self._labels}",
                file=weights.name,
            )

    def probabilities(self, crops: Crops) -> Probabilities:
        """Read a batch of any size, also 0; ``ValueError`` where ``crops`` has another shape."""
        check_crops(crops)
        answers = np.empty((len(crops), self._labels), dtype=np.float32)
        for start in range(0, len(crops), _BATCH):
            part = np.ascontiguousarray(crops[start : start + _BATCH])
            (answers[start : start + _BATCH],) = self._session.run(None, {"crops": part})
        return answers


class OnnxDigitRecogniser(OnnxCellRecogniser):
    """Our own network for one digit box; ``LABELS``."""

    def __init__(self, weights: Path) -> None:
        """Load ``weights-<digest>.onnx``; raises ``RecogniserError``."""
        super().__init__(weights, LABELS)


class NullRecogniser:
    """Says "don't know" to every box: the whole house must run with it and trust nothing."""

    name = "null"
    digest = hashlib.sha256(b"null").hexdigest()[:DIGEST_LENGTH]

    def probabilities(self, crops: Crops) -> Probabilities:
        """The same probability for every label."""
        check_crops(crops)
        return np.full((len(crops), len(LABELS)), 1 / len(LABELS), dtype=np.float32)


def recogniser_folder() -> Path:
    """The folder of the recogniser in use: weights, ``CARD.md`` and ``card.json``."""
    return Path(__file__).parent / DIGITS_FOLDER


@cache
def load_digit_recogniser() -> OnnxDigitRecogniser:
    """Load the recogniser in use, once a process; raises ``RecogniserError``."""
    return OnnxDigitRecogniser(weights_of(recogniser_folder()))


def clean_digits_folder() -> Path:
    """The folder of the recogniser of cleaned boxes: weights and ``CARD.md``."""
    return Path(__file__).parent / CLEAN_DIGITS_FOLDER


@cache
def load_clean_digit_recogniser() -> OnnxDigitRecogniser:
    """Load the recogniser of cleaned boxes, once a process; raises ``RecogniserError``."""
    return OnnxDigitRecogniser(weights_of(clean_digits_folder()))


@cache
def box_clear_threshold() -> float:
    """Smallest confidence of one box that may count as clear, from the card.

    Raises:
        RecogniserError: the card is missing, broken, or describes other weights.

    """
    folder = recogniser_folder()
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        digest, threshold = str(card["digest"]), float(card["box_clear_threshold"])
    except (OSError, ValueError, KeyError) as error:
        raise RecogniserError(f"{folder.name}/card.json: {error!r}", file="card.json") from error
    if digest != load_digit_recogniser().digest:
        raise RecogniserError(
            f"{folder.name}/card.json describes other weights: {digest}", file="card.json"
        )
    return threshold
