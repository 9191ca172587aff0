"""A copy of a form (C.HASIL SALINAN) says what the form itself (plano) says.

The copies are written out by hand from the large sheet; in 2019 volunteers found thousands where
a number had changed on the way. Which of the two is right no arithmetic can tell.
"""

from __future__ import annotations

from models.records import FormReading
from models.rules.rule import Rule, RuleResult, Severity, sum_of

CODE = "salinan_is_plano"
COPY, ORIGINAL = "salinan", "plano"


def evaluate(copy: FormReading, original: FormReading) -> tuple[RuleResult, ...]:
    """One result for each field of the copy that the original has too.

    The inputs are named ``FIELD.salinan`` and ``FIELD.plano``; where either has no number, the
    verdict is ``not_computable``.

    Raises:
        ValueError: they are of different TPS.

    """
    if copy.tps != original.tps:
        raise ValueError(f"a copy of {copy.tps} says nothing about {original.tps}")
    copied, written = copy.numbers(), original.numbers()
    return tuple(
        of_field(name, copied.get(name), written.get(name))
        for name in copy.fields
        if name in original.fields
    )


def of_field(name: str, copied: int | None, written: int | None) -> RuleResult:
    """The rule for one field, from the numbers on the copy and on the original."""
    here, there = f"{name}.{COPY}", f"{name}.{ORIGINAL}"
    rule = Rule(
        code=CODE,
        severity=Severity.ERROR,
        source="PKPU 25/2023: the SALINAN is a copy of C.HASIL, number by number",
        checks=(sum_of((there,), here),),
    )
    (result,) = rule.evaluate({here: copied, there: written})
    return result.model_copy(update={"field": name})
