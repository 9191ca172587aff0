"""Which clear, agreeing fields are looked at all the same, and what that tells about the machine.

A field is drawn by a hash of the seed and its own name, so that the draw is the same in every run,
does not depend on the order in which photos come in, and only grows when the share grows. The
drawn fields lie in the queue as if they were conflicts: each takes its place by a second hash, so
that they are spread evenly from the top to the bottom, and whoever works down the queue meets them
at the set rate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.queue import Outcome
from review.interval import exact_interval

WHOLE = 2**64

READ_BY_A_PERSON = frozenset(
    {
        Outcome.AGREES,
        Outcome.ENTRY_WRONG,
        Outcome.MACHINE_WRONG,
        Outcome.CORRECTED_AT_PLENARY,
        Outcome.FORM_WRONG_ON_PAPER,
    }
)
"""Outcomes after which it is known what the paper says. Of a wrong photo or one that nobody can
read, nothing is learned about the machine's number; such items are counted apart."""


def is_drawn(seed: int, share: float, tps: str, form: str, field: str) -> bool:
    """Whether a field belongs to the sample.

    Args:
        seed: Chosen once.
        share: Of all clear, agreeing fields; 0 to 1.
        tps: Its TPS.
        form: Its form.
        field: Its name.

    """
    return _number(f"{seed}/drawn/{tps}/{form}/{field}") < share * WHOLE


def place_in_queue(
    seed: int, tps: str, form: str, field: str, priorities: Sequence[float]
) -> float:
    """The priority a drawn field takes: that of some conflict, evenly over all of them.

    Args:
        seed: Chosen once.
        tps: Its TPS.
        form: Its form.
        field: Its name.
        priorities: Of all conflicts, in any fixed order; without any, 1.

    """
    if not priorities:
        return 1.0
    at = _number(f"{seed}/place/{tps}/{form}/{field}") * len(priorities) // WHOLE
    return priorities[at]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True, slots=True)
class Estimate:
    """The machine's true error among clear fields that agree with the entry."""

    checked: int
    """Fields of the sample that an auditor read."""
    errors: int
    """Those among them where the paper says another number than the machine."""
    not_read: int
    """Fields of the sample that nobody could read; they say nothing."""
    low: float
    high: float
    """Bounds of the true share of errors, at 95 %."""

    @property
    def share(self) -> float | None:
        """Errors of those checked; ``None`` before anything was."""
        return self.errors / self.checked if self.checked else None


def estimate(counts: Mapping[tuple[str | None, bool], int]) -> Estimate:
    """The estimate, from finished items of the sample.

    Args:
        counts: As ``Queue.sample_counts``: outcome, and whether the number differs from the
            machine's, to how many.

    """
    checked = errors = not_read = 0
    for (outcome, differs), many in counts.items():
        if outcome not in READ_BY_A_PERSON:
            not_read += many
            continue
        checked += many
        # The plenary's number is not the paper's: such an item says the paper was read rightly.
        if differs and outcome in (Outcome.ENTRY_WRONG, Outcome.MACHINE_WRONG):
            errors += many
    low, high = exact_interval(errors, checked)
    return Estimate(checked, errors, not_read, low, high)
