"""Valid and invalid votes add up to all votes."""

from __future__ import annotations

from models.rules.rule import Rule, Severity, sum_of

RULE = Rule(
    code="sah_plus_tidak_sah_is_total",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, V.C: V.A + V.B",
    checks=(sum_of(("suara_sah", "suara_tidak_sah"), "suara_total"),),
)
