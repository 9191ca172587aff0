"""Copies of a form (SALINAN): held against the form itself, and heard where it is not there.

Which form is a copy of which stands in its data file (``copy_of``). Reported numbers are filed
under the form itself. Where no photo shows a number there, the copy's number is compared with the
reported one instead: the copy was written at the same table, and it is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from models.forms.template import installed_forms, load_form, shipped_forms
from models.records import (
    Conflict,
    ConflictKind,
    Entry,
    FieldStatus,
    FormReading,
    TpsCode,
)
from models.rules import Verdict, salinan_is_plano
from pipeline.priority import priority, weight_of_field


def original_of(form: str) -> str | None:
    """Id of the form that this one is a copy of; ``None`` for every other form."""
    is_known = form in shipped_forms() or form in installed_forms()
    return load_form(form).copy_of if is_known else None


def entry_for_copy(
    copy: FormReading, original: FormReading | None, entry: Entry | None
) -> Entry | None:
    """The reported numbers that a copy has to answer for: those the original shows nowhere.

    Args:
        copy: The copy's reading.
        original: The original's reading of the same TPS, if any page of it was read.
        entry: What was reported, filed under the original.

    Returns:
        An entry under the copy's form; ``None`` where the original answers for everything.

    """
    if entry is None:
        return None
    seen = shown_by(original)
    left = {name: number for name, number in entry.fields.items() if name not in seen}
    left = {name: number for name, number in left.items() if name in copy.fields}
    return entry.model_copy(update={"form": copy.form, "fields": left}) if left else None


def shown_by(reading: FormReading | None) -> frozenset[str]:
    """Fields that some photo of a form shows, whatever is written there; none without a reading."""
    return frozenset(
        name
        for name, field in (reading.fields.items() if reading else ())
        if field.status is not FieldStatus.NOT_IN_VIEW
    )


def copying_errors(
    readings: Mapping[tuple[TpsCode, str], FormReading],
) -> Iterator[Conflict]:
    """Every field that a copy and its original say differently, in the order of the readings."""
    for (tps, form), copy in readings.items():
        original = readings.get((tps, original_of(form) or ""))
        if original is None:
            continue
        for result in salinan_is_plano.evaluate(copy, original):
            if result.verdict is Verdict.VIOLATED:
                yield _conflict(copy, original, result.field, abs(result.difference or 0))


def _conflict(copy: FormReading, original: FormReading, name: str, votes: int) -> Conflict:
    here, there = copy.fields[name], original.fields[name]
    confidence = min(here.confidence, there.confidence)
    photo, other = copy.pages.get(name), original.pages.get(name)
    return Conflict(
        tps=copy.tps,
        form=copy.form,
        field=name,
        kind=ConflictKind.RULE_BROKEN_ON_PAPER,
        reading=here.value,
        confidence=confidence,
        votes=votes,
        priority=priority(votes=votes, chance=confidence, weight=weight_of_field(name, copy.form)),
        rule=salinan_is_plano.CODE,
        photo=photo.photo if photo else None,
        sha256=photo.sha256 if photo else None,
        recipe=photo.recipe if photo else None,
        page=photo.page if photo else None,
        pdf_page=photo.pdf_page if photo else None,
        detail=f"The copy (SALINAN) says {here.value} ({photo.photo if photo else 'no photo'}), "
        f"the large sheet (plano) {there.value} ({other.photo if other else 'no photo'}).",
    )
