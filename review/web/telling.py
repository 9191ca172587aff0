"""The sentence of each item for a page: of one item with all that is known, in lists with less."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.queue import QueueItem
from models.records import ConflictKind, PageReading
from review.sentences import Known, sentence
from review.texts import Speaker
from review.web.parts import Room
from review.web.places import field_label, place_of


def told(room: Room, t: Speaker, item: QueueItem, page: PageReading | None) -> str:
    """What one item is about, with what was read in its photo."""
    same = item.kind == ConflictKind.DUPLICATE_PHOTO and item.sha256
    tps = room.store.queue.tps_of_photo(item.sha256) if same and item.sha256 else frozenset()
    known = Known(
        error=page.error.code if page and page.error else None,
        page=page,
        tps_of_photo=tuple(sorted(one for one in tps if one)),
    )
    return _say(t, item, known)


def teller(room: Room, t: Speaker, items: Sequence[QueueItem]) -> Callable[[QueueItem], str]:
    """Tells what each of these items is about, from one query for all of them."""
    photos = {item.sha256 for item in items if item.sha256 and item.field is None}
    errors = room.store.overview.error_codes(photos) if photos else {}
    return lambda item: _say(t, item, Known(error=errors.get(item.sha256 or "")))


def _say(t: Speaker, item: QueueItem, known: Known) -> str:
    return sentence(
        t, item, known, place=place_of, label=lambda field: field_label(item.form, field)
    )
