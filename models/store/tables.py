"""The tables of the store, as SQLAlchemy sees them; ``migrations/`` makes and upgrades them.

Only types that SQLite and PostgreSQL both have. Payloads are the records of ``models.records``
as JSON; the columns beside them repeat what queries filter and sort by.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NO_PDF_PAGE = 0
"""Stands for "a picture, not a page of a PDF" where a key may not be null."""

APPEND_ONLY = (
    *("photos", "uploads", "readings", "failures", "entries", "conflicts"),
    *("trail", "queue_refreshes"),
    *("recipes", "field_history", "compared_tps", "candidate_names", "given_texts"),
)
"""Tables in which a trigger forbids UPDATE and DELETE."""

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""64-bit key; SQLite numbers rows by itself only in a column of type INTEGER."""

Payload = dict[str, Any]


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware datetimes in, aware datetimes in UTC out, in every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To UTC; ``ValueError`` for a datetime without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """SQLite gives back what was stored, without its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables; names every constraint, so that migrations can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        Payload: JSON(none_as_null=True),
    }


class PhotoRow(Base):
    """The bytes of one photo; the file itself is on the shelf under its hash."""

    __tablename__ = "photos"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    first_seen_at: Mapped[datetime]


class BatchRow(Base):
    """One run of ``chasil process``. Its end is written once."""

    __tablename__ = "batches"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    recipe: Mapped[str] = mapped_column(String(64))
    summary: Mapped[Payload | None]


class UploadRow(Base):
    """One file that came in with a run: the same bytes may come many times."""

    __tablename__ = "uploads"
    __table_args__ = (
        Index(None, "folder", "name", "sha256"),
        Index(None, "batch_id", "folder", "name", "sha256"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    sha256: Mapped[str | None] = mapped_column(ForeignKey("photos.sha256"))
    """``None`` where the bytes could not be had; then ``error`` says why."""
    folder: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    tps: Mapped[str | None] = mapped_column(String(13))
    uploaded_at: Mapped[datetime]
    error: Mapped[Payload | None]


class ReadingRow(Base):
    """What one recipe read in one photo (for a PDF: in one of its pages)."""

    __tablename__ = "readings"
    __table_args__ = (UniqueConstraint("sha256", "pdf_page", "recipe"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("photos.sha256"))
    pdf_page: Mapped[int] = mapped_column(Integer)
    recipe: Mapped[str] = mapped_column(String(64))
    read_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(16))
    error_code: Mapped[str | None] = mapped_column(String(32))
    form: Mapped[str | None] = mapped_column(String(64))
    page: Mapped[int | None] = mapped_column(Integer)
    fields_clear: Mapped[int] = mapped_column(Integer)
    fields_review: Mapped[int] = mapped_column(Integer)
    fields_blank: Mapped[int] = mapped_column(Integer)
    fields_not_in_view: Mapped[int] = mapped_column(Integer)
    payload: Mapped[Payload]
    """A ``PageReading``; its ``photo`` and ``tps`` are of the upload it was first read for."""


class FailureRow(Base):
    """An attempt to read a photo that broke off. It is no reading: the next run tries again."""

    __tablename__ = "failures"
    __table_args__ = (Index(None, "sha256"), Index(None, "batch_id"))

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    sha256: Mapped[str] = mapped_column(ForeignKey("photos.sha256"))
    failed_at: Mapped[datetime]
    error: Mapped[Payload]


class EntryRow(Base):
    """One revision of the reported numbers of one form of one TPS."""

    __tablename__ = "entries"
    __table_args__ = (UniqueConstraint("tps", "form", "revision"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    tps: Mapped[str] = mapped_column(String(13))
    form: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(Integer)
    """From 1, in the order of import."""
    source: Mapped[str] = mapped_column(Text)
    reported_at: Mapped[datetime | None]
    imported_at: Mapped[datetime]
    content: Mapped[str] = mapped_column(String(64))
    """Digest of what was reported, without source and time: equal content is no new revision."""
    payload: Mapped[Payload]


class CandidateNameRow(Base):
    """A candidate's name, for the field of his or her votes; a second name is a second row."""

    __tablename__ = "candidate_names"

    form: Mapped[str] = mapped_column(String(64), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    seen_at: Mapped[datetime]


class ConflictRow(Base):
    """One item of one run's list of conflicts."""

    __tablename__ = "conflicts"
    __table_args__ = (
        Index(None, "batch_id", "priority"),
        Index(None, "batch_id", "tps"),
        Index(None, "batch_id", "kind"),
        Index(None, "batch_id", "field"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    tps: Mapped[str | None] = mapped_column(String(13))
    form: Mapped[str | None] = mapped_column(String(64))
    field: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    cause: Mapped[str | None] = mapped_column(String(32))
    votes: Mapped[int | None] = mapped_column(BigInteger)
    priority: Mapped[float] = mapped_column(Double)
    payload: Mapped[Payload]
