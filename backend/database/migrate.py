"""Brings the schema to a revision of the migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import migrations
from backend.database.compatibility import check_server
from backend.database.connection import SEARCH_PATH, Database
from backend.database.tables import SCHEMA
from backend.errors import DatabaseUnavailable

# Any number, as long as every Shelfmate uses the same: two processes that migrate at once take turns.
MIGRATION_LOCK = 7_341_853_902


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply the migrations up to ``revision``; does nothing when the schema is there already.

    Raises:
        DatabaseUnavailable: the server is too old or lacks pgvector.
    """
    with database.engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        check_server(driver)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.exec_driver_sql(f"SET LOCAL search_path = {SEARCH_PATH}")
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str = "base") -> None:
    """Undo the migrations down to ``revision``. Everything stored by them is lost."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        connection.exec_driver_sql(f"SET LOCAL search_path = {SEARCH_PATH}")
        command.downgrade(_config(connection), revision)


def require_current(database: Database) -> None:
    """Raise DatabaseUnavailable unless the schema is at the newest revision."""
    with database.engine.connect() as connection:
        found = current_revision(connection)
        head = ScriptDirectory.from_config(_config(connection)).get_current_head()
    if found != head:
        raise DatabaseUnavailable(f"the schema is at revision {found}, but {head} is needed: run shelfmate migrate")


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at, or None before the first."""
    return MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config
