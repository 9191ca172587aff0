"""The longer queries of the store, built once here and run in ``store.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from models.records import ConflictKind
from models.store.tables import ConflictRow, EntryRow, FailureRow, ReadingRow, UploadRow


def current_uploads(batch: int | None = None) -> Select[Any]:
    """Ids and photos of the uploads that count now, or that counted in one run.

    A photo that comes in again under the same folder and name is the same upload, and the last
    time counts (its TPS may have been put right). A file whose bytes could not be had counts only
    while nothing came in under its name later.
    """
    newest_first = UploadRow.id.desc()
    same_name = (UploadRow.folder, UploadRow.name)
    query = select(
        UploadRow.id,
        UploadRow.sha256,
        func.row_number()
        .over(
            partition_by=(UploadRow.sha256, *same_name), order_by=newest_first
        )
        .label("place_among_same_photo"),
        func.row_number()
        .over(partition_by=same_name, order_by=newest_first)
        .label("place_among_same_name"),
    )
    if batch is not None:
        query = query.where(UploadRow.batch_id == batch)
    ranked = query.subquery()
    return select(ranked.c.id, ranked.c.sha256).where(
        or_(
            and_(ranked.c.sha256.is_not(None), ranked.c.place_among_same_photo == 1),
            and_(ranked.c.sha256.is_(None), ranked.c.place_among_same_name == 1),
        )
    )


def current_pages(recipe: str, batch: int | None = None) -> Select[Any]:
    """Triples of upload id, reading id and failure id, each upload's pages together.

    Ordered by TPS (uploads without one first), photo, name and page of a PDF. Each photo's reading
    is the recipe's own, or where it has none the one that came last. Where there is no reading,
    there is a failure, or the upload itself has an error; uploads not read yet are absent.
    """
    readings = _current_readings(recipe).subquery()
    failures = _last_failures().subquery()
    uploads = current_uploads(batch).subquery()
    return (
        select(UploadRow.id, readings.c.id, failures.c.id)
        .join(uploads, uploads.c.id == UploadRow.id)
        .outerjoin(readings, readings.c.sha256 == UploadRow.sha256)
        .outerjoin(failures, failures.c.sha256 == UploadRow.sha256)
        .where(
            or_(
                readings.c.id.is_not(None),
                failures.c.id.is_not(None),
                UploadRow.sha256.is_(None),
            )
        )
        .order_by(
            case((UploadRow.tps.is_(None), 0), else_=1),
            UploadRow.tps,
            UploadRow.sha256,
            UploadRow.name,
            UploadRow.id,
            readings.c.pdf_page,
        )
    )


def counted_readings(recipe: str, batch: int) -> Select[Any]:
    """A run's readings, counted: error code (none: read), pages, fields by status.

    A photo that came in under two names counts twice.
    """
    readings = _current_readings(recipe).subquery()
    uploads = current_uploads(batch).subquery()
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
        .select_from(uploads)
        .join(readings, readings.c.sha256 == uploads.c.sha256)
        .join(ReadingRow, ReadingRow.id == readings.c.id)
        .group_by(ReadingRow.error_code)
        .order_by(ReadingRow.error_code)
    )


def _current_readings(recipe: str) -> Select[Any]:
    """Id, photo and PDF page of the reading that counts for each photo."""
    ranked = select(
        ReadingRow.id,
        ReadingRow.sha256,
        ReadingRow.pdf_page,
        func.row_number()
        .over(
            partition_by=(ReadingRow.sha256, ReadingRow.pdf_page),
            order_by=(case((ReadingRow.recipe == recipe, 0), else_=1), ReadingRow.id.desc()),
        )
        .label("place"),
    ).subquery()
    return select(ranked).where(ranked.c.place == 1)


def _last_failures() -> Select[Any]:
    """Id and photo of the last attempt that broke off, for each photo that has one."""
    last: list[Any] = [func.max(FailureRow.id).label("id"), FailureRow.sha256]
    return select(*last).group_by(FailureRow.sha256)


def newest_entries(tps: Sequence[str] | None = None) -> Select[Any]:
    """Ids of the newest revision of every TPS and form (or of the TPS given), in their order."""
    query = select(
        EntryRow.id,
        EntryRow.tps,
        EntryRow.form,
        func.row_number()
        .over(
            partition_by=(EntryRow.tps, EntryRow.form),
            order_by=(
                func.coalesce(EntryRow.reported_at, EntryRow.imported_at).desc(),
                EntryRow.revision.desc(),
            ),
        )
        .label("place"),
    )
    if tps is not None:
        query = query.where(EntryRow.tps.in_(tps))
    ranked = query.subquery()
    return select(ranked.c.id).where(ranked.c.place == 1).order_by(ranked.c.tps, ranked.c.form)


def conflicts_of(
    batch: int, kinds: Sequence[ConflictKind], region: str, field: str | None
) -> Select[Any]:
    """Ids of a run's conflicts that pass the filters, the most urgent first."""
    query = select(ConflictRow.id).where(ConflictRow.batch_id == batch)
    if kinds:
        query = query.where(ConflictRow.kind.in_([kind.value for kind in kinds]))
    if region:
        query = query.where(ConflictRow.tps.startswith(region, autoescape=True))
    if field is not None:
        query = query.where(ConflictRow.field == field)
    return query.order_by(ConflictRow.priority.desc(), ConflictRow.id)
