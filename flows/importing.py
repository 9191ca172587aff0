"""Reported numbers into the store; one broken object does not stop the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.summary import EntryCounts
from models.elections import Election
from models.errors import EntriesFileError
from models.store.store import Store
from pipeline.entries import read_entries


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    counts: EntryCounts
    problems: tuple[EntriesFileError, ...]
    """Objects, rows or files that could not be used; the others were imported."""


def import_entries(
    store: Store,
    path: Path,
    *,
    election: Election | None = None,
    form: str | None = None,
    as_of: datetime | None = None,
    owed: str | None = None,
) -> Imported:
    """Import all entries below a path.

    Args:
        store: Where to.
        path: A folder or a file.
        election: Which election they are of, where path and content don't say it.
        form: Id of the form of a table's columns, likewise.
        as_of: The time of entries that bring none of their own.
        owed: The form that every TPS owes, whose columns a table's are first.

    Raises:
        EntriesFileError: nothing there could be used; it names the first problem.

    """
    problems: list[EntriesFileError] = []
    entries = read_entries(
        path, election=election, form=form, owed=owed, on_problem=problems.append
    )
    if as_of is not None:
        entries = (
            entry if entry.reported_at else entry.model_copy(update={"reported_at": as_of})
            for entry in entries
        )
    count = store.add_entries(entries)
    if problems and not (count.new or count.revised or count.unchanged):
        raise problems[0]
    counts = EntryCounts(
        new=count.new,
        revised=count.revised,
        unchanged=count.unchanged,
        unusable=len(problems),
        overtaken=count.overtaken,
    )
    return Imported(counts, tuple(problems))
