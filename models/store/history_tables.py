"""The tables of what was: recipes, what each run saw of each field, which TPS it compared."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from models.store.tables import Base, BigKey, Payload


class RecipeRow(Base):
    """What a recipe's digest stands for, part by part."""

    __tablename__ = "recipes"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    parts: Mapped[Payload]
    """Name to version or digest: ``code``, ``recogniser/digits``, ``form/ID``, ``decision``."""
    first_used_at: Mapped[datetime]


class FieldHistoryRow(Base):
    """A field as a run saw it, where it differs from how the run before saw it.

    How a run saw a field is told by its newest row (by ``id``) among the runs that ended with that
    one or before. A row without status and entry says that nothing shows or reports the field any
    more.
    """

    __tablename__ = "field_history"
    __table_args__ = (Index(None, "tps", "batch_id"), Index(None, "batch_id"))

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    tps: Mapped[str] = mapped_column(String(13))
    form: Mapped[str] = mapped_column(String(64))
    field: Mapped[str] = mapped_column(String(64))
    entry: Mapped[int | None] = mapped_column(BigInteger)
    reading: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str | None] = mapped_column(String(16))
    confidence: Mapped[float | None] = mapped_column(Double)
    sha256: Mapped[str | None] = mapped_column(String(64))
    pdf_page: Mapped[int | None] = mapped_column(Integer)
    recipe: Mapped[str | None] = mapped_column(String(64))


class ComparedTpsRow(Base):
    """A TPS that a run compared, with a digest of all that went into its comparison.

    ``tps`` is empty for all photos that claim none. See ``flows.changes``.
    """

    __tablename__ = "compared_tps"
    __table_args__ = (Index(None, "tps", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    tps: Mapped[str] = mapped_column(String(13))
    signature: Mapped[str] = mapped_column(String(64))
