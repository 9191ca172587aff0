"""The votes of all paslon add up to the valid votes."""

from __future__ import annotations

from models.elections import Election
from models.rules.rule import Rule, Severity, sum_of

RULE = Rule(
    code="paslon_sum_is_suara_sah",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, V.A: IV.1 + IV.2 + IV.3",
    checks=(sum_of(("suara_paslon_1", "suara_paslon_2", "suara_paslon_3"), "suara_sah"),),
    elections=frozenset({Election.PPWP}),
)
