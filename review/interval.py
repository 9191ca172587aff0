"""The exact interval of a share that was counted (Clopper and Pearson, Biometrika 26, 1934).

Its bounds are where a binomial tail is as small as the level allows; they are found by halving,
so that no library of statistics is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log, log1p

LEVEL = 0.95
HALVINGS = 60
"""Halving [0, 1] sixty times is finer than a float can tell."""


def exact_interval(errors: int, checked: int, level: float = LEVEL) -> tuple[float, float]:
    """Bounds that hold the true share with at least the given probability.

    Args:
        errors: How many of the checked ones were wrong.
        checked: How many were checked; for none the bounds are 0 and 1.
        level: Probability, within (0, 1).

    Raises:
        ValueError: the numbers can't be.

    """
    if not 0 <= errors <= checked or not 0 < level < 1:
        raise ValueError(f"{errors} of {checked} at {level} can't be")
    if checked == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if errors == 0 else _where(lambda p: 1 - at_most(errors - 1, checked, p) > tail)
    high = 1.0 if errors == checked else _where(lambda p: at_most(errors, checked, p) < tail)
    return low, high


def at_most(errors: int, checked: int, share: float) -> float:
    """Probability of so many errors or fewer, where each of the checked is wrong with ``share``."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if errors >= checked else 0.0
    logs = [
        lgamma(checked + 1)
        - lgamma(wrong + 1)
        - lgamma(checked - wrong + 1)
        + wrong * log(share)
        + (checked - wrong) * log1p(-share)
        for wrong in range(errors + 1)
    ]
    return min(1.0, sum(exp(one) for one in logs))


def _where(reached: Callable[[float], bool]) -> float:
    """Smallest share for which a condition, false at first, holds."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if reached(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2
