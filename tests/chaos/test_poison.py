"""Products that their encoder cannot bear delay no other, and end as dead letters."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backend.database.connection import with_search_path
from tests.chaos import spaces
from tests.chaos.content import Recipe
from tests.chaos.fleet import Fleet, wait_until
from tests.chaos.poison import installed

PRODUCTS = 60
POISONS = {10: "poison raises", 20: "poison kills", 30: "poison hangs"}
# On a machine that is busy: workers start, die and start again.
PATIENCE = 240.0
# While workers die of it, a good product waits for the next one at most: so long, and while two of them start.
SLOWEST = 5.0


@pytest.fixture
def dsn(database_url: str) -> str:
    dsn = with_search_path(database_url)
    with psycopg.connect(dsn, autocommit=True) as connection:
        spaces.create(connection, Recipe("one", "poisonous:64", "hashing:64", 0.5), "1")
    return dsn


def test_what_raises_kills_or_hangs_delays_no_other(dsn: str, tmp_path: Path) -> None:
    log = tmp_path / "workers.log"
    environment = {
        "DATABASE_URL": dsn,
        "PYTHONPATH": installed(tmp_path),
        "SHELFMATE_LEASE_SECONDS": "1",
        "SHELFMATE_HANG_SECONDS": "2",
        "SHELFMATE_BATCH_SIZE": "8",
        "SHELFMATE_MAX_ATTEMPTS": "3",
    }
    fleet = Fleet(2, environment, log, lambda _started, _ended: True)
    with psycopg.connect(dsn, autocommit=True) as connection:
        titles = [POISONS.get(number, f"boot {number}") for number in range(PRODUCTS)]
        connection.execute("INSERT INTO products (sku, title) SELECT gen_random_uuid(), unnest(%s::text[])", [titles])
        began = time.monotonic()
        try:
            assert wait_until(lambda: _embedded(connection, fleet) > 0, PATIENCE, 0.02), log.read_text()
            start = time.monotonic() - began
            assert wait_until(lambda: _embedded(connection, fleet) == PRODUCTS - len(POISONS), PATIENCE, 0.02), (
                log.read_text()
            )
            print(f"the others after {time.monotonic() - began:.1f} s")
            slowest = 0.0
            while not _all_dead(connection, fleet):
                assert time.monotonic() - began < PATIENCE, "the poison is still alive"
                slowest = max(slowest, _seconds_to_embed(connection, fleet))
                time.sleep(0.02)
            print(f"dead after {time.monotonic() - began:.1f} s, what came meanwhile embedded within {slowest:.2f} s")
            assert slowest < SLOWEST + 2 * start
        finally:
            fleet.end()


def _embedded(connection: "psycopg.Connection[Any]", fleet: Fleet) -> int:
    fleet.tend()
    row = connection.execute("SELECT count(*) FROM product_embeddings").fetchone()
    return row[0] if row else 0


def _all_dead(connection: "psycopg.Connection[Any]", fleet: Fleet) -> bool:
    fleet.tend()
    query = "SELECT p.title, j.state FROM embedding_jobs j JOIN products p ON p.id = j.product_id"
    return sorted(connection.execute(query).fetchall()) == sorted((title, "dead") for title in POISONS.values())


def _seconds_to_embed(connection: "psycopg.Connection[Any]", fleet: Fleet) -> float:
    """How long a product takes from its insert to its vector."""
    before = _embedded(connection, fleet)
    connection.execute("INSERT INTO products (sku, title) VALUES (gen_random_uuid(), 'boot')")
    began = time.monotonic()
    assert wait_until(lambda: _embedded(connection, fleet) > before, PATIENCE, 0.01), "a good product was not embedded"
    return time.monotonic() - began
