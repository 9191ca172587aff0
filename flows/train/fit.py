"""The training itself: batches of real and synthetic boxes, one cosine, an average of weights."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from flows.train.augment import Camera, to_canvas
from flows.train.network import DIGIT_BOX, Shape, even, new_network
from flows.train.real_crops import RealCrops
from flows.train.synthetic import Boxes
from models.recognisers.recogniser import LABELS

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """Everything that decides the outcome besides the data."""

    steps: int = 4500
    batch: int = 256
    real_share: float = 0.55
    peak_rate: float = 3e-3
    weight_decay: float = 0.01
    smoothing: float = 0.01
    average: float = 0.998
    """Share of the old weights kept in the running average at each step."""
    seed: int = 2024


Batch = Callable[[], tuple[torch.Tensor, NDArray[np.int64]]]
"""Gives the next batch: pictures (n, 1, 48, 48) float32 of whole grey levels, and their labels."""


def fit(
    crops: RealCrops, synthetic: Boxes, plan: Plan, camera: Camera | None = None
) -> torch.nn.Sequential:
    """Train a network for digit boxes; the same data and plan on the same machine give the same.

    Args:
        crops: Real training crops.
        synthetic: Drawn boxes.
        plan: Steps, rates and seed.
        camera: What photographs the boxes, of the plan's seed; ``Camera`` where ``None``.

    Returns:
        The network with the averaged weights, in evaluation mode.

    """
    rng, camera = np.random.default_rng(plan.seed), camera or Camera(plan.seed)
    real, real_targets = to_canvas(crops.pixels), crops.targets
    chance = _even_chance(real_targets)
    real_count = round(plan.batch * plan.real_share)

    def batch() -> tuple[torch.Tensor, NDArray[np.int64]]:
        ours = rng.choice(len(real), real_count, p=chance)
        theirs = rng.integers(0, len(synthetic.targets), plan.batch - real_count)
        canvases = np.concatenate([real[ours], synthetic.pixels[theirs]])
        targets = np.concatenate([real_targets[ours], synthetic.targets[theirs]])
        return camera.shoot(canvases), targets

    return train_on(batch, DIGIT_BOX, plan)


def train_on(batch: Batch, shape: Shape, plan: Plan) -> torch.nn.Sequential:
    """Train a network on batches; returns the averaged weights, in evaluation mode."""
    torch.manual_seed(plan.seed)
    torch.use_deterministic_algorithms(True)
    network = new_network(shape)
    averaged = copy.deepcopy(network)
    rate = torch.optim.AdamW(
        network.parameters(), lr=plan.peak_rate, weight_decay=plan.weight_decay
    )
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=plan.smoothing)
    started, running = time.monotonic(), 0.0
    for step in range(plan.steps):
        for group in rate.param_groups:
            group["lr"] = plan.peak_rate * _schedule(step, plan.steps)
        pictures, targets = batch()
        network.train()
        answers = network(even(pictures))
        loss = loss_of(answers, torch.from_numpy(targets))
        rate.zero_grad()
        loss.backward()
        rate.step()
        _follow(averaged, network, min(plan.average, (step + 1) / (step + 10)))
        now = float(loss.detach())
        running = 0.98 * running + 0.02 * now if step else now
        if (step + 1) % 250 == 0:
            _log.info(
                "step %d of %d, loss %.4f, %.0f s",
                step + 1,
                plan.steps,
                running,
                time.monotonic() - started,
            )
    return averaged.eval()


def _even_chance(targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Chance of each crop: rarer labels come more often, by the root of how rare they are."""
    counts = np.bincount(targets, minlength=len(LABELS)).astype(np.float64)
    weight = 1 / np.sqrt(np.maximum(counts, 100.0))
    chance = weight[targets]
    return np.asarray(chance / chance.sum())


def _schedule(step: int, steps: int) -> float:
    """Warm up over the first 3 %, then half a cosine down to nothing."""
    warm = max(1, round(0.03 * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _follow(averaged: torch.nn.Sequential, network: torch.nn.Sequential, keep: float) -> None:
    with torch.no_grad():
        for mean, new in zip(
            averaged.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(new, 1 - keep)
            else:
                mean.copy_(new)
