"""A catalogue of made-up clustered vectors with whole indexes, and ways to do it harm."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from backend.database.connection import Database, open_database
from backend.settings import Settings
from backend.spaces.fusion import fuse
from backend.spaces.indexes import build_indexes
from backend.spaces.space import active_space, ensure_default_space
from workers.upkeep import Outcome, Upkeep

PRODUCTS = 3_000
FUSED = "product_embeddings_1_fused_hnsw"
# The tree's shares: a half, three tenths, a tenth.
CATEGORIES = ("Wear/Tops",) * 3 + ("Wear/Shoes",) * 2 + ("Home/Mugs",) * 3 + ("Home/Lamps", "Garden")


@pytest.fixture(scope="module")
def template(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with 3,000 products in 50 clusters and whole indexes, which each test gets a copy of."""
    name = f"template_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        settings = Settings(
            home=tmp_path_factory.mktemp("home"),
            database_url=make_conninfo(server_dsn, dbname=name),
            text_encoder="hashing:64",
            image_encoder="hashing:64",
        )
        with open_database(settings) as database:
            ensure_default_space(database, settings)
            fill(database)
            build(database)
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def catalogue(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The copy; an audit of it takes the time that it needs, however busy the machine."""
    monkeypatch.setattr("backend.recommend.audit.LONGEST_AUDIT", 600.0)
    return database


@pytest.fixture
def keep_up(catalogue: Database, settings: Settings) -> Callable[[], Outcome]:
    """Runs one pass of upkeep."""

    def run() -> Outcome:
        outcome = Upkeep(catalogue, settings, lambda _: None).run_now()
        assert outcome is not None
        return outcome

    return run


def fill(database: Database) -> None:
    """Store the products ``S0`` to ``S2999`` with vectors, past the worker."""
    chance = np.random.default_rng(11)
    blocks = []
    for _ in range(2):
        centres = np.repeat(chance.normal(size=(50, 64)), PRODUCTS // 50, axis=0) / 8
        rows = centres + chance.normal(size=centres.shape) / 16
        blocks.append((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))
    fused = fuse([*blocks, None], (0.5, 0.5, 0), (64, 64, 0))
    with database.write() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY products (sku, title, category, price) FROM STDIN") as copy:
            for number in range(PRODUCTS):
                copy.write_row((f"S{number}", "T", CATEGORIES[number % len(CATEGORIES)], number % 100))
        ids = dict(cursor.execute("SELECT sku, id FROM products").fetchall())
        with cursor.copy("COPY product_embeddings (product_id, space_id, text, image, fused) FROM STDIN") as copy:
            for number in range(PRODUCTS):
                vectors = (HalfVector(block[number]).to_text() for block in (*blocks, fused))
                copy.write_row((ids[f"S{number}"], 1, *vectors))
        cursor.execute("DELETE FROM embedding_jobs")
    with database.alone() as connection:
        connection.execute("VACUUM ANALYZE products, product_embeddings")


def build(database: Database) -> None:
    """Build what is missing of the indexes, by one process: its graphs leave nothing out."""
    with database.alone() as connection:
        connection.execute("SET max_parallel_workers = 0")
        build_indexes(connection, active_space(database), lambda _: None)


def make_alike(database: Database, copies: int) -> None:
    """Give so many products after each other the same vector."""
    with database.write() as connection:
        connection.execute(f"DROP INDEX {FUSED}".encode())
        connection.execute(
            """UPDATE product_embeddings e SET fused = o.fused FROM product_embeddings o
                WHERE o.product_id = e.product_id - (e.product_id - 1) %% %s""",
            [copies],
        )
    build(database)


def spoil(database: Database, *, m: int = 2, ef_construction: int = 4) -> None:
    """Build the fused index anew, with so few edges that it reaches only a part of the products."""
    with database.write() as connection:
        connection.execute(f"ALTER INDEX {FUSED} SET (m = {m}, ef_construction = {ef_construction})".encode())
        connection.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        connection.execute(f"REINDEX INDEX {FUSED}".encode())


def ask(database: Database, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    with database.primary() as connection:
        return connection.execute(statement.encode(), arguments).fetchall()


def freeze(database: Database, query: dict[str, Any], *, mode: str = "ann", seconds: float = 900) -> Any:
    """A result list as the API keeps it, of ``query``; returns its id."""
    return ask(
        database,
        """WITH kept AS (
               INSERT INTO recommendations (kind, space_id, query, vectors, items, mode, complete, expires_at)
               SELECT 'recommendation', 1, %s, ARRAY(
                          SELECT e.fused FROM jsonb_array_elements(%s->'like') x
                            LEFT JOIN products p ON p.sku = x->>'sku'
                            LEFT JOIN product_embeddings e ON e.product_id = p.id),
                      '[]', %s, false, now() + make_interval(secs => %s)
               RETURNING id)
           SELECT id FROM kept""",
        Jsonb(query),
        Jsonb(query),
        mode,
        seconds,
    )[0][0]
