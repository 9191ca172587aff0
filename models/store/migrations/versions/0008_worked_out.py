"""Keeps what was worked out from readings, and which fields are reported; readings compressed.

In SQLite a reading's JSON may be compressed from this step on: rows that are there stay as they
are, and both are read. The column has no type of its own there, so nothing changes but its values;
an older chasil could not read them. PostgreSQL compresses by itself.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. Nothing in it is of the ledger, so nothing forbids to replace a row."""
    op.create_table(
        "worked_out",
        sa.Column("tps", sa.String(13), nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tps", "part", name="pk_worked_out"),
    )
    op.create_table(
        "reported_fields",
        sa.Column("form", sa.String(64), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("form", "field", name="pk_reported_fields"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "INSERT INTO reported_fields (form, field) SELECT DISTINCT entries.form, said.key "
            "FROM entries, json_each(entries.payload, '$.fields') AS said"
        )
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER reported_fields_no_{action.lower()} BEFORE {action} "
                "ON reported_fields "
                "BEGIN SELECT RAISE(ABORT, 'reported_fields is append-only'); END"
            )
    else:
        op.execute(
            "INSERT INTO reported_fields (form, field) SELECT DISTINCT entries.form, said.key "
            "FROM entries, json_each(entries.payload -> 'fields') AS said"
        )
        op.execute(
            "CREATE TRIGGER reported_fields_append_only BEFORE UPDATE OR DELETE "
            "ON reported_fields FOR EACH ROW EXECUTE FUNCTION chasil_append_only()"
        )
        op.execute(
            "CREATE TRIGGER reported_fields_no_truncate BEFORE TRUNCATE ON reported_fields "
            "FOR EACH STATEMENT EXECUTE FUNCTION chasil_append_only()"
        )
