"""The tables of the auditors' room: the trail, and what is worked out from it and kept at hand.

Only ``trail`` is a source. ``queue_items``, ``cells``, ``totals`` and ``tps_progress`` hold the
newest word on each thing, so that a page is quick; they change in the same transaction as the
trail, and ``chasil audit verify`` compares them with it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.store.tables import Base, BigKey

WALKED = ("status", "sort", "kind", "cause", "field", "form", "kabupaten", "votes")
"""Walking down the queue and counting it read this index alone, whatever the filters are: rows
themselves are wide, and 60,000 of them take 0.3 s to read."""

THE_ONE = 1
"""Key of the only row of ``trail_head``."""


class TrailRow(Base):
    """One act; see ``models.trail.TrailRecord``. ``before`` and ``after`` are canonical JSON."""

    __tablename__ = "trail"
    __table_args__ = (Index(None, "subject", "sequence"), Index(None, "who", "sequence"))

    sequence: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(32))
    """As it goes into the hash: UTC with microseconds, so that texts sort as moments do."""
    who: Mapped[str] = mapped_column(String(64))
    act: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(96))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    why: Mapped[str | None] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    """Unique: two records can't follow the same one, so the chain can't fork."""
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class TrailHeadRow(Base):
    """Number and hash of the newest record; it only moves forward."""

    __tablename__ = "trail_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


class QueueRefreshRow(Base):
    """When the queue was brought up to a run's conflicts."""

    __tablename__ = "queue_refreshes"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    at: Mapped[datetime]
    items: Mapped[int] = mapped_column(Integer)


class ItemRow(Base):
    """One item of the queue; see ``models.queue.QueueItem``."""

    __tablename__ = "queue_items"
    __table_args__ = (
        Index("ix_queue_items_walk", *WALKED),
        Index(None, "kabupaten", "status", "sort"),
        Index(None, "kecamatan", "status", "sort"),
        Index(None, "desa", "status", "sort"),
        Index(None, "tps", "status"),
        Index(None, "kind", "status"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16))
    sort: Mapped[float] = mapped_column(Double)
    """Priority with its sign turned: an index in rising order gives the most urgent first."""
    tps: Mapped[str | None] = mapped_column(String(13))
    kabupaten: Mapped[str | None] = mapped_column(String(4))
    kecamatan: Mapped[str | None] = mapped_column(String(6))
    desa: Mapped[str | None] = mapped_column(String(10))
    form: Mapped[str | None] = mapped_column(String(64))
    field: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    rule: Mapped[str | None] = mapped_column(String(64))
    cause: Mapped[str | None] = mapped_column(String(32))
    entry: Mapped[int | None] = mapped_column(BigInteger)
    reading: Mapped[int | None] = mapped_column(BigInteger)
    confidence: Mapped[float | None] = mapped_column(Double)
    field_status: Mapped[str | None] = mapped_column(String(16))
    votes: Mapped[int | None] = mapped_column(BigInteger)
    photo: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64))
    pdf_page: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text)
    changed: Mapped[bool]
    has_acts: Mapped[bool]
    """Somebody answered or decided: a change of facts must be written into the trail."""
    first_by: Mapped[str | None] = mapped_column(String(64))
    second_by: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[str | None] = mapped_column(String(32))
    number: Mapped[int | None] = mapped_column(BigInteger)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_until: Mapped[datetime | None]
    refresh_id: Mapped[int] = mapped_column(BigKey)
    """The last refresh that knew of it."""


class ItemCountRow(Base):
    """How many items of one desa are in one status: "N of M" without counting them every time."""

    __tablename__ = "item_counts"

    desa: Mapped[str] = mapped_column(String(10), primary_key=True)
    """Empty for items without a TPS."""
    status: Mapped[str] = mapped_column(String(16), primary_key=True)
    items: Mapped[int] = mapped_column(Integer)


class ItemSumRow(Base):
    """Items of one desa by kind, cause and status, with the votes they affect."""

    __tablename__ = "item_sums"

    desa: Mapped[str] = mapped_column(String(10), primary_key=True)
    """Empty for items without a TPS."""
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    cause: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Empty where none is known."""
    status: Mapped[str] = mapped_column(String(16), primary_key=True)
    items: Mapped[int] = mapped_column(Integer)
    votes: Mapped[int] = mapped_column(BigInteger)
    """Unknown votes add nothing."""


class SkipRow(Base):
    """A user put an item aside; it comes back to that user when nothing else is left."""

    __tablename__ = "skips"

    who: Mapped[str] = mapped_column(String(64), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("queue_items.id"), primary_key=True)
    at: Mapped[datetime]


class CellRow(Base):
    """One field of one TPS; see ``models.queue.DecidedCell``."""

    __tablename__ = "cells"

    tps: Mapped[str] = mapped_column(String(13), primary_key=True)
    form: Mapped[str] = mapped_column(String(64), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    entry: Mapped[int | None] = mapped_column(BigInteger)
    reading: Mapped[int | None] = mapped_column(BigInteger)
    confidence: Mapped[float | None] = mapped_column(Double)
    status: Mapped[str | None] = mapped_column(String(16))
    sha256: Mapped[str | None] = mapped_column(String(64))
    pdf_page: Mapped[int | None] = mapped_column(Integer)
    is_decided: Mapped[bool]
    decided: Mapped[int | None] = mapped_column(BigInteger)


class TotalRow(Base):
    """Sums of one field over the TPS of one desa; see ``models.queue.Total``."""

    __tablename__ = "totals"
    __table_args__ = (Index(None, "form", "desa"),)  # pages are of one form

    desa: Mapped[str] = mapped_column(String(10), primary_key=True)
    form: Mapped[str] = mapped_column(String(64), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    entry: Mapped[int] = mapped_column(BigInteger)
    entry_known: Mapped[int] = mapped_column(Integer)
    reading: Mapped[int] = mapped_column(BigInteger)
    reading_known: Mapped[int] = mapped_column(Integer)
    audited: Mapped[int] = mapped_column(BigInteger)
    audited_known: Mapped[int] = mapped_column(Integer)
    decided_known: Mapped[int] = mapped_column(Integer)
    reading_compared: Mapped[int] = mapped_column(Integer)
    reading_minus_entry: Mapped[int] = mapped_column(BigInteger)
    reading_differs: Mapped[int] = mapped_column(Integer)
    decided_compared: Mapped[int] = mapped_column(Integer)
    decided_minus_entry: Mapped[int] = mapped_column(BigInteger)


class TpsProgressRow(Base):
    """How far one form of one TPS has come; see ``models.queue.TpsProgress``."""

    __tablename__ = "tps_progress"

    tps: Mapped[str] = mapped_column(String(13), primary_key=True)
    form: Mapped[str] = mapped_column(String(64), primary_key=True)
    pages_read: Mapped[int] = mapped_column(Integer)
    fields_clear: Mapped[int] = mapped_column(Integer)
    fields_review: Mapped[int] = mapped_column(Integer)
    fields_blank: Mapped[int] = mapped_column(Integer)
    fields_not_in_view: Mapped[int] = mapped_column(Integer)
    has_entry: Mapped[bool]
    items_waiting: Mapped[int] = mapped_column(Integer)
    items_done: Mapped[int] = mapped_column(Integer)


class UserRow(Base):
    """One account. Names are never given again."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    regions: Mapped[str] = mapped_column(Text)
    """Codes with a space between them; empty: no limit."""
    password_hash: Mapped[str | None] = mapped_column(Text)
    """``None``: signs in by a one-time link only."""
    disabled: Mapped[bool]
    created_at: Mapped[datetime]


class SessionRow(Base):
    """One signed-in browser. The token itself is only in the browser; here is its hash."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "name"),)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("users.name"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class LinkRow(Base):
    """A link that signs a user in once."""

    __tablename__ = "sign_in_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("users.name"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AttemptRow(Base):
    """A sign-in that failed; for the limit on guesses."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index(None, "name", "at"), Index(None, "address", "at"))

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class SettingRow(Base):
    """How the room works, where it was changed. ``value`` is JSON."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
