"""The longer queries of the store, built once here and run in ``store.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, func, or_, select
from sqlalchemy.orm import aliased

from models.errors import EmptyPhoto, NotAnImage, TruncatedPhoto
from models.records import ConflictKind
from models.store.tables import ConflictRow, EntryRow, FailureRow, ReadingRow, UploadRow

BROKEN_BYTES = (EmptyPhoto.code, TruncatedPhoto.code, NotAnImage.code)
"""Why a file is no whole picture; the same name may bring the whole one later."""


def is_current_upload(batch: int | None = None) -> ColumnElement[bool]:
    """Whether an upload counts now, or counted in one run.

    A photo that comes in again under the same folder and name is the same upload, and the last
    time counts (its TPS may have been put right). A file whose bytes could not be had, or were no
    whole picture (a copy that was still being written), counts only while nothing came in under
    its name later. Whatever could be read keeps counting beside other bytes of the same name.
    """
    later = aliased(UploadRow)
    broken = (
        select(ReadingRow.id)
        .where(ReadingRow.sha256 == UploadRow.sha256, ReadingRow.error_code.in_(BROKEN_BYTES))
        .correlate(UploadRow)
    )
    again = (
        select(later.id)
        .where(
            later.folder == UploadRow.folder,
            later.name == UploadRow.name,
            # Two of one name in one run are two folders' photos, not one put right.
            later.batch_id > UploadRow.batch_id,
            or_(UploadRow.sha256.is_(None), later.sha256 == UploadRow.sha256, broken.exists()),
        )
        .correlate(UploadRow)
    )
    return ~again.exists() if batch is None else UploadRow.batch_id == batch


def is_current_reading(recipe: str) -> ColumnElement[bool]:
    """Whether a reading counts: it is the recipe's own, or where there is none, the last one."""
    other = aliased(ReadingRow)
    better = (
        select(other.id)
        .where(
            other.sha256 == ReadingRow.sha256,
            # All pages of one file go together: another recipe may find other pages in it.
            other.recipe != ReadingRow.recipe,
            or_(other.recipe == recipe, other.id > ReadingRow.id),
        )
        .correlate(ReadingRow)
    )
    return or_(ReadingRow.recipe == recipe, ~better.exists())


def current_pages(recipe: str, batch: int | None = None) -> Select[Any]:
    """Triples of upload id, reading id and failure id, each upload's pages together.

    Ordered by TPS (uploads without one first), photo, name and page of a PDF. Where an upload has
    no reading, there is its last failure, or the upload itself has an error; uploads that are not
    read yet are absent.
    """
    last_failure: Any = (
        select(func.max(FailureRow.id))
        .where(FailureRow.sha256 == UploadRow.sha256)
        .correlate(UploadRow)
        .scalar_subquery()
    )
    return (
        select(UploadRow.id, ReadingRow.id, last_failure)
        .select_from(UploadRow)
        .outerjoin(
            ReadingRow,
            and_(ReadingRow.sha256 == UploadRow.sha256, is_current_reading(recipe)),
        )
        .where(
            is_current_upload(batch),
            or_(
                ReadingRow.id.is_not(None),
                UploadRow.sha256.is_(None),
                last_failure.is_not(None),
            ),
        )
        .order_by(
            case((UploadRow.tps.is_(None), 0), else_=1),
            UploadRow.tps,
            case((UploadRow.sha256.is_(None), 0), else_=1),  # databases differ on where null sorts
            UploadRow.sha256,
            UploadRow.name,
            UploadRow.id,
            ReadingRow.pdf_page,
        )
    )


def current_page_keys(recipe: str) -> Select[Any]:
    """The rows of ``current_pages``, each with its upload's TPS, name and SHA-256."""
    return current_pages(recipe).add_columns(UploadRow.tps, UploadRow.name, UploadRow.sha256)


def counted_readings(recipe: str, batch: int) -> Select[Any]:
    """A run's readings, counted: error code (none: read), pages, fields by status.

    A photo that came in under two names counts twice.
    """
    counted: list[Any] = [
        ReadingRow.error_code,
        func.count(),
        func.sum(ReadingRow.fields_clear),
        func.sum(ReadingRow.fields_review),
        func.sum(ReadingRow.fields_blank),
        func.sum(ReadingRow.fields_not_in_view),
    ]
    return (
        select(*counted)
        .select_from(UploadRow)
        .join(ReadingRow, ReadingRow.sha256 == UploadRow.sha256)
        .where(is_current_upload(batch), is_current_reading(recipe))
        .group_by(ReadingRow.error_code)
        .order_by(ReadingRow.error_code)
    )


def revisions_in_time(tps: Sequence[str]) -> Select[Any]:
    """TPS, form and payload (as text) of all revisions of some TPS, in the order of their time."""
    speaks_of = func.coalesce(EntryRow.reported_at, EntryRow.imported_at)
    columns: list[Any] = [
        EntryRow.tps,
        EntryRow.form,
        cast(EntryRow.payload, Text).label("payload"),
    ]
    return (
        select(*columns)
        .where(EntryRow.tps.in_(tps))
        .order_by(EntryRow.tps, EntryRow.form, speaks_of, EntryRow.revision)
    )


def conflicts_of(
    batch: int,
    kinds: Sequence[ConflictKind],
    region: str,
    field: str | None,
    form: str | None = None,
) -> Select[Any]:
    """Ids of a run's conflicts that pass the filters, the most urgent first."""
    query = select(ConflictRow.id).where(ConflictRow.batch_id == batch)
    if kinds:
        query = query.where(ConflictRow.kind.in_([kind.value for kind in kinds]))
    if region:
        query = query.where(ConflictRow.tps.startswith(region, autoescape=True))
    if field is not None:
        query = query.where(ConflictRow.field == field)
    if form is not None:
        query = query.where(ConflictRow.form == form)
    return query.order_by(ConflictRow.priority.desc(), ConflictRow.id)
