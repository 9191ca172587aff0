"""The URL of a database: understood, and shown without its password."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from models.store.errors import BadDatabaseUrl

POSTGRESQL_DRIVER = "postgresql+psycopg"

_POSTGRESQL_NAMES = ("postgresql", "postgres", POSTGRESQL_DRIVER)

_SECRET_PARTS = ("password", "passfile", "sslpassword")


def parse_database_url(url: str | URL) -> URL:
    """An SQLAlchemy URL of SQLite, or of PostgreSQL by psycopg 3 whichever way it was written.

    Raises:
        BadDatabaseUrl: it is no URL, or of another database. The message never repeats it: there
            may be a password in it.

    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadDatabaseUrl("the database's URL can't be understood") from error
    if parsed.drivername in _POSTGRESQL_NAMES:
        if not parsed.database:
            raise BadDatabaseUrl(f"{shown(parsed)} names no database")
        return parsed.set(drivername=POSTGRESQL_DRIVER)
    if parsed.get_backend_name() == "sqlite":
        return parsed
    raise BadDatabaseUrl(f"chasil keeps its store in PostgreSQL or SQLite, not {parsed.drivername}")


def shown(url: URL) -> str:
    """The URL as it may be printed: passwords as ``***``."""
    hidden = {name: "***" for name in url.query if name in _SECRET_PARTS}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)
