"""The auditors' room: trail, queue, cells and their sums, accounts, settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_APPEND_ONLY = ("trail", "queue_refreshes")
_KEPT = ("queue_items", "users", "trail_head")
"""Rows of these change, but none is ever deleted."""


def upgrade() -> None:
    """Make the tables and their locks."""
    _make_trail()
    _make_queue()
    _make_sums()
    _make_accounts()
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":
        _lock_postgresql()
    elif dialect == "sqlite":
        _lock_sqlite()
    else:
        raise NotImplementedError(f"the store's locks are not written for {dialect}")


def _make_trail() -> None:
    op.create_table(
        "trail",
        sa.Column("sequence", _KEY, nullable=False, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(96), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_trail"),
        sa.UniqueConstraint("previous", name="uq_trail_previous"),
        sa.UniqueConstraint("hash", name="uq_trail_hash"),
    )
    op.create_index("ix_trail_subject_sequence", "trail", ["subject", "sequence"])
    op.create_index("ix_trail_who_sequence", "trail", ["who", "sequence"])
    op.create_table(
        "trail_head",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trail_head"),
    )


def _make_queue() -> None:
    op.create_table(
        "queue_refreshes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("batch_id", _KEY, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queue_refreshes"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_queue_refreshes_batch_id"),
    )
    op.create_table(
        "queue_items",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("sort", sa.Double(), nullable=False),
        sa.Column("tps", sa.String(13), nullable=True),
        sa.Column("kabupaten", sa.String(4), nullable=True),
        sa.Column("kecamatan", sa.String(6), nullable=True),
        sa.Column("desa", sa.String(10), nullable=True),
        sa.Column("form", sa.String(64), nullable=True),
        sa.Column("field", sa.String(64), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("rule", sa.String(64), nullable=True),
        sa.Column("cause", sa.String(32), nullable=True),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("reading", sa.BigInteger(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("field_status", sa.String(16), nullable=True),
        sa.Column("votes", sa.BigInteger(), nullable=True),
        sa.Column("photo", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("pdf_page", sa.Integer(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("has_acts", sa.Boolean(), nullable=False),
        sa.Column("first_by", sa.String(64), nullable=True),
        sa.Column("second_by", sa.String(64), nullable=True),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(64), nullable=True),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("claimed_by", sa.String(64), nullable=True),
        sa.Column("claimed_until", _MOMENT, nullable=True),
        sa.Column("refresh_id", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queue_items"),
        sa.UniqueConstraint("key", name="uq_queue_items_key"),
    )
    for columns in (
        ["kabupaten", "status", "sort"],
        ["kecamatan", "status", "sort"],
        ["desa", "status", "sort"],
        ["tps", "status"],
        ["kind", "status"],
    ):
        op.create_index(f"ix_queue_items_{'_'.join(columns)}", "queue_items", columns)
    op.create_index(
        "ix_queue_items_walk",
        "queue_items",
        ["status", "sort", "kind", "cause", "field", "form", "kabupaten", "votes"],
    )
    op.create_table(
        "item_counts",
        sa.Column("desa", sa.String(10), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("desa", "status", name="pk_item_counts"),
    )
    op.create_table(
        "skips",
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("item_id", _KEY, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("who", "item_id", name="pk_skips"),
        sa.ForeignKeyConstraint(["item_id"], ["queue_items.id"], name="fk_skips_item_id"),
    )


def _make_sums() -> None:
    op.create_table(
        "cells",
        sa.Column("tps", sa.String(13), nullable=False),
        sa.Column("form", sa.String(64), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("reading", sa.BigInteger(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("status", sa.String(16), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("pdf_page", sa.Integer(), nullable=True),
        sa.Column("is_decided", sa.Boolean(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tps", "form", "field", name="pk_cells"),
    )
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
        sa.PrimaryKeyConstraint("desa", "form", "field", name="pk_totals"),
    )
    op.create_table(
        "tps_progress",
        sa.Column("tps", sa.String(13), nullable=False),
        sa.Column("form", sa.String(64), nullable=False),
        sa.Column("pages_read", sa.Integer(), nullable=False),
        sa.Column("fields_clear", sa.Integer(), nullable=False),
        sa.Column("fields_review", sa.Integer(), nullable=False),
        sa.Column("fields_blank", sa.Integer(), nullable=False),
        sa.Column("fields_not_in_view", sa.Integer(), nullable=False),
        sa.Column("has_entry", sa.Boolean(), nullable=False),
        sa.Column("items_waiting", sa.Integer(), nullable=False),
        sa.Column("items_done", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tps", "form", name="pk_tps_progress"),
    )


def _make_accounts() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(["name"], ["users.name"], name="fk_sessions_name"),
    )
    op.create_index("ix_sessions_name", "sessions", ["name"])
    op.create_table(
        "sign_in_links",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sign_in_links"),
        sa.ForeignKeyConstraint(["name"], ["users.name"], name="fk_sign_in_links_name"),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_name_at", "sign_in_attempts", ["name", "at"])
    op.create_index("ix_sign_in_attempts_address_at", "sign_in_attempts", ["address", "at"])
    op.create_table(
        "settings",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def _lock_sqlite() -> None:
    for table in _APPEND_ONLY:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    for table in _KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are kept'); END"
        )
    op.execute(
        "CREATE TRIGGER trail_head_forward BEFORE UPDATE ON trail_head "
        "WHEN NEW.sequence <> OLD.sequence + 1 "
        "BEGIN SELECT RAISE(ABORT, 'the head moves one record forward'); END"
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
    for table in _KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION chasil_append_only()"
        )
    op.execute(
        "CREATE TRIGGER trail_head_forward BEFORE UPDATE ON trail_head FOR EACH ROW "
        "WHEN (NEW.sequence <> OLD.sequence + 1) EXECUTE FUNCTION chasil_append_only()"
    )
