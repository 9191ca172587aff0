"""What must add up on a form: one three-valued rule a file.

To add a rule, write its file and name it in ``RULES``.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.forms.template import installed_forms, load_form, shipped_forms
from models.records import FormReading
from models.rules import (
    digits_are_bubbles,
    digunakan_is_suara_total,
    diterima_is_accounted_for,
    diterima_is_dpt_plus_2_percent,
    dpd_candidates_are_suara_sah,
    dpt_dptb_dpk_is_pengguna_total,
    l_plus_p_is_j,
    party_alone_at_most_total,
    party_total_is_its_rows,
    party_totals_are_suara_sah,
    paslon_sum_is_suara_sah,
    pemilih_dpt_is_same_everywhere,
    pengguna_dpt_at_most_pemilih_dpt,
    pengguna_dpt_is_same_everywhere,
    sah_plus_tidak_sah_is_total,
    salinan_is_plano,
    suara_total_at_most_300,
    suara_total_is_pengguna_total,
    sums_of_the_form,
)
from models.rules.across import SameOnAllForms
from models.rules.rule import Numbers, Relation, Rule, RuleResult, Severity, Verdict

__all__ = [
    "RULES",
    "RULES_ACROSS",
    "Numbers",
    "Relation",
    "Rule",
    "RuleResult",
    "SameOnAllForms",
    "Severity",
    "Verdict",
    "evaluate_across",
    "evaluate_all",
    "evaluate_reading",
    "rules_for",
    "salinan_is_plano",
    "violations_in",
    "violations_of_reading",
]

RULES: tuple[Rule, ...] = (
    paslon_sum_is_suara_sah.RULE,
    party_total_is_its_rows.RULE,
    party_alone_at_most_total.RULE,
    party_totals_are_suara_sah.RULE,
    dpd_candidates_are_suara_sah.RULE,
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


RULES_ACROSS: tuple[SameOnAllForms, ...] = (
    pemilih_dpt_is_same_everywhere.RULE,
    pengguna_dpt_is_same_everywhere.RULE,
)
"""Rules over the forms of several elections of one TPS."""


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
    """Run every rule over reported or read numbers; missing ones make ``not_computable``.

    Args:
        numbers: Field to number.
        form: Id of the form they are of; without it every rule is held to hold. See ``rules_for``.

    """
    return tuple(result for rule in rules_for(form) for result in rule.evaluate(numbers, form))


def evaluate_reading(reading: FormReading) -> tuple[RuleResult, ...]:
    """Run every rule over what was read, and compare digits with bubbles."""
    return evaluate_all(reading.numbers(), reading.form) + digits_are_bubbles.evaluate(reading)


def violations_in(numbers: Numbers, form: str | None = None) -> tuple[RuleResult, ...]:
    """Those of ``evaluate_all`` that are violated, much sooner."""
    return tuple(result for rule in rules_for(form) for result in rule.violations(numbers, form))


def violations_of_reading(reading: FormReading) -> tuple[RuleResult, ...]:
    """Those of ``evaluate_reading`` that are violated, much sooner."""
    on_paper = violations_in(reading.numbers(), reading.form)
    return on_paper + digits_are_bubbles.violations(reading)


def evaluate_across(by_form: Mapping[str, Numbers]) -> tuple[tuple[str, RuleResult], ...]:
    """Run the rules over several forms of one TPS: each finding with the form it is laid to."""
    return tuple(one for rule in RULES_ACROSS for one in rule.evaluate(by_form))
