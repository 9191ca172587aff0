"""What a reading was made with, what each run saw, and which TPS it compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_APPEND_ONLY = ("recipes", "field_history", "compared_tps")


def upgrade() -> None:
    """Make the tables and their locks; the cells of today are the last run's fields."""
    op.create_table(
        "recipes",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("first_used_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_recipes"),
    )
    op.create_table(
        "field_history",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("batch_id", _KEY, nullable=False),
        sa.Column("tps", sa.String(13), nullable=False),
        sa.Column("form", sa.String(64), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("reading", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(16), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("pdf_page", sa.Integer(), nullable=True),
        sa.Column("recipe", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_field_history"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_field_history_batch_id"),
    )
    op.create_index("ix_field_history_tps_batch_id", "field_history", ["tps", "batch_id"])
    op.create_index("ix_field_history_batch_id", "field_history", ["batch_id"])
    op.create_table(
        "compared_tps",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("batch_id", _KEY, nullable=False),
        sa.Column("tps", sa.String(13), nullable=False),
        sa.Column("signature", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_compared_tps"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_compared_tps_batch_id"),
    )
    op.create_index("ix_compared_tps_tps_id", "compared_tps", ["tps", "id"])
    op.execute(_CELLS_OF_TODAY)
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":
        _lock_postgresql()
    elif dialect == "sqlite":
        _lock_sqlite()
    else:
        raise NotImplementedError(f"the store's locks are not written for {dialect}")


_CELLS_OF_TODAY = """
INSERT INTO field_history (batch_id, tps, form, field, entry, reading, status, confidence, sha256,
pdf_page, recipe)
SELECT last.batch_id, tps, form, field, entry, reading, status, confidence, sha256, pdf_page, NULL
FROM cells JOIN (SELECT max(batch_id) AS batch_id FROM queue_refreshes) AS last
ON last.batch_id IS NOT NULL
"""


def _lock_sqlite() -> None:
    for table in _APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _lock_postgresql() -> None:
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION chasil_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION chasil_append_only()"
        )
