"""As many ballot papers were used as votes were counted."""

from __future__ import annotations

from models.rules.rule import Rule, Severity, sum_of

RULE = Rule(
    code="digunakan_is_suara_total",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, II.2 and V.C: every used paper is one vote, valid or not",
    checks=(sum_of(("suara_total",), "surat_suara_digunakan"),),
)
