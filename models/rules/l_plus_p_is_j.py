"""Men (L) and women (P) add up to all (J), in each row that counts people."""

from __future__ import annotations

from models.rules.rule import Rule, Severity, sum_of

GROUPS = (
    "pemilih_dpt",
    "pengguna_dpt",
    "pengguna_dptb",
    "pengguna_non_dpt",
    "pengguna_total",
    "disabilitas",
)

RULE = Rule(
    code="l_plus_p_is_j",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, I and III, column JUMLAH (L+P)",
    checks=tuple(sum_of((f"{group}_l", f"{group}_p"), f"{group}_j") for group in GROUPS),
)
