"""Makes and upgrades the store's tables, by Alembic."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from models.store.database_url import shown
from models.store.errors import StoreTooNew

UPGRADE_LOCK = 0x63686173_00
"""Key of the advisory lock under which PostgreSQL's tables are made and upgraded."""


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest step, inside the connection's transaction.

    Raises:
        StoreTooNew: the tables are at a step this chasil doesn't know.

    """
    if connection.dialect.name == "postgresql":  # SQLite has locked the whole file already
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
    config = migration_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        newest = ScriptDirectory.from_config(config).get_current_head()
        where = shown(connection.engine.url)
        raise StoreTooNew(
            f"{where} was upgraded by a newer chasil ({error})", store=where, known=newest
        ) from error


def migration_config() -> Config:
    """Alembic's configuration: the migrations lie beside this module, also when installed."""
    config = Config()
    config.set_main_option("script_location", "models.store:migrations")
    return config
