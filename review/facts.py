"""Makes items of the queue: from conflicts, and from fields of the sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from models.conflict_identity import digest_of, facts_digest, field_digest, numbered_keys
from models.queue import SAMPLE, Cell, ItemFacts
from models.records import Conflict
from models.store.queue import CellPlace

CellKey = tuple[str, str, str]
"""TPS, form, field."""


def cell_key(conflict: Conflict) -> CellKey | None:
    """The cell a conflict is about; ``None`` for a photo or a page."""
    if conflict.tps and conflict.form and conflict.field:
        return conflict.tps, conflict.form, conflict.field
    return None


def facts_of_conflicts(
    conflicts: Iterable[Conflict], cells: Mapping[CellKey, CellPlace], seen: dict[str, int]
) -> Iterator[ItemFacts]:
    """Items of conflicts.

    Args:
        conflicts: Of one run, in a fixed order.
        cells: What is known about the cells they are about.
        seen: Handed in again with every part of the same run: how often a key was given. Conflicts
            that nothing else tells apart are numbered.

    """
    for key, conflict in numbered_keys(conflicts, seen):
        about = cell_key(conflict)
        cell = cells.get(about) if about else None
        sha256 = conflict.sha256 or (cell.sha256 if cell else None)
        yield ItemFacts(
            key=key,
            digest=facts_digest(conflict, sha256),
            tps=conflict.tps,
            form=conflict.form,
            field=conflict.field,
            kind=conflict.kind.value,
            rule=conflict.rule,
            cause=conflict.cause.value if conflict.cause else None,
            entry=conflict.entry,
            reading=conflict.reading,
            confidence=conflict.confidence,
            field_status=cell.status if cell else None,
            votes=conflict.votes,
            priority=conflict.priority,
            photo=conflict.photo,
            sha256=sha256,
            pdf_page=cell.pdf_page if cell else None,
            detail=conflict.detail,
        )


def facts_of_sample(cell: Cell, priority: float) -> ItemFacts:
    """An item of a drawn field."""
    return ItemFacts(
        key=digest_of([cell.tps, cell.form, cell.field, SAMPLE, None, None]),
        digest=field_digest(cell.entry, cell.reading, cell.sha256),
        tps=cell.tps,
        form=cell.form,
        field=cell.field,
        kind=SAMPLE,
        rule=None,
        cause=None,
        entry=cell.entry,
        reading=cell.reading,
        confidence=cell.confidence,
        field_status=cell.status,
        votes=0,
        priority=priority,
        photo=None,
        sha256=cell.sha256,
        pdf_page=cell.pdf_page,
        detail="",
    )
