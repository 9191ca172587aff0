"""Draw the reliability diagram: how often a number is wrong, and how often it was said to be.

    python -m flows.train.reliability_picture [FILE]

From ``models/recognisers/decision/evidence.json``. Both axes are logarithmic, because what counts
is one in a thousand; a triangle that points down is a band with no error, drawn at the upper 95 %
bound of its error rate.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.reliability import decision_file

WIDE, HIGH, LEFT, TOP, SIDE = 640, 560, 90, 50, 440
LEAST, MOST = 1e-6, 1.0
COLOURS = {"field": "#1b6e3c", "hard": "#c2571a"}
LEVELS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def place(error: float) -> float:
    """0 to 1 along an axis, for an error rate."""
    clipped = min(MOST, max(LEAST, error))
    return math.log(clipped / LEAST) / math.log(MOST / LEAST)


def point(said: float, seen: float) -> tuple[float, float]:
    """Where an error rate as it is said and as it is seen stands in the picture."""
    return LEFT + SIDE * place(said), TOP + SIDE * (1 - place(seen))


def percent(level: float) -> str:
    """An error rate for a label."""
    return f"{100 * level:g} %"


def axes() -> list[str]:
    """Grid, labels, the line on which a confidence means what it says."""
    parts = []
    for level in LEVELS:
        x, _ = point(level, 1)
        _, y = point(1, level)
        parts += [
            f'<path d="M{x:.1f} {TOP}V{TOP + SIDE}M{LEFT} {y:.1f}H{LEFT + SIDE}" stroke="#ddd"/>',
            f'<text x="{x:.1f}" y="{TOP + SIDE + 20}" text-anchor="middle">{percent(level)}</text>',
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent(level)}</text>',
        ]
    parts.append(
        f'<path d="M{LEFT} {TOP + SIDE}L{LEFT + SIDE} {TOP}" stroke="#888" stroke-dasharray="6 4"/>'
    )
    middle = LEFT + SIDE / 2
    parts += [
        f'<text x="{middle}" y="{TOP + SIDE + 44}" text-anchor="middle">error that the confidence '
        "says (1 − mean confidence of a band)</text>",
        f'<text transform="translate(22 {TOP + SIDE / 2}) rotate(-90)" text-anchor="middle">'
        "error that was seen</text>",
        f'<text x="{middle}" y="24" text-anchor="middle" font-size="16">Does confidence mean what '
        "it says?</text>",
    ]
    return parts


def marks(bands: Sequence[Mapping[str, float]], colour: str) -> list[str]:
    """One mark a band, with a line up to the bound of its error."""
    parts = []
    for band in bands:
        said, seen = 1 - band["confidence"], band["wrong"] / band["count"]
        x, bound = point(said, band["wrong_bound"])
        title = f"<title>{band['wrong']:g} of {band['count']:g} wrong</title>"
        if band["wrong"]:
            _, y = point(said, seen)
            parts.append(
                f'<g stroke="{colour}" fill="{colour}"><path d="M{x:.1f} {y:.1f}V{bound:.1f}"/>'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5">{title}</circle></g>'
            )
        else:
            parts.append(
                f'<path d="M{x - 6:.1f} {bound:.1f}h12l-6 9z" fill="{colour}">{title}</path>'
            )
    return parts


def picture(all_bands: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """The whole diagram as SVG, from ``evidence.json``'s bands."""
    parts = axes()
    for place_no, (name, bands) in enumerate(all_bands.items()):
        colour = COLOURS[name]
        y = TOP + 18 + 20 * place_no
        parts += marks(bands, colour)
        parts.append(
            f'<circle cx="{LEFT + 14}" cy="{y - 4}" r="5" fill="{colour}"/>'
            f'<text x="{LEFT + 26}" y="{y}">drawn forms, {name}</text>'
        )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>\n{body}\n</svg>\n'
    )


def main() -> None:
    """Read the evidence, write the picture."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures/reliability.svg")
    evidence = json.loads((decision_file().parent / "evidence.json").read_text(encoding="utf-8"))
    target.write_text(picture(evidence["bands"]), encoding="utf-8")


if __name__ == "__main__":
    main()
