"""Run by Alembic: upgrades over the connection that the store hands it.

Without one (``offline``) the SQL is printed for the dialect in ``dialect_name``.
"""

from __future__ import annotations

from alembic import context

from models.store import given, history_tables, room_tables  # noqa: F401 - their tables are Base's
from models.store.tables import Base

connection = context.config.attributes.get("connection")

if context.is_offline_mode():
    context.configure(
        dialect_name=context.config.attributes["dialect_name"], target_metadata=Base.metadata
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    context.configure(connection=connection, target_metadata=Base.metadata)
    context.run_migrations()
