"""What must add up on a form: one three-valued rule a file.

To add a rule, write its file and name it in ``RULES``.
"""

from __future__ import annotations

from models.forms.template import installed_forms, load_form, shipped_forms
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
    salinan_is_plano,
    suara_total_at_most_300,
    suara_total_is_pengguna_total,
    sums_of_the_form,
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
    "rules_for",
    "salinan_is_plano",
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


def rules_for(form: str | None) -> tuple[Rule, ...]:
    """The rules over numbers that a form must keep.

    Args:
        form: Its id. Those of Pemilu 2024 for ``None``, for a form that is not installed (its
            entries may outlive it), and for one whose data file names no sums of its own.

    """
    if form is None or (form not in shipped_forms() and form not in installed_forms()):
        return RULES
    template = load_form(form)
    return RULES if template.sums is None else sums_of_the_form.rules_in(template)


def evaluate_all(numbers: Numbers, form: str | None = None) -> tuple[RuleResult, ...]:
    """Run every rule of a form over reported or read numbers; missing ones: ``not_computable``."""
    return tuple(result for rule in rules_for(form) for result in rule.evaluate(numbers))


def evaluate_reading(reading: FormReading) -> tuple[RuleResult, ...]:
    """Run every rule over what was read, and compare digits with bubbles."""
    return evaluate_all(reading.numbers(), reading.form) + digits_are_bubbles.evaluate(reading)
