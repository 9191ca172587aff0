"""Pictures that show none of the installed forms: how many are taken for one, how long it takes.

    python -m benchmarks.negatives [--each 100] [--seed 1]

Ten kinds (``fixtures.negatives``), drawn with a seed; 100 of each are the thousand.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass, field

import cv2
import numpy as np

from fixtures.negatives import Negative, negative_photo
from models.errors import PhotoError
from models.forms.template import FormTemplate, installed_forms, load_form
from pipeline.intake import open_photos
from pipeline.place import place_page


@dataclass
class Kind:
    """What became of the pictures of one kind."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)


def judge(kind: Negative, each: int, seed: int, forms: list[FormTemplate]) -> Kind:
    """Draw pictures of a kind and try to place each."""
    found = Kind()
    for number in range(each):
        photo = open_photos(negative_photo(kind, seed, number), f"{kind}-{number}.jpg")[0]
        started = time.process_time()
        try:
            placed = place_page(photo, forms)
        except PhotoError as error:
            found.answers[error.code] += 1
        else:
            found.answers["accepted"] += 1
            found.accepted.append(
                f"{photo.name}: {placed.form.id} page {placed.page.number} by "
                f"{placed.placement.method}, {placed.agreeing} of {placed.looked_for} marks"
            )
        found.seconds.append(time.process_time() - started)
    return found


def main() -> None:
    """Read the command line, draw, try, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.negatives")
    parser.add_argument("--each", type=int, default=100, help="pictures of each of the ten kinds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", default=[kind.value for kind in Negative])
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    forms = [load_form(name) for name in installed_forms()]
    print("| kind | pictures | accepted | said | s each (CPU), longest |")
    print("|---|---|---|---|---|")
    everything: list[str] = []
    for name in wanted.kinds:
        kind = Negative(name)
        found = judge(kind, wanted.each, wanted.seed, forms)
        said = ", ".join(
            f"{code} {count}" for code, count in found.answers.most_common() if code != "accepted"
        )
        mean, longest = float(np.mean(found.seconds)), max(found.seconds)
        print(
            f"| {kind} | {wanted.each} | {found.answers['accepted']} | {said} "
            f"| {mean:.1f}, {longest:.1f} |",
            flush=True,
        )
        everything += found.accepted
    for line in everything:
        print(line)


if __name__ == "__main__":
    main()
