"""One form of one TPS: its sums move the confidence of its numbers, and never the numbers.

Each field keeps the number that its witnesses read. Where the sums make it likelier, a field may
become clear that was not; where they make it unlikelier, it goes to a person; where they make
another number likelier, it goes to a person with that as the reason. A form that does not add up
on paper comes out as it is written: the rules say so, in ``models.rules``.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.records import FieldReading, FormReading, ReviewReason
from models.reliability import Reliabilities
from pipeline.sums import with_sums
from pipeline.weigh import Belief, belief, settled


def decide(form: FormReading, known: Reliabilities) -> FormReading:
    """Weigh the fields of a form together; twice gives the same as once."""
    return form.model_copy(update={"fields": together(form.fields, known, form.form)})


def together(
    fields: Mapping[str, FieldReading], known: Reliabilities, form: str | None = None
) -> dict[str, FieldReading]:
    """Fields of one form (its id), of all its pages or of one, given the sums they complete."""
    before = {}
    for name, field in fields.items():
        if field.value is None or ReviewReason.CELL_OUT_OF_PLACE in field.reasons:
            continue  # what may be another field's cells says nothing about this form's sums
        seen = belief(field.witnesses, known)
        if field.value in seen.probabilities:
            before[name] = seen
    after = with_sums(before, known, form)
    return {
        name: _moved(field, before[name], after[name], known) if name in after else field
        for name, field in fields.items()
    }


def _moved(
    field: FieldReading, before: Belief, after: Belief, known: Reliabilities
) -> FieldReading:
    if field.value is None:
        raise ValueError("a field without a number has no belief to move")
    confidence = after.probabilities.get(field.value, 0.0)
    likelier, _ = after.best
    reasons: list[ReviewReason] = [
        reason for reason in field.reasons if reason != ReviewReason.SUMS_POINT_ELSEWHERE
    ]
    if likelier != field.value and before.best[0] == field.value:
        reasons.append(ReviewReason.SUMS_POINT_ELSEWHERE)
    moved = field.model_copy(
        update={
            "confidence": round(min(1.0, confidence), 6),
            "witnessed": round(before.probabilities[field.value], 6),
            "reasons": tuple(reasons),
        }
    )
    return settled(moved, blank=False, known=known)
