"""What every conflict says of the photo it stands on, and conflicts about a whole photo."""

from __future__ import annotations

from typing import Any

from models.records import Conflict, ConflictKind, PageReading, TpsCode
from pipeline.priority import priority


def of_photo(
    kind: ConflictKind,
    photo: PageReading,
    *,
    tps: TpsCode | None,
    detail: str,
    votes: int | None = None,
) -> Conflict:
    """A conflict about a photo as a whole: nothing was read, so there is no confidence."""
    return Conflict(
        tps=tps,
        form=photo.form,
        field=None,
        kind=kind,
        votes=votes,
        priority=priority(votes=votes, chance=None),
        detail=detail,
        **source_of(photo),
    )


def source_of(photo: PageReading | None) -> dict[str, Any]:
    """Which photo a conflict stands on, and what read it."""
    if photo is None:
        return {}
    return {
        "photo": photo.photo,
        "sha256": photo.sha256,
        "recipe": photo.recipe,
        "page": photo.page,
        "pdf_page": photo.pdf_page,
    }
