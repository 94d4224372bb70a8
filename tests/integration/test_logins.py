"""Logins and connection strings: rights that are missing, passwords that are kept, sessions without a search path."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backend.database import psql
from backend.database.connection import Database, with_search_path
from backend.database.migrate import upgrade
from backend.errors import ConfigurationError
from backend.settings import Settings
from workers.progress import Progress
from workers.worker import Worker


@pytest.fixture
def empty(server_dsn: str) -> Iterator[str]:
    """The connection string of a database without anything of ours."""
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield make_conninfo(server_dsn, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def stranger(empty: str) -> Iterator[str]:
    """The same, as a login that owns the database and nothing else."""
    role = sql.Identifier(f"stranger_{uuid4().hex}")
    database = sql.Identifier(str(conninfo_to_dict(empty)["dbname"]))
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, role))
        try:
            yield make_conninfo(empty, user=role.as_string(connection).strip('"'))
        finally:
            connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def shelfmate(*arguments: str, url: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "SHELFMATE_TEXT_ENCODER": "hashing:64",
        "SHELFMATE_IMAGE_ENCODER": "hashing:64",
    }
    command = [sys.executable, "-m", "backend.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_an_analyst_is_not_handed_the_owners_password(database_url: str) -> None:
    answer = shelfmate("dsn", "--analyst", url=make_conninfo(database_url, password="of the owner"))
    assert answer.returncode == 0
    parameters = conninfo_to_dict(answer.stdout.strip())
    assert parameters["user"] == "analyst"
    assert "password" not in parameters


def test_psql_gets_its_password_where_no_other_user_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "psql"
    fake.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/arguments\necho "$PGPASSWORD" >{tmp_path}/password\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert psql.run("host=db user=shop password='a secret'", ["-c", "SELECT 1"], embedded=False) == 0
    assert (tmp_path / "password").read_text() == "a secret\n"
    arguments = (tmp_path / "arguments").read_text()
    assert "secret" not in arguments
    assert "host=db" in arguments


@pytest.mark.parametrize("prepared", [False, True])
def test_a_login_that_lacks_a_right_is_told_who_helps(empty: str, stranger: str, prepared: bool) -> None:
    if prepared:
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
    answer = shelfmate("migrate", url=stranger)
    assert answer.returncode == 2
    assert "docs/operations.md" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_pgvector_in_a_schema_that_nobody_searches_is_refused_with_the_remedy(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA extensions")
        connection.execute("CREATE EXTENSION vector SCHEMA extensions")
        with (
            Database(with_search_path(empty)) as database,
            pytest.raises(ConfigurationError, match="ALTER EXTENSION vector SET SCHEMA public"),
        ):
            upgrade(database)
        connection.execute("ALTER EXTENSION vector SET SCHEMA public")
        with Database(with_search_path(empty)) as database:
            upgrade(database)


@pytest.mark.parametrize("path", ["public", "$user,public"])
def test_a_session_without_our_search_path_inserts_and_asks(empty: str, settings: Settings, path: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        # Made beforehand, it would be the first place for an extension.
        connection.execute("CREATE SCHEMA shelfmate")
    with Database(with_search_path(empty)) as database, psycopg.connect(empty, autocommit=True) as plain:
        upgrade(database)
        plain.execute("SELECT set_config('search_path', %s, false)", [path])
        plain.execute(
            "SELECT shelfmate.create_space('one', 'hashing:64', '2', '{title}', 64, 0.5, 'hashing:64', '2', 64, 0.5)"
        )
        plain.execute(
            "INSERT INTO shelfmate.products (sku, title, category) VALUES ('A', 'a shirt', 'X/Y'), ('B', 'b', 'X')"
        )
        plain.execute("UPDATE shelfmate.products SET title = 'another shirt' WHERE sku = 'A'")
        # Those that were inserted before the fill had begun are looked at once more by it.
        assert Worker(database, settings, Progress(), drain=True).run() in (2, 4)
        for question in (
            "SELECT sku FROM shelfmate.similar_products('A', category => 'X', w_text => 0.3)",
            "SELECT sku FROM shelfmate.similar_products_exact('A')",
        ):
            assert plain.execute(question).fetchall() == [("B",)]
        assert len(plain.execute("SELECT * FROM shelfmate.explain_similarity('A', 'B')").fetchall()) == 2
        assert plain.execute("SELECT count(*) FROM shelfmate.active_embeddings").fetchone() == (2,)


def test_a_replica_that_lags_hides_no_space_from_the_worker(
    database: Database, settings: Settings, server_dsn: str, template: str
) -> None:
    with database.write() as connection:
        connection.execute("INSERT INTO products (sku, title) VALUES ('A', 'a shirt')")
    # Migrated, but without a space: what a replica shows for a moment.
    with Database(database.dsn, with_search_path(make_conninfo(server_dsn, dbname=template))) as lagging:
        assert Worker(lagging, settings, Progress(), drain=True).run() == 1


@pytest.mark.parametrize("url", ["postgresql+psycopg://shop:secret@host/db", "postgresql://shop:secret@127.0.0.1:1/db"])
def test_a_server_that_cannot_be_reached_is_named_without_its_password(url: str) -> None:
    answer = shelfmate("jobs", "list", url=url)
    assert answer.returncode in {1, 2}
    assert "DATABASE_URL" in answer.stderr
    assert "secret" not in answer.stderr
    assert "Traceback" not in answer.stderr
