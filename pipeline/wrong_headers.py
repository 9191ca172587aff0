"""Photos whose header names another TPS than they are filed under, as conflicts.

Beside ``pipeline.compare`` and not in it, because it rests on the photos and the table of regions
alone: what is found here stays true whatever is reported.
"""

from __future__ import annotations

from collections.abc import Iterable

from models.recognisers.evidence import load_header_evidence
from models.records import Conflict, ConflictKind, PageReading
from models.regions import RegionTable
from pipeline.photo_conflicts import of_photo
from pipeline.whose import Whose, WhoseVerdict, place_name, whose_forms


def wrong_headers(photos: Iterable[PageReading], regions: RegionTable) -> list[Conflict]:
    """Photos whose header names another TPS than they are filed under, in their order."""
    claimed = [
        (photo, photo.tps) for photo in photos if photo.tps is not None and photo.header is not None
    ]
    verdicts = whose_forms(
        [(photo.header, tps) for photo, tps in claimed], regions, load_header_evidence()
    )
    return [
        of_photo(
            ConflictKind.WRONG_TPS,
            photo,
            tps=tps,
            detail=f"Filed under {place_name(tps, regions)}; the header looks like "
            f"{whose.likeliest_name} ({whose.likeliest}): {_speaking_against(whose)}.",
        )
        for (photo, tps), whose in zip(claimed, verdicts, strict=True)
        if whose.verdict is WhoseVerdict.MISMATCH
    ]


def _speaking_against(whose: Whose) -> str:
    """``kelurahan reads SUKADAYA``, for each line that does not fit the claimed TPS."""
    return ", ".join(
        f"{part.replace('_', ' ')} reads {one.text or 'nothing'}"
        for part, one in whose.parts.items()
        if one.nats < 0
    )
