"""The sums that a form's own data file names (``sums``): a new form needs no code to be checked."""

from __future__ import annotations

from functools import lru_cache

from models.forms.template import FormSum, FormTemplate
from models.rules.rule import Rule, Severity, sum_of

CODE = "sums_of_the_form"


def rules_in(form: FormTemplate) -> tuple[Rule, ...]:
    """One rule for each line of ``form.sums``, all under one code, each with its own source."""
    return _rules(form.title, form.sums or ())


@lru_cache(maxsize=64)
def _rules(title: str, sums: tuple[FormSum, ...]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            code=CODE,
            severity=Severity.ERROR,
            source=f"{title}: {line.source}",
            checks=(sum_of(line.parts, line.total),),
        )
        for line in sums
    )
