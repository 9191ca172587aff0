"""All recognisers in use, together: what reads digits, tallies and lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from models.recognisers.lines import (
    LineRecogniser,
    NullLineRecogniser,
    lines_folder,
    load_line_recogniser,
)
from models.recognisers.recogniser import (
    DigitRecogniser,
    NullRecogniser,
    load_digit_recogniser,
    recogniser_folder,
)
from models.recognisers.row_totals import load_row_digit_recogniser, row_digits_folder
from models.recognisers.tally import (
    NullTallyRecogniser,
    TallyRecogniser,
    load_tally_recogniser,
    tally_folder,
)
from models.recognisers.weights import weights_of


@dataclass(frozen=True)
class Recognisers:
    """One engine for each kind of handwriting."""

    digits: DigitRecogniser
    """The large digit boxes."""
    row_digits: DigitRecogniser
    """The small boxes at the end of a tally's row."""
    tally: TallyRecogniser
    lines: LineRecogniser

    @property
    def digests(self) -> dict[str, str]:
        """Kind to digest, as in ``Reliabilities.recognisers``."""
        return {
            "digits": self.digits.digest,
            "row_digits": self.row_digits.digest,
            "tally": self.tally.digest,
            "lines": self.lines.digest,
        }


@cache
def load_recognisers() -> Recognisers:
    """Load what is installed, once a process; raises ``RecogniserError``."""
    return Recognisers(
        digits=load_digit_recogniser(),
        row_digits=load_row_digit_recogniser(),
        tally=load_tally_recogniser(),
        lines=load_line_recogniser(),
    )


def null_recognisers() -> Recognisers:
    """Engines that say "don't know" to everything."""
    return Recognisers(
        NullRecogniser(), NullRecogniser(), NullTallyRecogniser(), NullLineRecogniser()
    )


def installed_digests() -> dict[str, str]:
    """``Recognisers.digests`` of what is installed, without loading it."""
    folders = {
        "digits": recogniser_folder(),
        "row_digits": row_digits_folder(),
        "tally": tally_folder(),
        "lines": lines_folder(),
    }
    return {
        kind: weights_of(folder).stem.removeprefix("weights-") for kind, folder in folders.items()
    }
