"""What a recogniser does on held-out boxes, counted; and the same boxes made harder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.train.calibrate import operate, upper_bound
from flows.train.real_crops import RealCrops
from models.recognisers.recogniser import CROP_PX, LABELS

Crops = NDArray[np.uint8]
Read = Callable[[Crops], NDArray[np.floating]]
"""Crops (n, 48, 48) to probabilities (n, 14)."""


def coarse(crops: Crops, pixels: int = 24) -> Crops:
    """Only ``pixels`` across: a page of some 750 px."""
    return np.stack(
        [
            cv2.resize(
                cv2.resize(crop, (pixels, pixels), interpolation=cv2.INTER_AREA),
                (CROP_PX, CROP_PX),
                interpolation=cv2.INTER_CUBIC,
            )
            for crop in crops
        ]
    )


def shifted(crops: Crops, share: float = 0.06) -> Crops:
    """Cut ``share`` of the crop's width too far, each to another side, edges repeated."""
    reach = share * CROP_PX
    moved = []
    for place, crop in enumerate(crops):
        x, y = [(reach, reach), (-reach, reach), (reach, -reach), (-reach, -reach)][place % 4]
        affine = np.array([[1, 0, x], [0, 1, y]])
        moved.append(
            cv2.warpAffine(crop, affine, (CROP_PX, CROP_PX), borderMode=cv2.BORDER_REPLICATE)
        )
    return np.stack(moved)


def on_screen(crops: Crops, depth: float = 0.12) -> Crops:
    """Photographed off a screen: two sets of stripes, ``depth`` of the light, and coarser."""
    y, x = np.mgrid[:CROP_PX, :CROP_PX]
    moved = []
    for place, crop in enumerate(coarse(crops, 36)):
        turn, pitch = 0.4 * place, 2.5 + (place % 7)
        along = np.cos(turn) * x + np.sin(turn) * y
        across = np.cos(turn + 1.3) * x + np.sin(turn + 1.3) * y
        stripes = np.sin(2 * np.pi * along / pitch) + np.sin(2 * np.pi * across / (pitch + 1))
        moved.append(np.clip(crop * (1 + depth / 2 * stripes), 0, 255).astype(np.uint8))
    return np.stack(moved)


def ruined(crops: Crops, pixels: int = 11) -> Crops:
    """So coarse and noisy that hardly any can be read: what counts is that none comes out clear."""
    rng = np.random.default_rng(0)
    small = np.stack(
        [cv2.resize(crop, (pixels, pixels), interpolation=cv2.INTER_AREA) for crop in crops]
    )
    noisy = np.clip(small + rng.normal(0, 6, small.shape), 0, 255).astype(np.uint8)
    return np.stack(
        [cv2.resize(crop, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC) for crop in noisy]
    )


STRESSES: dict[str, Callable[[Crops], Crops]] = {
    "coarse_24_px": coarse,
    "shifted_6_percent": shifted,
    "screen_moire": on_screen,
}
"""Name to what it does to the crops."""


def figures(
    probabilities: NDArray[np.floating], crops: RealCrops, threshold: float
) -> dict[str, object]:
    """Count what a recogniser said about crops that people could read.

    Returns:
        ``count``, ``errors``, ``accuracy``; ``per_label`` of count and errors; ``confusions`` as
        "7 as 1": times; ``x_count``, ``x_as_digit`` and its upper 95 % bound; and at
        ``threshold`` the ``clear`` boxes, the ``silent`` errors, their rate and upper 95 %
        bound, and the ``abstention``.

    """
    readable = crops.readable
    answers, truth = probabilities[readable], crops.targets[readable]
    said = answers.argmax(axis=1)
    wrong = said != truth
    per_label = {
        label: {"count": int((truth == i).sum()), "errors": int((wrong & (truth == i)).sum())}
        for i, label in enumerate(LABELS)
        if (truth == i).any()
    }
    pairs = Counter(f"{LABELS[truth[i]]} as {LABELS[said[i]]}" for i in np.nonzero(wrong)[0])
    crosses = truth == LABELS.index("x")
    as_digit = int((crosses & (said < 10)).sum())
    at = operate(answers, truth, threshold)
    return {
        "count": len(truth),
        "errors": int(wrong.sum()),
        "accuracy": round(1 - float(wrong.mean()), 5),
        "per_label": per_label,
        "confusions": dict(pairs.most_common()),
        "x_count": int(crosses.sum()),
        "x_as_digit": as_digit,
        "x_as_digit_bound": round(upper_bound(as_digit, int(crosses.sum())), 5),
        "clear": at.clear,
        "silent": at.silent,
        "silent_rate": round(at.silent_rate, 6),
        "silent_bound": round(at.silent_bound, 6),
        "abstention": round(at.abstention, 5),
    }


def unreadable_figures(
    probabilities: NDArray[np.floating], crops: RealCrops, threshold: float
) -> dict[str, int]:
    """How many crops that people could not read are there, and how many came out clear digits."""
    answers = probabilities[~crops.readable]
    clear = (answers.max(axis=1) >= threshold) & (answers.argmax(axis=1) < 10)
    return {"count": len(answers), "clear_digits": int(clear.sum())}


def mistakes(probabilities: NDArray[np.floating], crops: RealCrops) -> list[dict[str, str | float]]:
    """Each error: ``file``, ``label``, what was ``read`` and with which ``confidence``."""
    said = probabilities.argmax(axis=1)
    return [
        {
            "file": crops.names[i],
            "label": crops.written[i],
            "read": LABELS[said[i]],
            "confidence": round(float(probabilities[i, said[i]]), 4),
        }
        for i in np.nonzero((said != crops.targets) & crops.readable)[0]
    ]
