"""What the embedded server is asked over a connection. Imports psycopg, so the supervisor must not import this."""

import psycopg
from psycopg import pq, sql

from backend.database.queries import load_queries


def refusal(dsn: str) -> str | None:
    """Why the server does not answer a query, or None if it does; empty while it only is not up yet."""
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            connection.execute("")
    except psycopg.OperationalError as error:
        up = pq.PGconn.ping(dsn.encode()) == pq.Ping.OK
        return str(error).strip() if up else ""
    return None


def create_database(dsn: str, name: str) -> None:
    """Create the database ``name`` if it is missing."""
    queries = load_queries("embedded")
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute(queries["database_exists"], {"database": name}).fetchone() is not None:
            return
        identifier = sql.Identifier(name).as_bytes(connection)
        try:
            connection.execute(queries["create_database"].replace(b"{name}", identifier))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return  # another command was faster


def tcp_port(dsn: str) -> int | None:
    """The TCP port that the server listens on, None if it listens on none."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(load_queries("embedded")["tcp_port"]).fetchone()
    return None if row is None else row[0]
