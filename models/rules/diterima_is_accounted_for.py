"""Every ballot paper received was used, returned, or left over."""

from __future__ import annotations

from models.rules.rule import Rule, Severity, sum_of

RULE = Rule(
    code="diterima_is_accounted_for",
    severity=Severity.ERROR,
    source="Model C.HASIL-PPWP 2024, II.1: II.2 + II.3 + II.4",
    checks=(
        sum_of(
            ("surat_suara_digunakan", "surat_suara_dikembalikan", "surat_suara_tidak_digunakan"),
            "surat_suara_diterima",
        ),
    ),
)
