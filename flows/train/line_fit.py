"""The training for lines: drawn as they are needed, one cosine, an average of weights."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from flows.train.line_fonts import fonts_of
from flows.train.line_network import new_line_network, steps_from
from flows.train.line_pictures import LineScribe
from models.recognisers.lines import ALPHABET, steps_of

_log = logging.getLogger(__name__)

CHUNK_LINES = 768
BATCH_PX = 32 * 320
"""Lines of one width make a batch of about so many px of length."""
_AHEAD = 3


@dataclass(frozen=True)
class LinePlan:
    """Everything that decides the outcome besides the fonts."""

    steps: int = 5000
    peak_rate: float = 2.5e-3
    weight_decay: float = 0.01
    average: float = 0.998
    """Share of the old weights kept in the running average at each step."""
    seed: int = 2024


@dataclass(frozen=True)
class Batch:
    """Lines of one width."""

    pixels: NDArray[np.uint8]
    """(n, 32, width)."""
    targets: NDArray[np.int64]
    """All texts after one another, as places in ``ALPHABET``."""
    lengths: NDArray[np.int64]
    """(n,) letters a text."""


def targets_of(text: str) -> list[int]:
    """A text as places in ``ALPHABET``."""
    return [ALPHABET.index(sign) for sign in text]


def draw_batches(folder: Path, seed: int, number: int) -> list[Batch]:
    """One chunk of training lines, in batches; the same arguments give the same ones."""
    cv2.setNumThreads(1)
    scribe = LineScribe(fonts_of(folder, "train"), hash_seed(seed, number))
    lines = [scribe.line() for _ in range(CHUNK_LINES)]
    lines.sort(key=lambda line: line.pixels.shape[1])
    batches = []
    while lines:
        wide = lines[0].pixels.shape[1]
        some = [line for line in lines if line.pixels.shape[1] == wide]
        lines = lines[len(some) :]
        size = max(1, BATCH_PX // wide)
        for start in range(0, len(some), size):
            part = some[start : start + size]
            texts = [targets_of(line.text)[: steps_of(wide) - 1] for line in part]
            batches.append(
                Batch(
                    np.stack([line.pixels for line in part]),
                    np.array([place for text in texts for place in text], np.int64),
                    np.array([len(text) for text in texts], np.int64),
                )
            )
    order = np.random.default_rng([seed, number, 1]).permutation(len(batches))
    return [batches[place] for place in order]


def hash_seed(seed: int, number: int) -> int:
    """One seed out of two numbers."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def training_batches(folder: Path, seed: int) -> Iterator[Batch]:
    """Batches without end, drawn by another process while the network learns."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[list[Batch]]] = deque()
        number = 0
        try:
            while True:
                while len(waiting) < _AHEAD:
                    waiting.append(pool.submit(draw_batches, folder, seed, number))
                    number += 1
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def fit_lines(
    folder: Path, plan: LinePlan, early: Callable[[torch.nn.Sequential, int], None]
) -> torch.nn.Sequential:
    """Train a network; the same fonts and plan on the same machine give the same one.

    Args:
        folder: Handwriting fonts.
        plan: Steps, rates and seed.
        early: Called with the averaged network and the step, every 500 steps.

    Returns:
        The network with the averaged weights, in evaluation mode.

    """
    torch.manual_seed(plan.seed)
    network = new_line_network()
    averaged = copy.deepcopy(network).eval()
    rate = torch.optim.AdamW(
        network.parameters(), lr=plan.peak_rate, weight_decay=plan.weight_decay
    )
    loss_of = torch.nn.CTCLoss(zero_infinity=True)
    started, running = time.monotonic(), 0.0
    batches = training_batches(folder, plan.seed)
    for step in range(plan.steps):
        for group in rate.param_groups:
            group["lr"] = plan.peak_rate * _schedule(step, plan.steps)
        batch = next(batches)
        network.train()
        answers = steps_from(network, batch.pixels).transpose(0, 1)
        counts = torch.full((len(batch.pixels),), answers.shape[0])
        loss = loss_of(
            answers, torch.from_numpy(batch.targets), counts, torch.from_numpy(batch.lengths)
        )
        rate.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        rate.step()
        _follow(averaged, network, min(plan.average, (step + 1) / (step + 10)))
        now = float(loss.detach())
        running = 0.98 * running + 0.02 * now if step else now
        if (step + 1) % 100 == 0:
            _log.info(
                "step %d of %d, loss %.4f, %.0f s",
                step + 1,
                plan.steps,
                running,
                time.monotonic() - started,
            )
        if (step + 1) % 500 == 0:
            early(averaged, step + 1)
    batches.close()  # type: ignore[attr-defined]
    return averaged


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
