"""The queue's statements stay quick however much waits: each goes by an index."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from small_catalogue import fresh_database

from backend.database.queries import load_queries

SQL = load_queries("jobs")
BACKLOG = 50_000
LEASE = {"worker": "test", "lease": "15 s"}


@pytest.fixture(scope="module")
def crowded(
    server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[Any]]:
    """50,000 jobs of a backfill, a tenth as many that somebody waits for, and some of every other kind."""
    with (
        fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _),
        psycopg.connect(database.dsn, autocommit=True) as connection,
    ):
        connection.execute("ALTER TABLE products DISABLE TRIGGER queue_inserted")
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, %s) n", [BACKLOG]
        )
        connection.execute(
            "INSERT INTO embedding_jobs (product_id, space_id, priority, state, losses, lease_token, leased_until)"
            " SELECT id, 1, (id %% 10 <> 0)::int,"
            " CASE WHEN id <= 100 THEN 'leased' WHEN id <= 200 THEN 'dead' ELSE 'queued' END,"
            " CASE WHEN id BETWEEN 201 AND 250 THEN 2 ELSE 0 END,"
            " CASE WHEN id <= 100 THEN 1 END, CASE WHEN id <= 100 THEN now() + '1 hour' END FROM products",
            [],
        )
        connection.execute("ANALYZE")
        yield connection


@pytest.mark.parametrize(
    ("statement", "arguments", "index"),
    [
        ("claim_interactive", LEASE | {"limit": 64, "aside": []}, "embedding_jobs_interactive_idx"),
        ("claim_interactive", LEASE | {"limit": 64, "aside": [7]}, "embedding_jobs_interactive_idx"),
        ("claim_backfill", LEASE | {"limit": 64, "space_id": 1}, "embedding_jobs_backfill_idx"),
        ("claim_suspects", LEASE | {"aside": []}, "embedding_jobs_suspect_idx"),
        ("expire", {"most": 7, "gone": ["nobody"]}, "embedding_jobs_lease_idx"),
        ("extend", {"tokens": [1], "lease": "15 s"}, "embedding_jobs_lease_idx"),
        ("has_suspect", {"aside": []}, "embedding_jobs_suspect_idx"),
        ("has_jobs", {}, "embedding_jobs_interactive_idx"),
    ],
)
def test_a_statement_of_the_worker_reads_no_more_than_it_needs(
    crowded: psycopg.Connection[Any], statement: str, arguments: dict[str, object], index: str
) -> None:
    plan = "\n".join(row[0] for row in crowded.execute(b"EXPLAIN " + SQL[statement], arguments).fetchall())
    assert index in plan
    assert "Seq Scan on embedding_jobs" not in plan
