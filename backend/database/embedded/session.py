"""What the embedded server is asked over a connection. Imports psycopg, so the supervisor must not import this."""

import time
from dataclasses import dataclass

import psycopg
from psycopg import pq, sql

from backend.database.problems import is_connection_loss
from backend.database.queries import load_queries
from backend.errors import DatabaseUnavailable

_PATIENCE_SECONDS = 30  # for a server that is being started again


@dataclass(frozen=True)
class Answer:
    """What a server said to a first query.

    ``refusal`` is None if it answered, empty while it only is not up yet, and otherwise the reason why it will not;
    ``tcp_port`` is None if it listens on its unix socket only.
    """

    refusal: str | None
    tcp_port: int | None = None


def first_answer(dsn: str) -> Answer:
    """Connect and query once."""
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            row = connection.execute(load_queries("embedded")["tcp_port"]).fetchone()
    except psycopg.OperationalError as error:
        up = pq.PGconn.ping(dsn.encode()) == pq.Ping.OK
        return Answer(str(error).strip() if up else "")
    return Answer(None, None if row is None else row[0])


def create_database(dsn: str, name: str) -> None:
    """Create the database ``name`` if it is missing, also while the server is being started again.

    Raises:
        DatabaseUnavailable: the server refuses, or stays away.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _create_database(dsn, name)
        except psycopg.OperationalError as error:
            if not is_connection_loss(error) or time.monotonic() > deadline:
                raise DatabaseUnavailable(f'The embedded server cannot create database "{name}": {error}') from error
        time.sleep(0.05)


def _create_database(dsn: str, name: str) -> None:
    queries = load_queries("embedded")
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute(queries["database_exists"], {"database": name}).fetchone() is not None:
            return
        identifier = sql.Identifier(name).as_bytes(connection)
        try:
            connection.execute(queries["create_database"].replace(b"{name}", identifier))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return  # another command was faster
