"""Which kept photos a person means, and which of them a recipe has not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from models.records import FieldStatus, PageStatus, Record, TpsCode
from models.store import queries
from models.store.connections import Connections
from models.store.tables import FailureRow, PhotoRow, ReadingRow, UploadRow

FAILED = "failed"

STATUSES = (*PageStatus, FAILED, *FieldStatus)
"""What photos may be chosen by: of the page, or of at least one of its fields."""

TPS_IN_ONE_STATEMENT = 10_000

_COUNT_OF = {
    FieldStatus.CLEAR: ReadingRow.fields_clear,
    FieldStatus.REVIEW: ReadingRow.fields_review,
    FieldStatus.BLANK: ReadingRow.fields_blank,
    FieldStatus.NOT_IN_VIEW: ReadingRow.fields_not_in_view,
}


class Choice(Record):
    """Which photos. What is empty does not limit; what is given must all be met."""

    region: str = ""
    """First digits of the TPS."""
    tps: tuple[TpsCode, ...] | None = None
    form: str | None = None
    """Photos that were read as a page of this form."""
    uploaded_since: AwareDatetime | None = None
    """Of the time when these bytes first came in."""
    uploaded_until: AwareDatetime | None = None
    """Not this moment itself."""
    read_before: AwareDatetime | None = None
    """Photos whose reading that counts now was made before; and those that have none."""
    statuses: tuple[str, ...] = ()
    """Of ``STATUSES``; one of them is enough."""


@dataclass(frozen=True, slots=True)
class ChosenPhoto:
    """A kept photo that was chosen."""

    sha256: str
    name: str
    """Of its newest upload."""
    tps: str | None
    is_stale: bool
    """The recipe has not read it."""


class Selection:
    """Chooses photos: reached as ``store.selection``."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def photos(self, choice: Choice, recipe: str) -> tuple[ChosenPhoto, ...]:
        """The chosen photos, each once, by TPS and name."""
        found: dict[str, ChosenPhoto] = {}
        groups: list[tuple[str, ...] | None] = [None]
        if choice.tps is not None:
            codes = tuple(dict.fromkeys(choice.tps))
            step = TPS_IN_ONE_STATEMENT
            groups = [codes[start : start + step] for start in range(0, len(codes), step)]
        with self._connections.reading() as connection:
            for some in groups:
                for sha256, name, tps, own in connection.execute(_query(choice, recipe, some)):
                    known = found.get(sha256)
                    stale = not own and (known is None or known.is_stale)
                    found[sha256] = ChosenPhoto(sha256, name, tps, stale)
        return tuple(found.values())


def _query(choice: Choice, recipe: str, tps: Iterable[str] | None) -> Any:  # noqa: ANN401
    """SHA-256, name, TPS and whether the recipe has read it; a row a page."""
    own = exists().where(ReadingRow.sha256 == UploadRow.sha256, ReadingRow.recipe == recipe)
    query = (
        select(UploadRow.sha256, UploadRow.name, UploadRow.tps, own.correlate(UploadRow))
        .select_from(UploadRow)
        .join(PhotoRow, PhotoRow.sha256 == UploadRow.sha256)
        .outerjoin(
            ReadingRow,
            and_(ReadingRow.sha256 == UploadRow.sha256, queries.is_current_reading(recipe)),
        )
        .where(queries.is_current_upload())
        .order_by(func.coalesce(UploadRow.tps, ""), UploadRow.name, UploadRow.id)
    )
    if tps is not None:
        query = query.where(UploadRow.tps.in_(tuple(tps)))
    if choice.region:
        query = query.where(UploadRow.tps.startswith(choice.region, autoescape=True))
    if choice.form is not None:
        query = query.where(ReadingRow.form == choice.form)
    for bound in _times(choice.uploaded_since, choice.uploaded_until):
        query = query.where(bound)
    if choice.read_before is not None:
        query = query.where(or_(ReadingRow.id.is_(None), ReadingRow.read_at < choice.read_before))
    if choice.statuses:
        query = query.where(or_(*(_has(status) for status in choice.statuses)))
    return query


def _times(since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    bounds: list[ColumnElement[bool]] = []
    if since is not None:
        bounds.append(PhotoRow.first_seen_at >= since)
    if until is not None:
        bounds.append(PhotoRow.first_seen_at < until)
    return bounds


def _has(status: str) -> ColumnElement[bool]:
    if status == FAILED:
        failed = exists().where(FailureRow.sha256 == UploadRow.sha256).correlate(UploadRow)
        return and_(ReadingRow.id.is_(None), failed)
    if status in set(PageStatus):
        return ReadingRow.status == status
    return _COUNT_OF[FieldStatus(status)] > 0
