"""The migrations go up and down, and make what the models say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.database import migrate
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

DESCRIPTIONS = {
    "functions": """
SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'), p.proacl::text
  FROM pg_proc p WHERE p.pronamespace = 'shelfmate'::regnamespace AND p.prokind = 'f' ORDER BY 1""",
    "columns": """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
       col_description(c.oid, a.attnum)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'shelfmate'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
   AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2""",
    "constraints": """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace = 'shelfmate'::regnamespace AND conrelid NOT IN (SELECT inhrelid FROM pg_inherits) ORDER BY 1, 2""",
    "indexes": """
SELECT indexdef FROM pg_indexes WHERE schemaname = 'shelfmate' AND tablename !~ 'product_embeddings_' ORDER BY 1""",
    "tables": """
SELECT relname, relkind, relacl::text, obj_description(oid, 'pg_class')
  FROM pg_class
 WHERE relnamespace = 'shelfmate'::regnamespace AND relkind IN ('r', 'p', 'v', 'S') AND NOT relispartition
 ORDER BY 1""",
}


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


def definitions(database: Database) -> dict[str, tuple[object, ...]]:
    """Functions, columns, constraints, indexes and comments, as the server describes them."""
    with database.write() as connection:
        return {
            kind: tuple(connection.execute(statement.encode()).fetchall()) for kind, statement in DESCRIPTIONS.items()
        }


def migrate_to(database: Database, revision: str) -> None:
    from alembic import command

    with database.engine.begin() as connection:
        config = migrate._config(connection)
        if revision > (current_revision(database) or ""):
            command.upgrade(config, revision)
        else:
            command.downgrade(config, revision)


def test_0002_goes_down_to_what_0001_made(database: Database) -> None:
    downgrade(database)
    migrate_to(database, "0001")
    first = definitions(database)
    upgrade(database)
    newest = definitions(database)
    migrate_to(database, "0001")
    assert definitions(database) == first
    upgrade(database)
    assert definitions(database) == newest
    assert first != newest


def test_spaces_and_vectors_survive_0002_and_what_0001_cannot_hold_goes_with_it_undone(database: Database) -> None:
    downgrade(database)
    migrate_to(database, "0001")
    with database.write() as connection:
        connection.execute(
            "SELECT create_space('old', 'hashing:8', '2', '{title,brand}', 8, 1, NULL, NULL, 0, 0),"
            " create_space('image', NULL, NULL, '{}', 0, 0, 'hashing:8', '2', 8, 1)"
        )
        connection.execute("INSERT INTO products (sku, title) VALUES ('A', 'a')")
        connection.execute(
            "INSERT INTO product_embeddings (product_id, space_id, text, fused)"
            " VALUES (1, 1, '[1,0,0,0,0,0,0,0]', '[1,0,0,0,0,0,0,0]')"
        )
    upgrade(database)
    spaces = "SELECT name, text_inputs, state, filled_at IS NOT NULL FROM embedding_spaces ORDER BY id"
    with database.write() as connection:
        assert connection.execute(spaces).fetchall() == [
            ("old", ["title+brand"], "active", True),
            ("image", ["title"], "shadow", True),
        ]
        connection.execute(
            "SELECT create_space('two', 'hashing:4', '2', '{title,title+brand:9}', 8, 1, NULL, NULL, 0, 0)"
        )
        connection.execute("SELECT activate_space('two', force => true)")
    migrate_to(database, "0001")
    with database.write() as connection:
        left = connection.execute("SELECT name, text_fields, state FROM embedding_spaces ORDER BY id").fetchall()
        assert left == [("old", ["title", "brand"], "shadow"), ("image", ["title"], "shadow")]
        assert connection.execute("SELECT * FROM active_embeddings").fetchall() == []
        connection.execute("SELECT activate_space('old')")
        assert connection.execute("SELECT sku FROM active_embeddings").fetchall() == [("A",)]
        # The functions of then work on the tables of then.
        connection.execute("SELECT create_space('three', 'hashing:8', '2', '{title}', 8, 1, NULL, NULL, 0, 0)")
        assert connection.execute("SELECT count(*) FROM embedding_jobs WHERE space_id = 4").fetchone() == (1,)
