"""The card of the line recogniser: ``card.json`` for programs, ``CARD.md`` for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.recognisers.lines import LINE_PX, STEP_PX


def write_line_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write both forms of the card beside the weights."""
    text = json.dumps(card, indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
    (folder / "CARD.md").write_text(line_card_text(card), encoding="utf-8")


def line_card_text(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    fitted, training, fonts = card["calibration"], card["training"], card["fonts"]
    empty = card["empty_areas"]
    lines = [
        f"# {card['name']}: reads one line of handwriting, letter by letter",
        "",
        f"Weights `weights-{card['digest']}.onnx`; the name is the beginning of the file's own "
        f"SHA-256. In: grey lines, uint8 (n, {LINE_PX}, width), letters about two thirds of the "
        f"height. Out: log-probabilities (n, steps, {card['signs']}) for nothing (the CTC blank), "
        f"`A` to `Z` and `0` to `9`, a step each {STEP_PX} px. Small letters come out as capitals, "
        "spaces as nothing. Contrast is evened out inside the file.",
        "",
        "The weights were trained by this project, from random numbers, and are under the "
        "project's licence. No font is in them or in the project.",
        "",
        "## Data",
        "",
        "Lines drawn by us, none twice: numbers in words with the variants of `models/spelling.py` "
        "(40 %), their words in any order, names of nowhere, letters and digits at random; two "
        "thirds with handwriting fonts, one third with our own strokes (`flows/train/line_strokes"
        ".py`). Every line is slanted, stretched, jittered letter by letter, bent, thinned or "
        "thickened, set on dotted lines, into letter boxes or on plain paper, and then blurred "
        "and made coarse, grainy, creased and unevenly lit, down to letters of some 8 px.",
        "",
        f"Fonts trained on ({len(fonts['train'])}): {', '.join(fonts['train'])}.",
        "",
        f"Kept for the calibration ({len(fonts['calibration'])}): "
        f"{', '.join(fonts['calibration'])}. Kept for the test ({len(fonts['test'])}): "
        f"{', '.join(fonts['test'])}.",
        "",
        "## Figures in hands never trained on",
        "",
        "One line in five says something else than a number, one number in twelve has a slip of "
        "the pen. Letters wrong: put in, left out or changed, without any grammar. Sure means: a "
        "confidence of at least 0.9.",
        "",
        "| fonts | lines | letters wrong | numbers right | sure | wrong of these "
        "| something else, taken for a number | surely |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(name, card["held_out"][name]) for name in ("calibration", "test")),
        "",
        "What it does on whole pages and on real words is printed by `python -m benchmarks.words "
        "--shared ../shared`.",
        "",
        "## Confidence",
        "",
        f"Fitted on {card['held_out']['calibration']['lines']:,} lines in the calibration's fonts: "
        f"log-probabilities of whole texts are divided by {fitted['temperature']}; something else "
        f"is the likeliest free text at a price of {fitted['other']} and {fitted['other_letter']} "
        "for each of its letters. On the test's fonts:",
        "",
        "| confidence | lines | mean confidence | right |",
        "|---|---|---|---|",
        *(
            f"| {band['from']} to {band['to']} | {band['count']} | {band['confidence']} "
            f"| {band['right']} |"
            for band in card["reliability"]
        ),
        "",
        f"Of {empty['no_line']} drawn areas in which no line was found, {empty['but_written']} had "
        f"words in them: no line means with {fitted['empty']} that nothing is written.",
        "",
        "## Limits",
        "",
        "- Trained on fonts and drawn strokes only; no real line of a form was at hand to train "
        "on. Seven real ones judge it, in letter boxes, of two writers.",
        "- Joined and small handwriting is a fifth of the training lines and is read worse.",
        "- Two letters alike closer than a step apart come out as one.",
        "",
        "## Train it again",
        "",
        "With the extra `train` installed and the fonts in a folder (npm packages "
        "`@fontsource/<name>`, Debian packages `fonts-<name>`):",
        "",
        f"    python -m flows.train.lines --fonts FOLDER --out models/recognisers/{card['name']} "
        f"--seed {training['seed']} --steps {training['steps']}",
        "",
        f"(torch {training['torch']}, one thread; other machines give other last digits.)",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, part: Mapping[str, int]) -> str:
    letters = 100 * part["wrong_letters"] / part["letters"]
    return (
        f"| {name} | {part['lines']:,} | {letters:.2f} % "
        f"| {part['numbers_right']:,} of {part['numbers']:,} | {part['sure']:,} "
        f"| {part['sure_wrong']} | {part['others_taken_for_a_number']} of {part['others']} "
        f"| {part['others_surely_taken']} |"
    )
