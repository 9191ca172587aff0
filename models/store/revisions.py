"""When a reported number is news.

The revisions of one TPS and form stand in the order of the time they speak of: the source's own
time stamp, or the time of import where it gives none. An entry that says the same as the one
before it in that order is no news. But where it is the newest word its time is kept, in a revision
with the same numbers, so that an older report imported later can't pass for newer. So a re-import
changes nothing, an old file imported late takes its place before the newer one, and a number that
was changed and changed back shows as three revisions.

An entry without a time stamp speaks of its import, the only time known for it. So it stands above
every entry stamped earlier, also one imported after it: the import says so (``overtaken``), and
``chasil entries import --as-of`` gives such a file its own time. Ordering by import instead
would let an old archive, imported late, pass for news.

A table may have fewer columns than the entry before it. A field it has no column for is "not
reported in this revision": the last number known for it keeps counting (``merged``). A field that
is reported as null, or as an empty cell, is null from then on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Literal

from models.records import Entry

WIB = timezone(timedelta(hours=7), "WIB")
"""Western Indonesian Time: the zone of a time stamp that doesn't name one (KPU sits in Jakarta)."""

Novelty = Literal["new", "revised", "unchanged", "confirmed"]
"""``confirmed``: the newest numbers again, at a later time."""


@dataclass(frozen=True, slots=True)
class KnownRevision:
    """As much of a revision as is needed to compare it."""

    speaks_of: datetime
    content: str
    is_dated: bool = field(default=True, compare=False)
    """Whether the source gave the time; else it is the time of import."""


def content_of(entry: Entry) -> str:
    """SHA-256 of what an entry reports, whatever its source, its time and the names it brings."""
    content = entry.model_dump(mode="json", exclude={"source", "reported_at", "dapil", "names"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def novelty(history: Sequence[KnownRevision], arriving: KnownRevision) -> Novelty:
    """Whether an entry adds something to the history of its TPS and form."""
    if not history:
        return "new"
    if arriving in history:
        return "unchanged"
    in_time = sorted(history, key=lambda known: known.speaks_of)
    earlier = [known for known in in_time if known.speaks_of <= arriving.speaks_of]
    repeats = bool(earlier) and earlier[-1].content == arriving.content
    if repeats and earlier[-1] is not in_time[-1]:
        return "unchanged"
    return "confirmed" if repeats else "revised"


def is_overtaken(history: Sequence[KnownRevision], arriving: KnownRevision) -> bool:
    """Whether an entry with a time comes behind one that only has the time of its import."""
    return arriving.is_dated and any(
        not known.is_dated and known.speaks_of > arriving.speaks_of for known in history
    )


def merged(revisions: Sequence[Entry]) -> Entry:
    """One TPS's and form's entry as it counts now.

    Args:
        revisions: Of one TPS and form, in the order of the time they speak of; at least one.

    Returns:
        The newest one, with the last known number of each field that it does not report at all.

    """
    newest = revisions[-1]
    fields = {name: number for known in revisions for name, number in known.fields.items()}
    if fields.keys() == newest.fields.keys():
        return newest
    return newest.model_copy(update={"fields": fields})


def with_zone(moment: datetime) -> datetime:
    """The moment, in WIB where it has no time zone."""
    return moment.replace(tzinfo=WIB) if moment.tzinfo is None else moment
