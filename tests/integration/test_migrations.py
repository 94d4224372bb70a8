"""The migrations go up and down, and make what the models say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.database.connection import Database
from backend.database.migrate import current_revision, downgrade, newest_revision, upgrade
from backend.errors import DatabaseUnavailable

UNDESCRIBED = """
SELECT 'table ' || c.relname FROM pg_class c
 WHERE c.relnamespace = 'shelfmate'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') AND NOT c.relispartition
   AND c.relname <> 'alembic_version' AND obj_description(c.oid, 'pg_class') IS NULL
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')
UNION ALL
SELECT 'column ' || c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'shelfmate'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
   AND c.relname <> 'alembic_version'
   AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
UNION ALL
SELECT 'function ' || p.oid::regprocedure FROM pg_proc p
 WHERE p.pronamespace = 'shelfmate'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
"""


def alembic(url: str, *arguments: str) -> None:
    """Run the alembic command as anybody would, which goes through migrations/env.py."""
    ended = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_models_equal_migrations(database_url: str) -> None:
    alembic(database_url, "check")


def test_the_alembic_command_does_it_too(database: Database, database_url: str) -> None:
    alembic(database_url, "downgrade", "base")
    assert current_revision(database) is None
    with database.write() as connection:
        connection.execute("DROP SCHEMA shelfmate CASCADE")
    alembic(database_url, "upgrade", "head")
    assert current_revision(database) == newest_revision()


def test_every_table_column_and_function_is_described(database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(UNDESCRIBED).fetchall() == []


def test_migrations_go_down_and_up_again(database: Database) -> None:
    downgrade(database)
    with database.read() as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'shelfmate'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')"
        ).fetchall()
        functions = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'shelfmate'::regnamespace"
        ).fetchall()
    assert (left, functions) == ([("alembic_version",)], [])
    upgrade(database)
    assert current_revision(database) == newest_revision()


def test_a_schema_of_a_newer_version_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnavailable, match="newer Shelfmate"):
        upgrade(database)
