"""All recognisers in use, together: what reads digits, tallies and lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from models.forms.template import FormTemplate
from models.recognisers.lines import (
    LineRecogniser,
    NullLineRecogniser,
    lines_folder,
    load_line_recogniser,
)
from models.recognisers.recogniser import (
    DigitRecogniser,
    NullRecogniser,
    load_clean_digit_recogniser,
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
    clean_digits: DigitRecogniser | None = None
    """Digit boxes that were cleaned of all but ink; those of ``digits`` where ``None``."""

    def digits_of(self, form: FormTemplate) -> DigitRecogniser:
        """The engine for the large digit boxes of a form."""
        if form.digits == "digits-bersih" and self.clean_digits is not None:
            return self.clean_digits
        return self.digits

    @property
    def all_digests(self) -> dict[str, str]:
        """Kind to digest of everything that reads; part of a reading's recipe."""
        if self.clean_digits is None:
            return self.digests
        return {**self.digests, "clean_digits": self.clean_digits.digest}

    @property
    def digests(self) -> dict[str, str]:
        """Kind to digest of what the decision was measured with (``Reliabilities.recognisers``)."""
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
        clean_digits=load_clean_digit_recogniser(),
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
