"""The digits written in the boxes say what the bubbles below them say. For readings only."""

from __future__ import annotations

from models.records import FormReading
from models.rules.rule import Rule, RuleResult, Severity, Verdict, sum_of

CODE = "digits_are_bubbles"


def violations(reading: FormReading) -> tuple[RuleResult, ...]:
    """Those of ``evaluate`` that are violated."""
    doubtful = {
        name: field
        for name, field in reading.fields.items()
        if "bubbles" in field.witnesses
        and "digits" in field.witnesses
        and field.witnesses["digits"].value != field.witnesses["bubbles"].value
    }
    if not doubtful:
        return ()
    results = evaluate(reading.model_copy(update={"fields": doubtful}))
    return tuple(result for result in results if result.verdict is Verdict.VIOLATED)


def evaluate(reading: FormReading) -> tuple[RuleResult, ...]:
    """One result for each field that has bubbles in view.

    The inputs are named ``FIELD.digits`` and ``FIELD.bubbles``; where either witness saw no
    number, the verdict is ``not_computable``.
    """
    results: list[RuleResult] = []
    for name, field in reading.fields.items():
        if "bubbles" not in field.witnesses:
            continue
        digits, bubbles = f"{name}.digits", f"{name}.bubbles"
        seen = {
            digits: field.witnesses["digits"].value if "digits" in field.witnesses else None,
            bubbles: field.witnesses["bubbles"].value,
        }
        rule = Rule(
            code=CODE,
            severity=Severity.ERROR,
            source="Model C.HASIL-PPWP 2024, IV: the bubbles repeat the digits above them",
            checks=(sum_of((bubbles,), digits),),
        )
        results += (result.model_copy(update={"field": name}) for result in rule.evaluate(seen))
    return tuple(results)
