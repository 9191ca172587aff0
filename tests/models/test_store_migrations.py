"""The migrations make exactly the tables the code speaks to, in both databases."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON

from fixtures.databases import Databases
from models.store.engine import NEWEST_STEP, open_engine
from models.store.errors import StoreTooNew
from models.store.store import Store
from models.store.tables import APPEND_ONLY, Base, CompressedJson
from models.store.upgrading import migration_config


def is_another_type(*told: object) -> bool | None:
    """``None`` leaves it to Alembic; SQLite keeps compressed bytes in a column called JSON."""
    *_, there, wanted = told
    return False if isinstance(wanted, CompressedJson) and isinstance(there, JSON) else None


def test_the_migrations_make_the_tables_of_the_code(databases: Databases, tmp_path: Path) -> None:
    engine = open_engine(databases.url(tmp_path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": is_another_type})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_newest_step_is_known_without_alembic() -> None:
    assert ScriptDirectory.from_config(migration_config()).get_heads() == [NEWEST_STEP]


def test_a_store_is_opened_while_another_writes(databases: Databases, tmp_path: Path) -> None:
    databases.open(tmp_path).close()
    with databases.connected(tmp_path) as writer:
        writer.exec_driver_sql("BEGIN")
        writer.exec_driver_sql("DELETE FROM skips")
        with databases.open(tmp_path) as store:  # which took a minute to fail on SQLite
            assert store.latest_batch() is None
        writer.exec_driver_sql("ROLLBACK")


def test_a_store_of_a_newer_chasil_is_left_alone(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "chasil.sqlite")
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreTooNew, match="9999"):
        Store.open(tmp_path)


def test_connections_wait_and_check(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with engine.connect() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("foreign_keys") == 1
        assert pragma("recursive_triggers") == 1
        assert pragma("busy_timeout") == 60_000
    engine.dispose()


def test_the_same_steps_are_written_for_postgresql() -> None:
    printed = io.StringIO()
    config = migration_config()
    config.output_buffer = printed
    config.attributes["dialect_name"] = "postgresql"
    command.upgrade(config, "head", sql=True)
    sql = printed.getvalue()
    for table in Base.metadata.tables:
        assert f"CREATE TABLE {table} (" in sql
    for table in APPEND_ONLY:
        assert f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW" in sql
    assert "id BIGSERIAL NOT NULL" in sql
    assert "TIMESTAMP WITH TIME ZONE" in sql
