"""How far each witness can be trusted, as measured: the numbers behind every confidence.

``decision.json`` lies in ``recognisers/decision``, with its card. It is measured by
``python -m flows.train.decision`` with the recognisers in use, whose digests it names: with other
weights it does not load.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from models.errors import RecogniserError
from models.records import Probability, Record

FILE = "decision.json"
NEVER = 2.0
"""A threshold that no confidence reaches, for engines whose errors were not measured."""


class WitnessReliability(Record):
    """One witness: what its probabilities are worth."""

    power: float = Field(gt=0)
    """Exponent that makes its probabilities true; under 1 it was too sure of itself."""
    wrong: Probability
    """How often it says something that has nothing to do with the number, misread or miswritten."""
    sure: Probability
    """Probability of its number, made true, from which it counts as disagreeing with another."""


class SumReliability(Record):
    """One line of a form's arithmetic."""

    wrong: Probability
    """How often the writers themselves got it wrong."""
    ways: float = Field(gt=1)
    """Over how many differences such an error is spread: the perplexity of the differences."""


class Reliabilities(Record):
    """All that is needed to turn witnesses into one number, its confidence and its status."""

    recognisers: dict[str, str]
    """Name to digest of the weights that this was measured with."""
    forms: tuple[str, ...] = ("c-hasil-ppwp-2024",)
    """Ids of the forms that this was measured on: of others nothing is clear on the word of the
    digits alone."""
    witnesses: dict[str, WitnessReliability]
    slip: Probability
    """How often the digits on paper are another number than the one the writers meant."""
    sums: dict[str, SumReliability]
    """``RULE:FIELD`` to its line."""
    other_sums: SumReliability
    """Lines that were not measured themselves."""
    clear: float
    """Smallest confidence of a field that may be called clear."""
    blank: float
    """Smallest confidence of an empty field that may be called blank."""
    digest: str = ""
    """SHA-256 of the file; part of every reading's recipe."""

    def of_sum(self, rule: str, field: str) -> SumReliability:
        """The reliability of one line of arithmetic."""
        return self.sums.get(f"{rule}:{field}", self.other_sums)


def unmeasured(recognisers: Mapping[str, str]) -> Reliabilities:
    """For engines that nobody has measured: nothing they read is clear or blank."""
    doubtful = WitnessReliability(power=1.0, wrong=0.05, sure=0.5)
    return Reliabilities(
        recognisers=dict(recognisers),
        witnesses=dict.fromkeys(("digits", "bubbles", "tally", "words"), doubtful),
        slip=0.01,
        sums={},
        other_sums=SumReliability(wrong=0.05, ways=50.0),
        clear=NEVER,
        blank=NEVER,
        digest="unmeasured",
    )


def decision_file() -> Path:
    """Where the measured reliabilities of the recognisers in use are."""
    return Path(__file__).parent / "recognisers" / "decision" / FILE


def load_reliabilities(recognisers: Mapping[str, str], path: Path | None = None) -> Reliabilities:
    """Load what was measured with these recognisers.

    Args:
        recognisers: Name to digest of the weights that will read.
        path: The file; the one in use where ``None``.

    Raises:
        RecogniserError: the file is missing, broken, or was measured with other weights.

    """
    path = path or decision_file()
    try:
        content = path.read_bytes()
        measured = Reliabilities.model_validate_json(content)
    except (OSError, ValidationError) as error:
        raise RecogniserError(f"{path.name}: {error}", file=path.name) from error
    if measured.recognisers != dict(recognisers):
        raise RecogniserError(
            f"{path.name} was measured with {measured.recognisers}, not {dict(recognisers)}",
            file=path.name,
        )
    return measured.model_copy(update={"digest": hashlib.sha256(content).hexdigest()})
