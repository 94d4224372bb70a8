"""Runs the migrations on the connection that backend.database.migrate hands over."""

from alembic import context
from sqlalchemy import Connection

from backend.database.connection import SEARCH_PATH, open_database
from backend.database.queries import load_queries
from backend.database.tables import SCHEMA, Base, include_name
from backend.settings import settings

SQL = load_queries("migrations")


def run(connection: Connection) -> None:
    """Migrate inside the connection's transaction, giving up rather than queueing behind a long lock."""
    # Two processes that migrate at once take turns.
    connection.exec_driver_sql(SQL["lock"].decode())
    connection.exec_driver_sql(SQL["prepare"].decode())
    connection.exec_driver_sql(f"SET LOCAL search_path = {SEARCH_PATH}")
    # The models name their schema, so none of it may pass for the default one.
    connection.dialect.default_schema_name = "public"
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=include_name,
        version_table_schema=SCHEMA,
        transaction_per_migration=False,
        # Comments are the migrations' alone.
        autogenerate_plugins=["alembic.autogenerate.*", "~alembic.autogenerate.comments"],
    )
    with context.begin_transaction():
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    # `alembic upgrade head` by hand: the same database as every shelfmate command.
    with open_database(settings()) as database, database.engine.begin() as connection:
        run(connection)
