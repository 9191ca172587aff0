"""The card of the decision: how far each witness is trusted, what clear promises, on what proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.reliability import Reliabilities


def _table(heads: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines = [heads, tuple("---:" if k else "---" for k in range(len(heads))), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def decision_card(known: Reliabilities, evidence: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    witnesses = [
        (name, evidence["answers"].get(name, 0), one.power, f"{one.wrong:.4%}", one.sure)
        for name, one in known.witnesses.items()
    ]
    lines = [(name, f"{one.wrong:.2%}", one.ways) for name, one in known.sums.items()]
    parts = [
        "# The decision: from four witnesses and the sums to one number",
        "Written by `python -m flows.train.decision`; `evidence.json` has the same and more.",
        "Measured with the recognisers "
        + ", ".join(f"{kind} {digest}" for kind, digest in known.recognisers.items())
        + ".",
        f"**Clear** from a confidence of {known.clear}; **blank** from {known.blank}. The promise: "
        f"at most {evidence['promise']:.1%} wrong among clear fields, as the upper 95 % bound on "
        f"{evidence['forms']['field']} drawn forms at `field` difficulty that nothing was fitted "
        "on, and no higher share seen at `hard`.",
        "## What was used",
        f"Drawn forms, {evidence['fitted_on']['field']} at `field` and "
        f"{evidence['fitted_on']['hard']} at `hard` difficulty, to fit (seed "
        f"{evidence['seeds']['fit']}), and {evidence['forms']['field']} and "
        f"{evidence['forms']['hard']} others to prove (seed {evidence['seeds']['proof']}): all "
        "three pages in one hand from `fixtures.handwriting`, which no recogniser was trained on; "
        "one form in ten with a wrong sum, one field in fifty of those with several witnesses "
        "with one of them off, one field in fifty empty. How often sums are wrong: what Sirekap "
        "reported for Jakarta, March 2024 (KPU; 12,623 TPS), system's errors included, so that "
        "sums count for rather too little.",
        "## Witnesses",
        _table(("witness", "answers", "power", "wrong", "disagrees from"), witnesses),
        f"Digits on paper that are not what was meant: {known.slip:.3%}.",
        "## Sums",
        _table(
            ("line", "wrong", "ways"),
            [*lines, ("any other", f"{known.other_sums.wrong:.2%}", known.other_sums.ways)],
        ),
    ]
    for name, ladder in evidence["ladder"].items():
        rows = [
            (
                step["threshold"],
                step["fields"],
                f"{step['clear']} ({step['coverage']:.2%})",
                step["silent"],
                f"{step['silent_bound']:.3%}",
            )
            for step in ladder
        ]
        parts += [
            f"## Thresholds on the proof, `{name}`",
            _table(("threshold", "numbers", "clear", "wrong", "upper 95 % bound"), rows),
        ]
    for name, some in evidence["bands"].items():
        parts += [
            f"## Confidence against truth, `{name}`",
            _table(
                ("from", "to", "numbers", "mean confidence", "right"),
                [
                    (
                        band["from"],
                        band["to"],
                        band["count"],
                        f"{band['confidence']:.4%}",
                        f"{band['right']:.4%}",
                    )
                    for band in some
                ],
            ),
        ]
    return "\n\n".join(parts) + "\n"
