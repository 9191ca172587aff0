"""A TPS seldom counts more than 300 votes.

A warning: KPU planned at most 300 voters a TPS in 2024, but special TPS (prisons, boarding schools,
factories) and voters who moved in go beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.rules.rule import Check, Relation, Rule, Severity


def most_voters(_: Sequence[int]) -> int:
    """How many voters a TPS of 2024 was planned for at most."""
    return 300


RULE = Rule(
    code="suara_total_at_most_300",
    severity=Severity.WARNING,
    source="PKPU 7/2022: at most 300 voters a TPS",
    checks=(
        Check(
            field="suara_total",
            terms=(),
            right="300",
            expected=most_voters,
            relation=Relation.AT_MOST,
        ),
    ),
)
