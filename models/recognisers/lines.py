"""One line of handwriting in, a probability for each letter at each step along it out.

Weights lie beside this module in ``lines-tulisan/weights-<digest>.onnx``, as for the digit boxes;
``CARD.md`` and ``card.json`` in the same folder say what they were trained on and how often they
are wrong. What a line says is found by ``pipeline.ctc``: a text's probability is that of all ways
of spelling it out along the steps, each step giving one letter, or nothing (the CTC blank), and
the same letter twice in a row being one letter.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import RecogniserError
from models.recognisers.weights import DIGEST_LENGTH, open_weights, weights_of

BLANK = ""
"""The first sign of every alphabet: a step that gives no letter."""

ALPHABET: tuple[str, ...] = (BLANK, *string.ascii_uppercase, *string.digits)
"""What a step can give, in the order of the columns. Small letters come out as capitals. There is
no space: how far words stand apart differs from hand to hand."""

LINE_PX = 32
"""Height of a prepared line. The letters should fill about two thirds of it."""

STEP_PX = 4
"""A line of width ``w`` px has ``ceil(w / STEP_PX)`` steps."""

LEAST_PX = 16
"""A narrower line is widened to this by repeating its right edge."""

LINES_FOLDER = "lines-tulisan"
"""The folder of the recogniser in use."""

Line = NDArray[np.uint8]
"""(32, width), 0 black to 255 white: dark letters on light paper."""

LogProbabilities = NDArray[np.float32]
"""(steps, len(alphabet)), natural logarithms, each row's probabilities sum to 1."""


class LineRecogniser(Protocol):
    """Reads lines of handwriting. Any engine that can do this can stand in for any other."""

    @property
    def name(self) -> str:
        """Short name, for records and tables."""
        ...

    @property
    def digest(self) -> str:
        """Beginning of the SHA-256 of what decides the answers; part of a reading's recipe."""
        ...

    @property
    def alphabet(self) -> tuple[str, ...]:
        """The columns of the answers; ``BLANK`` first."""
        ...

    def log_probabilities(self, lines: Sequence[Line]) -> list[LogProbabilities]:
        """One answer a line, each with as many steps as its line is long."""
        ...


def prepare_line(grey: NDArray[np.uint8]) -> Line:
    """Bring the picture of one line to the recogniser's height.

    Args:
        grey: (height, width) uint8, any size from 1 × 1 px.

    Returns:
        (32, width) uint8 in the same proportions, at least ``LEAST_PX`` wide.

    Raises:
        ValueError: not greyscale, not uint8, or empty.

    """
    if grey.ndim != 2 or grey.dtype != np.uint8 or grey.size == 0:
        raise ValueError(f"a line is (height, width) uint8, not {grey.shape} {grey.dtype}")
    height, width = grey.shape
    wide = max(1, round(width * LINE_PX / height))
    if height != LINE_PX:
        method = cv2.INTER_AREA if height > LINE_PX else cv2.INTER_CUBIC
        grey = np.asarray(cv2.resize(grey, (wide, LINE_PX), interpolation=method), np.uint8)
    if wide < LEAST_PX:
        grey = np.pad(grey, ((0, 0), (0, LEAST_PX - wide)), mode="edge")
    return grey


def check_line(line: Line) -> None:
    """Raise ``ValueError`` unless ``line`` is (32, width) uint8 and not empty."""
    if line.ndim != 2 or line.shape[0] != LINE_PX or line.shape[1] == 0 or line.dtype != np.uint8:
        raise ValueError(f"a line is ({LINE_PX}, width) uint8, not {line.shape} {line.dtype}")


def steps_of(width: int) -> int:
    """How many steps the answer to a line of this width in px has."""
    return -(-max(width, LEAST_PX) // STEP_PX)


class OnnxLineRecogniser:
    """Our own network, run by onnxruntime on one thread. It evens out contrast itself."""

    alphabet = ALPHABET

    def __init__(self, weights: Path) -> None:
        """Load ``weights-<digest>.onnx``.

        Raises:
            RecogniserError: the file is missing, is not named by a digest, is not the file its
                name says, or does not hold a network with this alphabet.

        """
        self.name = weights.parent.name
        self.digest, self._session = open_weights(weights)
        answers = self._session.get_outputs()[0].shape[-1]
        if answers != len(ALPHABET):
            raise RecogniserError(
                f"{weights.name} answers {answers} signs instead of {len(ALPHABET)}",
                file=weights.name,
            )

    def log_probabilities(self, lines: Sequence[Line]) -> list[LogProbabilities]:
        """Read lines one by one; ``ValueError`` where one has another shape."""
        answers = []
        for line in lines:
            check_line(line)
            ready = np.ascontiguousarray(prepare_line(line)[None])
            (answer,) = self._session.run(None, {"lines": ready})
            answers.append(np.asarray(answer[0], np.float32))
        return answers


class NullLineRecogniser:
    """Says "don't know" at every step: the whole house must run with it and trust nothing."""

    name = "null-lines"
    digest = hashlib.sha256(b"null-lines").hexdigest()[:DIGEST_LENGTH]
    alphabet = ALPHABET

    def log_probabilities(self, lines: Sequence[Line]) -> list[LogProbabilities]:
        """The same probability for every sign."""
        for line in lines:
            check_line(line)
        even = -float(np.log(len(ALPHABET)))
        return [
            np.full((steps_of(line.shape[1]), len(ALPHABET)), even, np.float32) for line in lines
        ]


def lines_folder() -> Path:
    """The folder of the recogniser in use: weights, ``CARD.md`` and ``card.json``."""
    return Path(__file__).parent / LINES_FOLDER


@cache
def load_line_recogniser() -> OnnxLineRecogniser:
    """Load the recogniser in use, once a process; raises ``RecogniserError``."""
    return OnnxLineRecogniser(weights_of(lines_folder()))


@dataclass(frozen=True, slots=True)
class LineCalibration:
    """How to make probabilities of what the recogniser says about a text; fitted in training."""

    temperature: float
    """Log-probabilities of whole texts are divided by this: they are too sure."""
    other: float
    """Added to the log-probability of the likeliest free text, for "something else"."""
    other_letter: float
    """The same, for each of its letters."""
    empty: float
    """Probability that nothing is written where no line was found."""


@cache
def line_calibration() -> LineCalibration:
    """The calibration of the recogniser in use, from its card.

    Raises:
        RecogniserError: the card is missing, broken, or describes other weights.

    """
    folder = lines_folder()
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        digest, fitted = str(card["digest"]), card["calibration"]
        calibration = LineCalibration(
            temperature=float(fitted["temperature"]),
            other=float(fitted["other"]),
            other_letter=float(fitted["other_letter"]),
            empty=float(fitted["empty"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecogniserError(f"{folder.name}/card.json: {error!r}", file="card.json") from error
    if digest != load_line_recogniser().digest:
        raise RecogniserError(
            f"{folder.name}/card.json describes other weights: {digest}", file="card.json"
        )
    return calibration
