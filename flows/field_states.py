"""Readings and entries side by side, field by field: what the sums, the queue and the diff use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from models.history import FieldState
from models.queue import TpsProgress
from models.records import Entry, FieldStatus, FormReading


def states_of(readings: Iterable[FormReading], entries: Iterable[Entry]) -> Iterator[FieldState]:
    """Every field that is read or reported, by TPS, form, and its place on the form."""
    for (tps, form), (reading, entry) in _pairs(readings, entries).items():
        fields = reading.fields if reading else {}
        reported = entry.fields if entry else {}
        for name in dict.fromkeys((*fields, *reported)):
            field = fields.get(name)
            page = reading.pages.get(name) if reading else None
            # Of records that were checked: a kabupaten has a quarter of a million of them.
            yield FieldState.model_construct(
                tps=tps,
                form=form,
                field=name,
                entry=reported.get(name),
                reading=field.value if field else None,
                status=field.status.value if field else None,
                confidence=field.confidence if field else None,
                sha256=page.sha256 if page else None,
                pdf_page=page.pdf_page if page else None,
                recipe=page.recipe if page else None,
            )


def progress_of(readings: Iterable[FormReading], entries: Iterable[Entry]) -> Iterator[TpsProgress]:
    """How far each form of each TPS has come, before anybody decided."""
    for (tps, form), (reading, entry) in _pairs(readings, entries).items():
        counts = Counter(field.status for field in reading.fields.values()) if reading else {}
        yield TpsProgress(
            tps=tps,
            form=form,
            pages_read=len({page.page for page in reading.pages.values()}) if reading else 0,
            fields_clear=counts.get(FieldStatus.CLEAR, 0),
            fields_review=counts.get(FieldStatus.REVIEW, 0),
            fields_blank=counts.get(FieldStatus.BLANK, 0),
            fields_not_in_view=counts.get(FieldStatus.NOT_IN_VIEW, 0),
            has_entry=entry is not None,
            items_waiting=0,
            items_done=0,
        )


def _pairs(
    readings: Iterable[FormReading], entries: Iterable[Entry]
) -> dict[tuple[str, str], tuple[FormReading | None, Entry | None]]:
    read = {(one.tps, one.form): one for one in readings}
    reported = {(one.tps, one.form): one for one in entries}
    return {
        key: (read.get(key), reported.get(key)) for key in sorted(read.keys() | reported.keys())
    }
