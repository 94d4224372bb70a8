"""Brings the schema to a revision of the migrations.

Alembic is imported where it is used: a command on a database that is up to date does without.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg.errors import InsufficientPrivilege

import migrations
from backend.database.compatibility import check_server
from backend.database.connection import SEARCH_PATH, Database
from backend.database.problems import translated
from backend.database.queries import load_queries
from backend.errors import ConfigurationError, DatabaseUnavailable

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

SQL = load_queries("migrations")

DIRECTORY = Path(migrations.__file__).parent


def upgrade(database: Database) -> None:
    """Apply the migrations that are missing; does nothing when the schema is at the newest revision.

    Raises:
        ConfigurationError: pgvector is where it is not found, or this login lacks a right.
        DatabaseUnavailable: the server is too old, lacks pgvector, or was migrated by a newer Shelfmate.
    """
    found = current_revision(database)
    if found == newest_revision():
        return
    if found is not None and found > newest_revision():
        raise DatabaseUnavailable(
            f"the schema is at revision {found}, made by a newer Shelfmate than this one, which knows "
            f"{newest_revision()}: install that version"
        )
    from alembic import command

    with translated(), psycopg.connect(database.dsn) as bare:
        check_server(bare)
        _check_vector_schema(bare)
    with _rights_explained(), database.engine.begin() as connection:
        command.upgrade(_config(connection), "head")


def downgrade(database: Database) -> None:
    """Undo every migration. Everything stored by them is lost."""
    from alembic import command

    with database.engine.begin() as connection:
        command.downgrade(_config(connection), "base")


def require_current(database: Database) -> None:
    """Raise DatabaseUnavailable unless the schema is at the newest revision."""
    found = current_revision(database)
    if found != newest_revision():
        raise DatabaseUnavailable(
            f"the schema is at revision {found}, but {newest_revision()} is needed: run shelfmate migrate"
        )


def current_revision(database: Database) -> str | None:
    """The revision that the database is at, or None before the first."""
    # Not from the pool, whose connections know pgvector's types, which may not be there yet.
    with translated(), psycopg.connect(database.dsn) as connection:
        exists = connection.execute(SQL["has_version"]).fetchone()
        row = connection.execute(SQL["version"]).fetchone() if exists and exists[0] else None
    return row[0] if row else None


def newest_revision() -> str:
    """The newest revision that this Shelfmate has; their files start with a number that grows."""
    return max(path.stem.partition("_")[0] for path in (DIRECTORY / "versions").glob("[0-9]*.py"))


def _check_vector_schema(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    row = connection.execute(SQL["vector_schema"]).fetchone()
    if row is not None and row[0] not in SEARCH_PATH.split(","):
        raise ConfigurationError(
            f'pgvector is installed in the schema "{row[0]}" of this database, where nobody finds it without a prefix: '
            "let its owner run ALTER EXTENSION vector SET SCHEMA public"
        )


@contextmanager
def _rights_explained() -> Iterator[None]:
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except (InsufficientPrivilege, DBAPIError) as error:
        refused = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(refused, InsufficientPrivilege):
            raise
        raise ConfigurationError(
            f"this database login may not migrate: {refused.diag.message_primary}. "
            'Let a superuser prepare the database once, as docs/operations.md says under "Your own Postgres".'
        ) from error


def _config(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(DIRECTORY))
    config.attributes["connection"] = connection
    return config
