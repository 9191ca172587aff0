"""From answers to promises: temperature, bounds on error rates, and the threshold for clear."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FIELD_PROMISE = 1e-3
"""At most so many wrong fields a clear field (issue 2: 1 in 1,000)."""
BOXES_A_FIELD = 3
LEAST_THRESHOLD = 0.95
"""Whatever was measured: boxes will come that are like none of those measured."""


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities of logits (n, k) at a temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """The temperature with the smallest mean log loss (Guo et al., 2017), 0.2 to 5."""
    rows = np.arange(len(targets))

    def loss(temperature: float) -> float:
        chances = softmax(logits, temperature)[rows, targets]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    candidates = [float(t) for t in np.geomspace(0.2, 5, 321)]
    losses = [loss(candidate) for candidate in candidates]
    return round(candidates[int(np.argmin(losses))], 4)


def upper_bound(errors: int, count: int, confidence: float = 0.95) -> float:
    """Upper end of the one-sided Clopper–Pearson interval of an error rate.

    The rate at which so few errors in ``count`` trials would happen with probability
    ``1 - confidence``; 1.0 where there were no trials.
    """
    if errors >= count:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        terms = [
            math.exp(
                math.lgamma(count + 1)
                - math.lgamma(k + 1)
                - math.lgamma(count - k + 1)
                + k * math.log(rate)
                + (count - k) * math.log1p(-rate)
            )
            for k in range(errors + 1)
        ]
        if sum(terms) > 1 - confidence:
            low = rate
        else:
            high = rate
    return high


@dataclass(frozen=True)
class Operating:
    """What happens at one threshold."""

    threshold: float
    count: int
    """Boxes looked at."""
    clear: int
    """Boxes with at least this confidence."""
    silent: int
    """Wrong ones among them."""

    @property
    def abstention(self) -> float:
        """Share of boxes below the threshold."""
        return 1 - self.clear / self.count if self.count else 0.0

    @property
    def silent_rate(self) -> float:
        """Wrong ones a clear box."""
        return self.silent / self.clear if self.clear else 0.0

    @property
    def silent_bound(self) -> float:
        """Upper 95 % bound of ``silent_rate``."""
        return upper_bound(self.silent, self.clear)

    @property
    def field_bound(self) -> float:
        """Upper bound for a field of three boxes, all clear."""
        return min(1.0, BOXES_A_FIELD * self.silent_bound)


def operate(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64], threshold: float
) -> Operating:
    """Count clear and silently wrong boxes at a threshold."""
    clear = probabilities.max(axis=1) >= threshold
    wrong = probabilities.argmax(axis=1) != targets
    return Operating(threshold, len(targets), int(clear.sum()), int((clear & wrong).sum()))


def clear_threshold(
    probabilities: NDArray[np.floating],
    targets: NDArray[np.int64],
    harder: NDArray[np.floating],
    harder_targets: NDArray[np.int64],
) -> tuple[Operating, bool]:
    """The smallest confidence at which a clear box keeps the promise for a field.

    Looks through thresholds from ``LEAST_THRESHOLD`` up. Two things must hold: the upper 95 %
    bound on boxes as they are, times three boxes, is within ``FIELD_PROMISE``; and of boxes as they
    are and made harder together (the same ones again, so no bound) no more than that are silently
    wrong. Where too few boxes were measured to support the first at any threshold, it is the
    smallest bound instead.

    Args:
        probabilities: (n, k) of boxes the network never saw.
        targets: (n,) their labels.
        harder: (m, k) of such boxes as they are and made harder.
        harder_targets: (m,) their labels.

    Returns:
        What happens to the first boxes there, and whether the promise is supported.

    """
    steps = [
        operate(probabilities, targets, round(float(threshold), 4))
        for threshold in [*np.arange(LEAST_THRESHOLD, 0.995, 0.005), 0.995, 0.997, 0.998, 0.999]
    ]
    sound = [
        step
        for step in steps
        if operate(harder, harder_targets, step.threshold).silent_rate
        <= FIELD_PROMISE / BOXES_A_FIELD
    ]
    for step in sound:
        if step.field_bound <= FIELD_PROMISE:
            return step, True
    return min(sound or steps[-1:], key=lambda step: (step.field_bound, step.threshold)), False


def reliability(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64]
) -> list[dict[str, float]]:
    """Confidence against truth, in bands.

    Each with ``from``, ``to``, ``count``, mean ``confidence`` and the share that is ``right``.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    edges = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0001]
    bands = []
    for low, high in pairwise(edges):
        band = (confidence >= low) & (confidence < high)
        if band.any():
            bands.append(
                {
                    "from": low,
                    "to": min(high, 1.0),
                    "count": int(band.sum()),
                    "confidence": round(float(confidence[band].mean()), 4),
                    "right": round(float(right[band].mean()), 4),
                }
            )
    return bands
