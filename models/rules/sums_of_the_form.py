"""The sums that a form's own data file names (``sums``): a new form needs no code to be checked."""

from __future__ import annotations

from functools import lru_cache

from models.forms.template import FormSum, FormTemplate
from models.rules.rule import Rule, Severity, sum_of

CODE = "sums_of_the_form"


def rules_in(form: FormTemplate) -> tuple[Rule, ...]:
    """One rule for each line of ``form.sums``, all under one code, each with its own source."""
    return rules_of_sums(form.title, form.sums or ())


@lru_cache(maxsize=64)
def rules_of_sums(title: str, sums: tuple[FormSum, ...]) -> tuple[Rule, ...]:
    """The same for lines at hand, of a form with this printed title."""
    return tuple(
        Rule(
            code=CODE,
            severity=Severity.ERROR,
            source=f"{title}: {line.source}",
            checks=(sum_of(line.parts, line.total),),
        )
        for line in sums
    )
