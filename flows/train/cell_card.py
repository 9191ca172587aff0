"""The card of a recogniser for a tally's cells or row totals: ``card.json`` and ``CARD.md``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Words:
    """What only a person reads on a card."""

    does: str
    """What the recogniser does, to stand after its name."""
    crop: str
    labels: str
    """What the labels that need it mean."""
    drawing: str
    """How the training pictures come about."""
    limits: Sequence[str]
    again: str
    """What trains it again; ``{options}`` stands for the options on the card."""


def write_cell_card(folder: Path, card: Mapping[str, Any], words: Words) -> None:
    """Write both forms of the card beside the weights."""
    text = json.dumps(card, indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
    (folder / "CARD.md").write_text(card_text(card, words), encoding="utf-8")


def card_text(card: Mapping[str, Any], words: Words) -> str:
    """The card as Markdown."""
    training, held_out = card["training"], card["held_out"]
    first_name, first = next(iter(held_out.items()))
    threshold = card["certain_from"]
    labels = ", ".join(f"`{label}`" for label in card["labels"])
    lines = [
        f"# {card['name']}: {words.does}",
        "",
        f"Weights `weights-{card['digest']}.onnx`; the name is the beginning of the file's own "
        f"SHA-256. In: grey crops, uint8 (n, 48, 48), {words.crop}. Out: probabilities "
        f"(n, {len(card['labels'])}) for {labels}. Contrast is evened out and the temperature "
        "applied inside the file.",
        "",
        words.labels,
        "",
        "The weights were trained by this project, from random numbers, and are under the "
        "project's licence. No picture of a data set is in them or in the project.",
        "",
        "## Data",
        "",
        *(f"- {name}: {count:,}" for name, count in card["data"].items()),
        "",
        words.drawing,
        "",
        "## Figures on pictures of hands never seen",
        "",
        f"Certain means: a probability of at least {threshold}. Wrong in meaning: another number "
        "than is written; labels that both stand for no stroke, or for no digit, are the same.",
        "",
        "| cells | count | label right | wrong in meaning | certain | wrong of these |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {part['count']:,} | {100 * part['accuracy']:.2f} % "
            f"| {part['wrong_meaning']} | {part['certain']:,} | {part['certain_wrong']} |"
            for name, part in held_out.items()
        ),
        "",
        f"Of the first row ({first_name}), errors per label: "
        + ", ".join(
            f"`{label}` {part['errors']} of {part['count']}"
            for label, part in first["per_label"].items()
        )
        + ". Most often: "
        + (", ".join(f"{pair}: {n}" for pair, n in first["confusions"].items()) or "none")
        + ".",
        "",
        "## Confidence",
        "",
        *_confidence(card),
        "",
        "| confidence | cells | mean confidence | right |",
        "|---|---|---|---|",
        *(
            f"| {band['from']} to {band['to']} | {band['count']:,} | {band['confidence']} "
            f"| {band['right']} |"
            for band in card["reliability"]
        ),
        "",
        *_on_pages(card.get("on_pages")),
        "## Limits",
        "",
        *(f"- {limit}" for limit in words.limits),
        "",
        "## Train it again",
        "",
        words.again.format(options=training["options"]),
        "",
        f"(torch {training['torch']}, one thread; other machines give other last digits.) "
        "`python -m benchmarks.tally --shared ../shared` prints the figures on real photos.",
        "",
    ]
    return "\n".join(lines)


def _on_pages(facts: Mapping[str, Any] | None) -> list[str]:
    """The section on cells as whole pages have them, where that was measured."""
    if facts is None:
        return []
    rows = [
        f"| {name} | {step['threshold']} | {step['cells']:,} | {step['certain']:,} "
        f"| {step['wrong']} | {100 * step['bound']:.3f} % |"
        for name in ("field", "hard")
        for step in facts[name]
    ]
    return [
        "## On whole pages",
        "",
        f"Cells of drawn pages (seed {facts['seed']}, {facts['forms']['field']} forms at `field` "
        f"and {facts['forms']['hard']} at `hard`), cut by the pipeline. All probabilities were "
        f"raised to the power {facts['power']}, fitted here; the temperature above has it in it, "
        "the tables above do not. A cell is certain from the smallest threshold from 0.97 whose "
        "bound at `field` is within 0.1 %.",
        "",
        "| pages | threshold | cells | certain | wrong of these | upper 95 % bound |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _confidence(card: Mapping[str, Any]) -> list[str]:
    """How temperature and threshold came about: on drawn cells, or on whole pages after that."""
    drawn = f"{card['calibrated_on']:,} drawn and photographed calibration cells"
    temperature, threshold = card["temperature"], card["certain_from"]
    if card.get("on_pages") is None:
        return [
            f"Temperature {temperature}, fitted on {drawn}. {threshold} is the smallest of some "
            "thresholds at which at most 1 certain cell in 1,000 of these is wrong in meaning, or "
            "the last of them."
        ]
    return [
        f"Temperature {temperature}: first fitted on {drawn}, which are harder than those of most "
        f"pages, then on whole pages (below), and so the threshold of {threshold}. The table is "
        "of the drawn cells, before that."
    ]
