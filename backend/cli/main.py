"""The command and its subcommands. Heavy parts (models, server, SQLAlchemy) are imported by the one that needs them."""

import sys
from typing import Any

import click

from backend.cli import benchmarks, database, evaluate, imports, jobs, keys, ratings, running, spaces
from backend.errors import DatabaseUnavailable, ShelfmateError


class Commands(click.Group):
    """Shelfmate's own errors end a command with their sentence, not with a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; exit status 1 may mend itself, 2 means that a setting or an argument has to change."""
        try:
            return super().invoke(ctx)
        except ShelfmateError as error:
            click.echo(f"shelfmate: {error}", err=True)
            sys.exit(1 if isinstance(error, DatabaseUnavailable) else 2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shelfmate")
def main() -> None:
    """A recommendation backend for shops, on Postgres and pgvector.

    DATABASE_URL names the Postgres server; without it Shelfmate runs its own under SHELFMATE_HOME (~/.shelfmate).
    """


for command in (
    running.up,
    running.serve,
    running.worker,
    running.upkeep,
    database.migrate,
    database.dsn,
    database.sql,
    imports.sample,
    imports.import_,
    spaces.space,
    evaluate.evaluate,
    jobs.jobs,
    ratings.ratings,
    keys.keys,
    benchmarks.bench,
):
    main.add_command(command)
