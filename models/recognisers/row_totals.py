"""The recogniser for the small boxes of a tally's row totals.

It answers the same labels as the one for the large boxes and is run by the same code; only its
weights are its own, in ``digits-baris``. A box that a line passes through on its way to shut
unused rows is ``x``: no digit.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from models.recognisers.recogniser import OnnxDigitRecogniser
from models.recognisers.weights import weights_of

ROW_DIGITS_FOLDER = "digits-baris"


def row_digits_folder() -> Path:
    """The folder of the recogniser in use: weights, ``CARD.md`` and ``card.json``."""
    return Path(__file__).parent / ROW_DIGITS_FOLDER


@cache
def load_row_digit_recogniser() -> OnnxDigitRecogniser:
    """Load the recogniser in use, once a process; raises ``RecogniserError``."""
    return OnnxDigitRecogniser(weights_of(row_digits_folder()))
