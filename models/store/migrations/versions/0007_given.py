"""Lists that operators gave to runs: which TPS must have photos, and tables of regions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, append-only like all that came in."""
    op.create_table(
        "given_texts",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_given_texts"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER given_texts_no_{action.lower()} BEFORE {action} ON given_texts "
                "BEGIN SELECT RAISE(ABORT, 'given_texts is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER given_texts_append_only BEFORE UPDATE OR DELETE "
            "ON given_texts FOR EACH ROW EXECUTE FUNCTION chasil_append_only()"
        )
        op.execute(
            "CREATE TRIGGER given_texts_no_truncate BEFORE TRUNCATE ON given_texts "
            "FOR EACH STATEMENT EXECUTE FUNCTION chasil_append_only()"
        )
