"""The history of reported numbers out of the store: one TPS's timeline, and changes over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from models.records import Record
from models.store.items import EntryRevision
from models.store.revisions import merged
from models.store.store import Store
from pipeline.entry_changes import Field, NumberCourse, courses

TPS_AT_ONCE = 500


class TimelineStep(Record):
    """One revision of one TPS and form, in the order of the time it speaks of."""

    form: str
    revision: int
    speaks_of: datetime
    is_dated: bool
    """The source gave that time; else it is the time of import."""
    imported_at: datetime
    source: str
    reported: dict[str, int | None]
    """As it was imported."""
    counts: dict[str, int | None]
    """What counts from then on: also the last known numbers of fields it does not report."""
    changes: dict[str, tuple[int | None, int | None]]
    """Field to the number that counted before, and now."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that was ever reported of one form of one TPS."""

    form: str
    steps: tuple[TimelineStep, ...]
    paper: dict[str, Field]
    """What machine and auditors say."""


def timelines(store: Store, tps: str) -> tuple[Timeline, ...]:
    """A TPS's reported numbers over time, a timeline a form."""
    paper = _fields(store, [tps])
    found = []
    for form, revisions in groupby(_in_time(store.entry_revisions(tps)), key=_form):
        known = list(revisions)
        found.append(Timeline(form, tuple(_steps(known)), paper.get((tps, form), {})))
    return tuple(found)


def _steps(revisions: Sequence[EntryRevision]) -> Iterator[TimelineStep]:
    before: dict[str, int | None] | None = None
    for place, known in enumerate(revisions, start=1):
        counts = dict(merged([one.entry for one in revisions[:place]]).fields)
        yield TimelineStep(
            form=known.entry.form,
            revision=known.revision,
            speaks_of=known.speaks_of,
            is_dated=known.entry.reported_at is not None,
            imported_at=known.imported_at,
            source=known.entry.source,
            reported=known.entry.fields,
            counts=counts,
            changes={}
            if before is None
            else {
                name: (before.get(name), number)
                for name, number in counts.items()
                if before.get(name) != number
            },
        )
        before = counts


def changes_between(
    store: Store, since: datetime, until: datetime, *, region: str = ""
) -> Iterator[NumberCourse]:
    """What became of the reported numbers between two moments, by TPS, form and field.

    A revision belongs to the time it speaks of, see ``models.store.revisions``.
    """
    codes = [tps for tps in sorted(store.entry_keys()) if tps.startswith(region)]
    for start in range(0, len(codes), TPS_AT_ONCE):
        some = codes[start : start + TPS_AT_ONCE]
        paper = _fields(store, some)
        for (tps, form), revisions in groupby(store.revisions_of(some), key=_key):
            known = list(revisions)
            earlier = [one for one in known if one.speaks_of <= since]
            later = [one for one in known if one.speaks_of <= until]
            if not later:
                continue
            yield from courses(
                (tps, form),
                merged([one.entry for one in earlier]).fields if earlier else None,
                merged([one.entry for one in later]).fields,
                paper.get((tps, form), {}),
                after_at=later[-1].speaks_of,
                after_source=later[-1].entry.source,
            )


def _fields(store: Store, tps: Sequence[str]) -> dict[tuple[str, str], dict[str, Field]]:
    found: dict[tuple[str, str], dict[str, Field]] = {}
    for cell in store.queue.cells_of(tps):
        found.setdefault((cell.tps, cell.form), {})[cell.field] = Field(
            cell.reading, cell.status, is_decided=cell.is_decided, decided=cell.decided
        )
    return found


def _in_time(revisions: Sequence[EntryRevision]) -> list[EntryRevision]:
    return sorted(revisions, key=lambda one: (one.entry.form, one.speaks_of, one.revision))


def _form(known: EntryRevision) -> str:
    return known.entry.form


def _key(known: EntryRevision) -> tuple[str, str]:
    return known.entry.tps, known.entry.form
