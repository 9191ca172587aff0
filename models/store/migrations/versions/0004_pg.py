"""PostgreSQL says why it refuses, in the words that SQLite uses."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give the triggers' function its words; the triggers themselves stay."""
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION chasil_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION USING MESSAGE = CASE "
        "WHEN TG_NAME = 'batches_end_once' THEN 'a finished batch is not changed' "
        "WHEN TG_NAME = 'trail_head_forward' THEN 'the head moves one record forward' "
        "WHEN TG_NAME IN ('queue_items_no_delete', 'users_no_delete', 'trail_head_no_delete') "
        "THEN 'rows of ' || TG_TABLE_NAME || ' are kept' "
        "ELSE TG_TABLE_NAME || ' is append-only' END; END $$"
    )
