"""What a recogniser of cells does, counted by what its labels mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.train.calibrate import upper_bound

WRONG_OF_CERTAIN = 1e-3
"""At most so many wrong cells among those that are certain: a tally of 300 votes has 60."""

THRESHOLDS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.993, 0.995, 0.997, 0.998, 0.999)


def meant(probabilities: NDArray[np.floating], meaning: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities (n, labels) added up by meaning: (n, meanings)."""
    together = np.zeros((len(meaning), int(meaning.max()) + 1))
    together[np.arange(len(meaning)), meaning] = 1.0
    return np.asarray(np.asarray(probabilities, np.float64) @ together)


def certain_threshold(
    probabilities: NDArray[np.floating], targets: NDArray[np.int64], meaning: NDArray[np.int64]
) -> float:
    """The smallest threshold at which certain cells keep to ``WRONG_OF_CERTAIN``, or the last.

    Args:
        probabilities: (n, labels).
        targets: (n,) index of the right label.
        meaning: (labels,) what each label means; the last meaning is "can't be read" and is never
            certain.

    """
    added, truth = meant(probabilities, meaning), meaning[targets]
    said, sure = added.argmax(axis=1), added.max(axis=1)
    for threshold in THRESHOLDS:
        certain = (sure >= threshold) & (said < meaning.max())
        if certain.any() and (said != truth)[certain].mean() <= WRONG_OF_CERTAIN:
            return threshold
    return THRESHOLDS[-1]


def cell_figures(
    probabilities: NDArray[np.floating],
    targets: NDArray[np.int64],
    labels: Sequence[str],
    meaning: NDArray[np.int64],
    threshold: float,
) -> dict[str, Any]:
    """Labels and meanings right, per label, and what is wrong among certain cells."""
    said = probabilities.argmax(axis=1)
    wrong = said != targets
    added, truth = meant(probabilities, meaning), meaning[targets]
    misread = added.argmax(axis=1) != truth
    certain = (added.max(axis=1) >= threshold) & (added.argmax(axis=1) < meaning.max())
    silent = int((certain & misread).sum())
    pairs = Counter(f"{labels[targets[i]]} as {labels[said[i]]}" for i in np.nonzero(wrong)[0])
    return {
        "count": len(targets),
        "errors": int(wrong.sum()),
        "accuracy": round(1 - float(wrong.mean()), 5),
        "wrong_meaning": int(misread.sum()),
        "certain": int(certain.sum()),
        "certain_wrong": silent,
        "certain_wrong_bound": round(upper_bound(silent, int(certain.sum())), 6),
        "per_label": {
            label: {
                "count": int((targets == i).sum()),
                "errors": int((wrong & (targets == i)).sum()),
            }
            for i, label in enumerate(labels)
            if (targets == i).any()
        },
        "confusions": dict(pairs.most_common(16)),
    }
