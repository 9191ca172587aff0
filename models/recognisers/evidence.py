"""How far a line recogniser's answer about the header is to be believed, and how much is needed.

``flows.train.header`` fits the numbers of ``Legibility`` on drawn headers and writes
``header.json`` beside the recogniser's weights, with what was measured.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import RecogniserError
from models.recognisers.lines import lines_folder
from models.recognisers.weights import weights_of

FILE = "header.json"

Share = Annotated[float, Field(gt=0.0, lt=1.0)]

Kind = Literal["name", "digits", "words"]
"""What a line holds: a region's name, a TPS's number in digits, or in words."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Legibility(_Part):
    """How one kind of line is to be believed."""

    sharpness: Annotated[float, Field(gt=0.0, le=2.0)]
    """Power that the recogniser's probability of a text is taken to: below 1, it is too sure."""
    misread: Share
    """Share of each step's probability that is spread over all signs: what no recogniser sees."""
    other: Share
    """Share of lines that hold something else than the name or number, or nothing legible."""


class Beliefs(_Part):
    """What is believed before a header is read. Judgements, not measurements."""

    wrong_tps: Share = 0.002
    """Share of photos filed under another TPS than theirs. No count is at hand."""
    same_desa: Share = 0.6
    same_kecamatan: Share = 0.25
    same_kabupaten: Share = 0.1
    other_kabupaten: Share = 0.05
    """Where the TPS is that a wrongly filed photo is of."""
    same_number: Share = 0.5
    """Share of photos filed under another desa that keep their number: whole folders go astray."""
    slip: Share = 1e-5
    """Share of lines where the writer put the name or number of another region or TPS. It is rated
    low on purpose: a header that names another TPS is a finding, whoever was mistaken."""
    match_nats: float = 4.6
    """Log-likelihood ratio (claimed TPS against all others) from which the header matches: 100 to 1
    before anything is believed about how often photos are filed wrongly."""
    mismatch_below: Share = 0.05
    """Probability of the claimed TPS below which the header is another's."""


class HeaderEvidence(_Part):
    """All that ``pipeline.whose`` needs besides the header and the table of regions."""

    digest: str
    """Of the weights whose answers were measured."""
    lines: dict[Kind, Legibility]
    beliefs: Beliefs = Beliefs()


class _File(HeaderEvidence):
    measured: dict[str, object]
    """How it was measured, for people."""


def read_evidence(path: Path) -> HeaderEvidence:
    """Read ``header.json``.

    Raises:
        RecogniserError: the file is missing or broken.

    """
    try:
        known = _File.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RecogniserError(f"{path.name}: {error}", file=path.name) from error
    return HeaderEvidence(digest=known.digest, lines=known.lines, beliefs=known.beliefs)


@cache
def load_header_evidence() -> HeaderEvidence:
    """What was measured with the line recogniser in use.

    Raises:
        RecogniserError: the file is missing, broken, or was measured with other weights.

    """
    known = read_evidence(lines_folder() / FILE)
    used = weights_of(lines_folder()).stem.removeprefix("weights-")
    if known.digest != used:
        raise RecogniserError(
            f"{FILE} was measured with the weights {known.digest}, not {used}", file=FILE
        )
    return known
