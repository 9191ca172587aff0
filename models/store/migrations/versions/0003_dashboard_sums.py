"""Sums that a dashboard needs at hand: conflicts by kind and cause, differences TPS by TPS."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables anew: all they hold is worked out from cells and items."""
    op.drop_table("totals")
    op.create_table(
        "totals",
        sa.Column("desa", sa.String(10), nullable=False),
        sa.Column("form", sa.String(64), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("entry_known", sa.Integer(), nullable=False),
        sa.Column("reading", sa.BigInteger(), nullable=False),
        sa.Column("reading_known", sa.Integer(), nullable=False),
        sa.Column("audited", sa.BigInteger(), nullable=False),
        sa.Column("audited_known", sa.Integer(), nullable=False),
        sa.Column("decided_known", sa.Integer(), nullable=False),
        sa.Column("reading_compared", sa.Integer(), nullable=False),
        sa.Column("reading_minus_entry", sa.BigInteger(), nullable=False),
        sa.Column("reading_differs", sa.Integer(), nullable=False),
        sa.Column("decided_compared", sa.Integer(), nullable=False),
        sa.Column("decided_minus_entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("desa", "form", "field", name="pk_totals"),
    )
    op.create_table(
        "item_sums",
        sa.Column("desa", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("votes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("desa", "kind", "cause", "status", name="pk_item_sums"),
    )
    op.execute(_TOTALS)
    op.execute(_ITEM_SUMS)


_TOTALS = """
INSERT INTO totals (desa, form, field, entry, entry_known, reading, reading_known, audited,
audited_known, decided_known, reading_compared, reading_minus_entry, reading_differs,
decided_compared, decided_minus_entry)
SELECT substr(tps, 1, 10), form, field, coalesce(sum(entry), 0), count(entry),
coalesce(sum(reading), 0), count(reading),
coalesce(sum(CASE WHEN is_decided THEN decided ELSE entry END), 0),
count(CASE WHEN is_decided THEN decided ELSE entry END),
sum(CASE WHEN is_decided THEN 1 ELSE 0 END),
count(reading - entry), coalesce(sum(reading - entry), 0),
sum(CASE WHEN reading <> entry THEN 1 ELSE 0 END),
count(CASE WHEN is_decided THEN decided - entry END),
coalesce(sum(CASE WHEN is_decided THEN decided - entry END), 0)
FROM cells GROUP BY substr(tps, 1, 10), form, field
"""

_ITEM_SUMS = """
INSERT INTO item_sums (desa, kind, cause, status, items, votes)
SELECT coalesce(desa, ''), kind, coalesce(cause, ''), status, count(*), coalesce(sum(votes), 0)
FROM queue_items GROUP BY coalesce(desa, ''), kind, coalesce(cause, ''), status
"""
