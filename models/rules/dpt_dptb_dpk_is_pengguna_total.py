"""Voters from the three lists add up to all who voted: men, women and both."""

from __future__ import annotations

from models.rules.rule import Rule, Severity, sum_of

RULE = Rule(
    code="dpt_dptb_dpk_is_pengguna_total",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, I.B.4: B.1 + B.2 + B.3",
    checks=tuple(
        sum_of(
            (f"pengguna_dpt_{who}", f"pengguna_dptb_{who}", f"pengguna_non_dpt_{who}"),
            f"pengguna_total_{who}",
        )
        for who in "lpj"
    ),
)
