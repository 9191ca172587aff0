"""A line recogniser's answer as a short text, so that a stored reading can be scored later.

A lattice is (steps, signs) natural logarithms of probabilities, the CTC blank first. It is kept in
steps of ``QUANTUM`` nats down to ``FLOOR_STEPS`` of them, transposed (a sign that never shows is
one run of equal bytes), packed by zlib and written in base 85: some 400 characters a line.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Array

QUANTUM = 0.5
"""Nats. Rounding moves a text of ten letters by about 1; names differ by far more."""

FLOOR_STEPS = 18
"""Anything below 9 nats under certainty is kept as 9 nats: no recogniser is believed further."""


def pack(log_probabilities: NDArray[np.floating]) -> str:
    """Write (steps, signs) natural logarithms as text.

    Raises:
        ValueError: not two-dimensional, more than 255 signs, or not all numbers.

    """
    if log_probabilities.ndim != 2 or not 1 <= log_probabilities.shape[1] <= 255:
        raise ValueError(f"a lattice is (steps, signs), not {log_probabilities.shape}")
    if np.isnan(log_probabilities).any():
        raise ValueError("a lattice holds numbers only")
    levels = np.clip(np.round(-log_probabilities / QUANTUM), 0, FLOOR_STEPS).astype(np.uint8)
    content = bytes([log_probabilities.shape[1]]) + levels.T.tobytes()
    return base64.b85encode(zlib.compress(content, 9)).decode("ascii")


def unpack(text: str) -> Array:
    """The (steps, signs) natural logarithms again, each step's probabilities summing to 1.

    Raises:
        ValueError: the text is no packed lattice.

    """
    try:
        content = zlib.decompress(_from_base_85(text))
    except (ValueError, zlib.error) as error:
        raise ValueError(f"no packed lattice: {error}") from error
    if not content or content[0] == 0 or (len(content) - 1) % content[0]:
        raise ValueError("no packed lattice: its length fits no number of signs")
    levels = np.frombuffer(content, np.uint8, offset=1).reshape(content[0], -1).T
    logs = -QUANTUM * levels.astype(np.float64)
    return np.asarray(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))


_SIGNS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
"""Of base 85, as ``base64.b85encode`` writes it."""

_DIGIT = np.full(256, -1, np.int64)
_DIGIT[np.frombuffer(_SIGNS, np.uint8)] = np.arange(85)
_PLACES = 85 ** np.arange(4, -1, -1, dtype=np.int64)


def _from_base_85(text: str) -> bytes:
    """What ``base64.b85decode`` gives, ten times sooner.

    Raises:
        ValueError: a sign or a number that base 85 doesn't have.

    """
    content = text.encode("ascii")
    missing = -len(content) % 5
    digits = _DIGIT[np.frombuffer(content + b"~" * missing, np.uint8)].reshape(-1, 5)
    if (digits < 0).any():
        raise ValueError("a sign that is none of base 85")
    numbers = digits @ _PLACES
    if (numbers >> 32).any():
        raise ValueError("a number that four bytes can't hold")
    decoded = numbers.astype(">u4").tobytes()
    return decoded[: len(decoded) - missing]
