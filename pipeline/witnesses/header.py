"""The header: what is written on its lines, kept so that any TPS can be held against it later.

A photo's reading must not depend on which TPS its upload claims, as one photo can be filed under
several. So nothing is decided here; ``pipeline.whose`` does that.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.forms.template import HeaderPart
from models.recognisers.lines import Line, LineRecogniser
from models.records import HeaderLine, HeaderReading
from pipeline.ctc import greedy_text, lay_trie, log_likelihoods
from pipeline.header_lines import written_lines
from pipeline.lattice import pack
from pipeline.states import CutPage
from pipeline.witnesses.digits import around

STRETCH: dict[HeaderPart, float] = {"tps": 1.3}
"""Digits stand closer than letters and a 1 is narrow: drawn wider each gets steps of its own. Of
120 drawn numbers 40 instead of 27 were read without a mistake; letters gain nothing."""


def read_header(cut: CutPage, recogniser: LineRecogniser) -> HeaderReading | None:
    """Read the header's lines that are in view; ``None`` where none is."""
    lines = written_lines(cut.placed)
    if not lines:
        return None
    pictures = [_stretched(line.picture, STRETCH.get(part, 1.0)) for part, line in lines.items()]
    answers = recogniser.log_probabilities(pictures)
    read: dict[str, HeaderLine] = {}
    for (part, line), answer in zip(lines.items(), answers, strict=True):
        text = greedy_text(answer, recogniser.alphabet)
        (log_chance,) = log_likelihoods(answer, lay_trie([text], recogniser.alphabet))
        read[part] = HeaderLine(
            text=text,
            confidence=round(float(min(1.0, np.exp(log_chance))), 6),
            box=around(line.outline),
            lattice=pack(answer),
        )
    return HeaderReading(
        signs="".join(recogniser.alphabet[1:]), recogniser=recogniser.digest, lines=read
    )


def _stretched(line: Line, by: float) -> Line:
    high, wide = line.shape
    if by == 1:
        return line
    return np.asarray(cv2.resize(line, (round(by * wide), high), interpolation=cv2.INTER_CUBIC))
