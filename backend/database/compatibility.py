"""Whether a Postgres server, embedded or not, can serve Shelfmate."""

import re

import psycopg

from backend.database.queries import load_queries
from backend.errors import DatabaseUnavailable

# security_invoker views and UNIQUE NULLS NOT DISTINCT came with 15.
OLDEST_POSTGRES = 15

# Its changelog: 0.8.2 fixed a buffer overflow in parallel HNSW builds (CVE-2026-3172), 0.8.3 index corruption by HNSW
# vacuuming, 0.8.4 failing inserts during it.
OLDEST_PGVECTOR = (0, 8, 4)


def check_server(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Check the server, and the database, at the other end of ``connection``.

    Raises:
        DatabaseUnavailable: Postgres or pgvector is missing or too old; the message names the remedy.
    """
    _check_postgres(connection.info.server_version)
    row = connection.execute(load_queries("compatibility")["pgvector"]).fetchone()
    available, installed = (None, None) if row is None else (_text(row[0]), _text(row[1]))
    _check_pgvector(available, installed, connection.info.dbname, connection.info.server_version // 10000)


def _check_postgres(version: int) -> None:
    major = version // 10000
    if major < OLDEST_POSTGRES:
        raise DatabaseUnavailable(
            f"This server is Postgres {major} and Shelfmate needs {OLDEST_POSTGRES} or newer: upgrade it, "
            "or unset DATABASE_URL to use the embedded server."
        )


def _check_pgvector(available: str | None, installed: str | None, database: str, major: int) -> None:
    oldest = ".".join(map(str, OLDEST_PGVECTOR))
    if available is None:
        raise DatabaseUnavailable(
            f"This server has no pgvector, and Shelfmate needs {oldest} or newer: install it on the server's machine "
            f"(package postgresql-{major}-pgvector, image pgvector/pgvector:pg{major}), "
            "or unset DATABASE_URL to use the embedded server."
        )
    if _parsed(available) < OLDEST_PGVECTOR:
        raise DatabaseUnavailable(
            f"This server has pgvector {available} and Shelfmate needs {oldest} or newer, because earlier ones can "
            "corrupt an index: upgrade it on the server's machine "
            f"(package postgresql-{major}-pgvector, image pgvector/pgvector:pg{major}), "
            "or unset DATABASE_URL to use the embedded server."
        )
    if installed is not None and _parsed(installed) < OLDEST_PGVECTOR:
        raise DatabaseUnavailable(
            f'Database "{database}" uses pgvector {installed} and Shelfmate needs {oldest} or newer; the server has '
            f"{available}: run ALTER EXTENSION vector UPDATE in this database, then REINDEX its HNSW indexes."
        )


def _parsed(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _text(value: object) -> str | None:
    return None if value is None else str(value)
