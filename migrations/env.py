"""Runs the migrations on the connection that backend.database.migrate hands over."""

from alembic import context
from sqlalchemy import Connection

from backend.database.tables import SCHEMA, Base, include_name


def run(connection: Connection) -> None:
    """Migrate inside one transaction, giving up rather than queueing behind a long lock."""
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
    from backend.database.connection import open_database
    from backend.settings import settings

    with open_database(settings()) as database, database.engine.connect() as connection:
        run(connection)
