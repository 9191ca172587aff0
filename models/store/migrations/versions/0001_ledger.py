"""The ledger: photos, uploads, readings, failures, entries, batches, conflicts, and their locks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = ("photos", "uploads", "readings", "failures", "entries", "conflicts")
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables and the triggers that keep them append-only."""
    _make_tables()
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":
        _lock_postgresql()
    elif dialect == "sqlite":
        _lock_sqlite()
    else:
        raise NotImplementedError(f"the store's locks are not written for {dialect}")


def _make_tables() -> None:
    op.create_table(
        "photos",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_photos"),
    )
    op.create_table(
        "batches",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("recipe", sa.String(64), nullable=False),
        sa.Column("summary", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_table(
        "uploads",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("batch_id", _KEY, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tps", sa.String(13), nullable=True),
        sa.Column("uploaded_at", _MOMENT, nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_uploads_batch_id"),
        sa.ForeignKeyConstraint(["sha256"], ["photos.sha256"], name="fk_uploads_sha256"),
    )
    op.create_index("ix_uploads_folder_name_sha256", "uploads", ["folder", "name", "sha256"])
    op.create_index(
        "ix_uploads_batch_id_folder_name_sha256",
        "uploads",
        ["batch_id", "folder", "name", "sha256"],
    )
    op.create_table(
        "readings",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pdf_page", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.String(64), nullable=False),
        sa.Column("read_at", _MOMENT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("error_code", sa.String(32), nullable=True),
        sa.Column("form", sa.String(64), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("fields_clear", sa.Integer(), nullable=False),
        sa.Column("fields_review", sa.Integer(), nullable=False),
        sa.Column("fields_blank", sa.Integer(), nullable=False),
        sa.Column("fields_not_in_view", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_readings"),
        sa.ForeignKeyConstraint(["sha256"], ["photos.sha256"], name="fk_readings_sha256"),
        sa.UniqueConstraint(
            "sha256", "pdf_page", "recipe", name="uq_readings_sha256_pdf_page_recipe"
        ),
    )
    op.create_table(
        "failures",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("batch_id", _KEY, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("failed_at", _MOMENT, nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failures"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_failures_batch_id"),
        sa.ForeignKeyConstraint(["sha256"], ["photos.sha256"], name="fk_failures_sha256"),
    )
    op.create_index("ix_failures_sha256", "failures", ["sha256"])
    op.create_index("ix_failures_batch_id", "failures", ["batch_id"])
    op.create_table(
        "entries",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("tps", sa.String(13), nullable=False),
        sa.Column("form", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reported_at", _MOMENT, nullable=True),
        sa.Column("imported_at", _MOMENT, nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.UniqueConstraint("tps", "form", "revision", name="uq_entries_tps_form_revision"),
    )
    op.create_table(
        "conflicts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("batch_id", _KEY, nullable=False),
        sa.Column("tps", sa.String(13), nullable=True),
        sa.Column("form", sa.String(64), nullable=True),
        sa.Column("field", sa.String(64), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("cause", sa.String(32), nullable=True),
        sa.Column("votes", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conflicts"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_conflicts_batch_id"),
    )
    for column in ("priority", "tps", "kind", "field"):
        op.create_index(f"ix_conflicts_batch_id_{column}", "conflicts", ["batch_id", column])


def _lock_sqlite() -> None:
    for table in _APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute(
        "CREATE TRIGGER batches_no_delete BEFORE DELETE ON batches "
        "BEGIN SELECT RAISE(ABORT, 'batches is append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER batches_end_once BEFORE UPDATE ON batches "
        "WHEN OLD.finished_at IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'a finished batch is not changed'); END"
    )


def _lock_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION chasil_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END $$"
    )
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION chasil_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION chasil_append_only()"
        )
    op.execute(
        "CREATE TRIGGER batches_no_delete BEFORE DELETE ON batches "
        "FOR EACH ROW EXECUTE FUNCTION chasil_append_only()"
    )
    op.execute(
        "CREATE TRIGGER batches_end_once BEFORE UPDATE ON batches FOR EACH ROW "
        "WHEN (OLD.finished_at IS NOT NULL) EXECUTE FUNCTION chasil_append_only()"
    )
