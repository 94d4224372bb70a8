"""migrate, dsn, sql: the database itself."""

import sys

import click

from backend.cli.opened import opened_database
from backend.settings import settings

ANALYST = click.option(
    "--analyst", is_flag=True, help="Connect as the role that reads everything and has no right to write."
)


@click.command()
@click.option("--down", is_flag=True, help="Remove everything that Shelfmate stores in the database.")
def migrate(down: bool) -> None:
    """Bring the database schema up to date and make the default embedding space."""
    from backend.database.connection import open_database
    from backend.database.migrate import downgrade, upgrade
    from backend.spaces.space import ensure_default_space

    with open_database(settings()) as database:
        if down:
            click.confirm("This deletes every product, review and vector. Go on?", abort=True)
            downgrade(database)
            return
        upgrade(database)
        ensure_default_space(database, settings())
    click.echo("the database is up to date")


@click.command()
@ANALYST
def dsn(analyst: bool) -> None:
    """Print a connection string, with the tables and functions found without a prefix.

    An embedded server then waits 10 minutes for a client, and as long as one is connected.
    """
    with opened_database(linger=600) as database:
        click.echo(_dsn(database.dsn, analyst=analyst))


@click.command(context_settings={"ignore_unknown_options": True})
@ANALYST
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sql(analyst: bool, arguments: tuple[str, ...]) -> None:
    """Open psql on the database; ARGUMENTS are psql's own, such as -c 'SELECT ...'."""
    from backend.database.psql import run

    with opened_database() as database:
        sys.exit(run(_dsn(database.dsn, analyst=analyst), arguments, embedded=settings().database_url is None))


def _dsn(address: str, *, analyst: bool) -> str:
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    if not analyst:
        return address
    parameters = conninfo_to_dict(address)
    # It is the owner's.
    parameters.pop("password", None)
    return make_conninfo(**{name: str(value) for name, value in parameters.items()} | {"user": "analyst"})
