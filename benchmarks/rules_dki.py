"""Every rule on all of Jakarta: what Sirekap had published in March 2024.

python -m benchmarks.rules_dki --shared ../shared
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from models.rules import Severity, Verdict, evaluate_all
from pipeline.entries import read_entries


@dataclass(slots=True)
class Tally:
    """How a rule's line of arithmetic came out."""

    formula: str
    severity: Severity
    verdicts: Counter[Verdict] = field(default_factory=Counter)

    @property
    def computable(self) -> int:
        """TPS that report every number that goes in."""
        return self.verdicts[Verdict.OK] + self.verdicts[Verdict.VIOLATED]


def tally(shared: Path) -> tuple[int, dict[tuple[str, str], Tally]]:
    """How many TPS there are, and rule and field to its tally."""
    tallies: dict[tuple[str, str], Tally] = {}
    count = 0
    for entry in read_entries(shared / "entries" / "dki-jakarta-2024-ppwp.csv.gz"):
        count += 1
        for result in evaluate_all(entry.fields):
            key = result.rule, result.field
            of_rule = tallies.setdefault(key, Tally(result.formula, result.severity))
            of_rule.verdicts[result.verdict] += 1
    return count, tallies


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    count, tallies = tally(parser.parse_args().shared)
    print(f"{count:,} TPS of Jakarta, as Sirekap had them in March 2024\n")
    print("| rule | formula | severity | computable | violated | not computable |")
    print("|---|---|---|---:|---:|---:|")
    for (rule, _), of_rule in tallies.items():
        violated = of_rule.verdicts[Verdict.VIOLATED]
        share = f" ({violated / of_rule.computable:.1%})" if of_rule.computable else ""
        print(
            f"| {rule} | {of_rule.formula} | {of_rule.severity} | {of_rule.computable:,} "
            f"| {violated:,}{share} | {of_rule.verdicts[Verdict.NOT_COMPUTABLE]:,} |"
        )


if __name__ == "__main__":
    main()
