"""No more people voted from the voters' list than are on it."""

from __future__ import annotations

from models.rules.rule import Rule, Severity, at_most

RULE = Rule(
    code="pengguna_dpt_at_most_pemilih_dpt",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, I.A and I.B.1",
    checks=tuple(at_most(f"pengguna_dpt_{who}", f"pemilih_dpt_{who}") for who in "lpj"),
)
