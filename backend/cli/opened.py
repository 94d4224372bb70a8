"""What subcommands share: the database of the settings, up to date, and a table on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backend.settings import settings

if TYPE_CHECKING:
    from backend.database.connection import Database


@contextmanager
def opened_database(linger: float = 0) -> Iterator["Database"]:
    """The database with its schema up to date: a fresh one is set up, an old one is brought up to date.

    ``linger``: seconds that our own server waits for another client after this command.
    """
    from backend.database.connection import open_database
    from backend.database.migrate import upgrade
    from backend.spaces.space import ensure_default_space

    with open_database(settings(), linger=linger) as database:
        upgrade(database)
        ensure_default_space(database, settings())
        yield database


def show_table(head: list[str], rows: list[list[str]]) -> None:
    """Print rows under a head."""
    from backend.terminal import table

    table(head, rows)
