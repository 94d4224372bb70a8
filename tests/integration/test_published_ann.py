"""similar_products over HNSW: 6,000 products with made-up vectors, enough to pass the budget of an exact sort."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from small_catalogue import fresh_database

from backend.database.connection import Database
from backend.spaces.fusion import fuse
from backend.spaces.indexes import build_indexes
from backend.spaces.space import active_space

PRODUCTS = 6_000
# The category Far lies on the other side of the sphere from A: an index that walks from A meets it last.
CATEGORIES = ("A/One", "A/Two", "B", "Far")


@pytest.fixture(scope="module")
def catalogue(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Clustered vectors, stored past the worker, with the indexes that a worker builds."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _):
        _fill(database)
        with database.alone() as connection:
            built = build_indexes(connection, active_space(database), lambda _: None)
        assert built == [f"product_embeddings_1_{name}_hnsw" for name in ("fused", "text", "image")]
        yield database


def _fill(database: Database) -> None:
    chance = np.random.default_rng(5)
    which = chance.integers(0, len(CATEGORIES), PRODUCTS)
    axis = np.zeros(64)
    axis[0] = 1.5
    centres = chance.normal(size=(60, 64)) / 8
    blocks = []
    for _ in range(2):
        rows = centres[chance.integers(0, 60, PRODUCTS)] + chance.normal(size=(PRODUCTS, 64)) / 16
        rows += np.where((which == 3)[:, None], -axis, axis)
        blocks.append((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))
    fused = fuse([*blocks, None], (0.5, 0.5, 0), (64, 64, 0))
    with database.write() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY products (sku, title, category, price) FROM STDIN") as copy:
            for number in range(PRODUCTS):
                copy.write_row((f"S{number}", "T", CATEGORIES[which[number]], number % 100))
        with cursor.copy("COPY product_embeddings (product_id, space_id, text, image, fused) FROM STDIN") as copy:
            for number in range(PRODUCTS):
                vectors = (HalfVector(block[number]).to_text() for block in (*blocks, fused))
                copy.write_row((number + 1, 1, *vectors))
        cursor.execute("DELETE FROM embedding_jobs")
    with database.alone() as connection:
        connection.execute("VACUUM ANALYZE products, product_embeddings")


def ask(database: Database, function: str, arguments: str) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        return connection.execute(
            f"SELECT sku, score, text, image, category, price, mode FROM {function}({arguments})".encode()
        ).fetchall()


@pytest.mark.parametrize("weights", ["", ", w_text => 0.9, w_image => 0.1", ", w_image => 1"])
def test_ann_finds_what_exact_finds(catalogue: Database, weights: str) -> None:
    recalls = []
    for number in range(0, PRODUCTS, 200):
        ann = ask(catalogue, "similar_products", f"'S{number}', 10{weights}")
        exact = ask(catalogue, "similar_products_exact", f"'S{number}', 10{weights}")
        assert {row[-1] for row in ann} == {"ann"}
        assert {row[-1] for row in exact} == {"exact"}
        scores = {row[0]: row[:4] for row in exact}
        assert all(scores.get(row[0], row[:4]) == row[:4] for row in ann)
        assert [row[1] for row in ann] == sorted((row[1] for row in ann), reverse=True)
        recalls.append(len({row[0] for row in ann} & set(scores)) / 10)
    assert np.mean(recalls) >= 0.98


@pytest.mark.parametrize("k", [1, 10, 200, 1000])
def test_ann_gives_exactly_k(catalogue: Database, k: int) -> None:
    rows = ask(catalogue, "similar_products", f"'S17', {k}")
    assert len({row[0] for row in rows} - {"S17"}) == len(rows) == k


@pytest.mark.parametrize("number", range(0, 600, 60))
def test_filtered_ann_gives_k_inside_the_filter(catalogue: Database, number: int) -> None:
    rows = ask(catalogue, "similar_products", f"'S{number}', 50, category => 'A', price_max => 90")
    assert len(rows) == 50
    assert {row[-1] for row in rows} == {"ann"}
    assert {row[4] for row in rows} <= {"A/One", "A/Two"}
    assert all(row[5] <= 90 for row in rows)


def test_few_matches_are_sorted_exactly(catalogue: Database) -> None:
    for arguments in (
        "'S0', 50, category => 'Far'",
        "'S0', 50, price_min => 99",
        "'S0', 1000, price_min => 99, price_max => 99",
    ):
        found, exact = (
            ask(catalogue, "similar_products", arguments),
            ask(catalogue, "similar_products_exact", arguments),
        )
        assert found == exact
        assert {row[-1] for row in found} == {"exact"}
        assert len(found) >= 50


def test_an_index_that_gives_up_too_soon_is_made_good_by_an_exact_sort(catalogue: Database) -> None:
    with psycopg.connect(catalogue.dsn) as connection:
        far = connection.execute("SELECT sku FROM products WHERE category = 'Far' ORDER BY id LIMIT 1").fetchone()
        connection.execute("ALTER FUNCTION rank_products SET hnsw.iterative_scan = off")
        question = "(%s, 10, category => 'A')"
        found = connection.execute(f"SELECT * FROM similar_products{question}", far).fetchall()
        exact = connection.execute(f"SELECT * FROM similar_products_exact{question}", far).fetchall()
        connection.rollback()
    assert len(found) == 10
    assert found == exact


@pytest.mark.parametrize("matching", [0, 4])
def test_all_come_back_when_fewer_than_k_match(catalogue: Database, matching: int) -> None:
    with psycopg.connect(catalogue.dsn) as connection:
        connection.execute("UPDATE products SET price = 5000 WHERE id <= %s", (matching,))
        rows = connection.execute("SELECT sku FROM similar_products('S5999', 10, price_min => 5000)").fetchall()
        connection.rollback()
    assert len(rows) == matching


def test_an_index_that_is_not_whole_is_not_used(catalogue: Database) -> None:
    with psycopg.connect(catalogue.dsn) as connection:
        connection.execute("DROP INDEX product_embeddings_1_fused_hnsw")
        modes = connection.execute("SELECT DISTINCT mode FROM similar_products('S1')").fetchall()
        connection.rollback()
    assert modes == [("exact",)]


FROM = "SELECT sku FROM active_embeddings ORDER BY"
KEPT = {
    "fused": f"{FROM} fused <#> (SELECT fused FROM active_embeddings WHERE sku = 'S1') LIMIT 10",
    "text": f"{FROM} text <=> (SELECT text FROM active_embeddings WHERE sku = 'S1') LIMIT 10",
    "image": f"{FROM} image <=> (SELECT image FROM active_embeddings WHERE sku = 'S1') LIMIT 10",
}
LOST = {
    "descending": f"{FROM} -(fused <#> (SELECT fused FROM active_embeddings WHERE sku = 'S1')) DESC LIMIT 10",
    "joined": """SELECT e.sku FROM active_embeddings e, active_embeddings q WHERE q.sku = 'S1'
                  ORDER BY e.fused <#> q.fused LIMIT 10""",
    "other operator": f"{FROM} fused <=> (SELECT fused FROM active_embeddings WHERE sku = 'S1') LIMIT 10",
}


def plan(database: Database, query: str) -> str:
    with database.read() as connection:
        return "\n".join(row[0] for row in connection.execute(f"EXPLAIN {query}".encode()).fetchall())


@pytest.mark.parametrize("column", KEPT)
def test_the_view_keeps_the_index(catalogue: Database, column: str) -> None:
    assert f"Index Scan using product_embeddings_1_{column}_hnsw" in plan(catalogue, KEPT[column])


@pytest.mark.parametrize("shape", LOST)
def test_shapes_that_lose_the_index_lose_it(catalogue: Database, shape: str) -> None:
    assert "hnsw" not in plan(catalogue, LOST[shape])
