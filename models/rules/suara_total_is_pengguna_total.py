"""As many votes were counted as people voted."""

from __future__ import annotations

from models.rules.rule import Rule, Severity, sum_of

RULE = Rule(
    code="suara_total_is_pengguna_total",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, V.C and I.B.4: every voter puts one paper into the box",
    checks=(sum_of(("pengguna_total_j",), "suara_total"),),
)
