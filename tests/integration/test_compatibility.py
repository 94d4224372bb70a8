"""A server with Postgres or pgvector missing or too old is refused with the remedy."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_fixtures import used_home

from backend.database import compatibility, embedded
from backend.database.compatibility import check_server
from backend.database.embedded import EmbeddedServer
from backend.errors import DatabaseUnavailable


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with used_home() as home, embedded.running(home) as running:
        yield running


def extensions(server: EmbeddedServer, control: str | None) -> psycopg.Connection:
    """A connection to the server as if its only extension were described by ``control``."""
    directory: Path = server.layout.home.parent / "share" / "extension"
    directory.mkdir(parents=True, exist_ok=True)
    directory.parent.chmod(0o755)
    directory.chmod(0o755)
    described = directory / "vector.control"
    described.unlink(missing_ok=True)
    if control is not None:
        described.write_text(control)
        described.chmod(0o644)
    return psycopg.connect(server.dsn(), options=f"-c extension_control_path={directory.parent}")


def test_the_embedded_server_is_accepted_before_and_after_pgvector_is_installed(server):
    with psycopg.connect(server.dsn("fresh"), autocommit=True) as connection:
        check_server(connection)
        connection.execute("CREATE EXTENSION vector")
        check_server(connection)


def test_a_server_without_pgvector_is_refused_with_the_package_to_install(server):
    with extensions(server, None) as connection, pytest.raises(DatabaseUnavailable) as raised:
        check_server(connection)
    assert "no pgvector" in str(raised.value)
    assert "postgresql-18-pgvector" in str(raised.value)


@pytest.mark.parametrize("version", ["0.7.4", "0.8.0", "0.8.3"])
def test_a_server_with_an_older_pgvector_is_refused(server, version):
    refused = pytest.raises(DatabaseUnavailable, match=f"has pgvector {version} and Shelfmate needs 0.8.4")
    with extensions(server, f"default_version = '{version}'\n") as connection, refused:
        check_server(connection)


@pytest.mark.parametrize("version", ["0.8.4", "0.8.10", "0.9.0", "1.0"])
def test_a_server_with_a_new_enough_pgvector_is_accepted(server, version):
    with extensions(server, f"default_version = '{version}'\n") as connection:
        check_server(connection)


def test_a_database_that_was_not_updated_is_told_the_statement(server):
    with psycopg.connect(server.dsn("outdated"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("UPDATE pg_extension SET extversion = '0.8.0' WHERE extname = 'vector'")
        with pytest.raises(
            DatabaseUnavailable, match=r'"outdated" uses pgvector 0.8.0 .*ALTER EXTENSION vector UPDATE'
        ):
            check_server(connection)


def test_a_postgres_that_is_too_old_is_refused(server, monkeypatch):
    monkeypatch.setattr(compatibility, "OLDEST_POSTGRES", 19)
    refused = pytest.raises(DatabaseUnavailable, match="is Postgres 18 and Shelfmate needs 19 or newer: upgrade it")
    with psycopg.connect(server.dsn()) as connection, refused:
        check_server(connection)
