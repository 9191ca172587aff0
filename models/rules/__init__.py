"""What must add up on a form: one three-valued rule a file.

To add a rule, write its file and name it in ``RULES``.
"""

from __future__ import annotations

from models.records import FormReading
from models.rules import (
    digits_are_bubbles,
    digunakan_is_suara_total,
    diterima_is_accounted_for,
    diterima_is_dpt_plus_2_percent,
    dpt_dptb_dpk_is_pengguna_total,
    l_plus_p_is_j,
    paslon_sum_is_suara_sah,
    pengguna_dpt_at_most_pemilih_dpt,
    sah_plus_tidak_sah_is_total,
    suara_total_at_most_300,
    suara_total_is_pengguna_total,
)
from models.rules.rule import Numbers, Relation, Rule, RuleResult, Severity, Verdict

__all__ = [
    "RULES",
    "Numbers",
    "Relation",
    "Rule",
    "RuleResult",
    "Severity",
    "Verdict",
    "evaluate_all",
    "evaluate_reading",
]

RULES: tuple[Rule, ...] = (
    paslon_sum_is_suara_sah.RULE,
    sah_plus_tidak_sah_is_total.RULE,
    suara_total_is_pengguna_total.RULE,
    digunakan_is_suara_total.RULE,
    diterima_is_accounted_for.RULE,
    diterima_is_dpt_plus_2_percent.RULE,
    l_plus_p_is_j.RULE,
    dpt_dptb_dpk_is_pengguna_total.RULE,
    pengguna_dpt_at_most_pemilih_dpt.RULE,
    suara_total_at_most_300.RULE,
)
"""Every rule over numbers, in the order in which a person would check a form."""


def evaluate_all(numbers: Numbers) -> tuple[RuleResult, ...]:
    """Run every rule over reported or read numbers; missing ones make ``not_computable``."""
    return tuple(result for rule in RULES for result in rule.evaluate(numbers))


def evaluate_reading(reading: FormReading) -> tuple[RuleResult, ...]:
    """Run every rule over what was read, and compare digits with bubbles."""
    return evaluate_all(reading.numbers()) + digits_are_bubbles.evaluate(reading)
