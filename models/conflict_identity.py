"""When two conflicts, of two runs or of one, are the same one, and when its facts are others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from models.records import Conflict
from models.trail import canonical


def numbered_keys(
    conflicts: Iterable[Conflict], seen: dict[str, int]
) -> Iterator[tuple[str, Conflict]]:
    """Each conflict with its key: TPS × form × field × kind × rule (without field: and photo).

    Args:
        conflicts: Of one run, in a fixed order.
        seen: Handed in again with every part of the same run: how often a key was given. Conflicts
            that nothing else tells apart are numbered.

    """
    for conflict in conflicts:
        base: list[str | int | None] = [
            conflict.tps,
            conflict.form,
            conflict.field,
            conflict.kind.value,
            conflict.rule,
            None if conflict.field else _photo_or_sentence(conflict),
        ]
        key = digest_of(base)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            key = digest_of([*base, seen[key]])
        yield key, conflict


def facts_digest(conflict: Conflict, sha256: str | None = None) -> str:
    """Of what a conflict rests on: reading, entry and photo; without a field, photo and sentence.

    Args:
        conflict: The conflict.
        sha256: The photo of its field, where the conflict itself names none.

    """
    if conflict.field:
        return field_digest(conflict.entry, conflict.reading, conflict.sha256 or sha256)
    return digest_of([conflict.sha256, conflict.detail])


def field_digest(entry: int | None, reading: int | None, sha256: str | None) -> str:
    """Of what an item about a field rests on."""
    return digest_of([entry, reading, sha256])


def digest_of(parts: Sequence[str | int | None]) -> str:
    """SHA-256 over the canonical JSON of the parts."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def _photo_or_sentence(conflict: Conflict) -> str:
    """Tells apart several conflicts of one kind about the photos and pages of one TPS."""
    if conflict.sha256 is None and conflict.photo is None:
        return conflict.detail.partition(". ")[0].rstrip(".")  # "No readable photo of page 2"
    return f"{conflict.sha256} {conflict.photo}"
