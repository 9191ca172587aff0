"""Names of candidates, as reported numbers bring them along; sums are asked for form by form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, append-only like all that came in, and the index."""
    op.create_index("ix_totals_form_desa", "totals", ["form", "desa"])
    op.create_table(
        "candidate_names",
        sa.Column("form", sa.String(64), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("form", "field", "name", name="pk_candidate_names"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER candidate_names_no_{action.lower()} BEFORE {action} "
                "ON candidate_names "
                "BEGIN SELECT RAISE(ABORT, 'candidate_names is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER candidate_names_append_only BEFORE UPDATE OR DELETE "
            "ON candidate_names FOR EACH ROW EXECUTE FUNCTION chasil_append_only()"
        )
        op.execute(
            "CREATE TRIGGER candidate_names_no_truncate BEFORE TRUNCATE ON candidate_names "
            "FOR EACH STATEMENT EXECUTE FUNCTION chasil_append_only()"
        )
