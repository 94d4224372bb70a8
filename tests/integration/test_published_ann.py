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


def recall(found: list[tuple[Any, ...]], exact: list[tuple[Any, ...]]) -> float:
    """The share of the true answer that was found; one as good as the last of it counts."""
    return len([row for row in found if row[1] >= exact[-1][1] - 1e-6]) / len(exact)


def mostly_by_the_graph(modes: list[str]) -> bool:
    """A graph may leave out a cluster of products; those are then answered exactly."""
    return modes.count("ann") >= 0.8 * len(modes)


@pytest.mark.parametrize("weights", ["", ", w_text => 0.9, w_image => 0.1", ", w_image => 1"])
def test_ann_finds_what_exact_finds(catalogue: Database, weights: str) -> None:
    recalls, modes = [], []
    for number in range(0, PRODUCTS, 200):
        found = ask(catalogue, "similar_products", f"'S{number}', 10{weights}")
        exact = ask(catalogue, "similar_products_exact", f"'S{number}', 10{weights}")
        assert {row[-1] for row in exact} == {"exact"}
        assert len({row[-1] for row in found}) == 1
        scores = {row[0]: row[:4] for row in exact}
        assert all(scores.get(row[0], row[:4]) == row[:4] for row in found)
        assert [row[1] for row in found] == sorted((row[1] for row in found), reverse=True)
        recalls.append(recall(found, exact))
        modes.append(found[0][-1])
    assert np.mean(recalls) >= 0.99
    assert mostly_by_the_graph(modes)


@pytest.mark.parametrize("k", [1, 10, 200, 1000])
def test_ann_gives_exactly_k(catalogue: Database, k: int) -> None:
    rows = ask(catalogue, "similar_products", f"'S17', {k}")
    assert len({row[0] for row in rows} - {"S17"}) == len(rows) == k


def test_filtered_ann_gives_k_inside_the_filter(catalogue: Database) -> None:
    recalls, modes = [], []
    for number in range(0, PRODUCTS, 400):
        arguments = f"'S{number}', 20, category => 'A', price_max => 90"
        rows = ask(catalogue, "similar_products", arguments)
        assert len({row[0] for row in rows} - {f"S{number}"}) == len(rows) == 20
        assert {row[4] for row in rows} <= {"A/One", "A/Two"}
        assert all(row[5] <= 90 for row in rows)
        recalls.append(recall(rows, ask(catalogue, "similar_products_exact", arguments)))
        modes.append(rows[0][-1])
    assert np.mean(recalls) >= 0.99
    # From Far there are no matches nearby: those are sorted.
    assert "ann" in modes


def test_a_filter_far_from_the_query_is_answered_exactly(catalogue: Database) -> None:
    """Nothing near the query matches, and a graph has few ways to where the matches are."""
    with catalogue.read() as connection:
        one_side, other_side = (
            [row[0] for row in connection.execute(query).fetchall()]
            for query in (
                "SELECT sku FROM products WHERE category <> 'Far' ORDER BY id LIMIT 10",
                "SELECT sku FROM products WHERE category = 'Far' ORDER BY id LIMIT 10",
            )
        )
    questions = [f"'{sku}', 10, category => 'Far'" for sku in one_side]
    questions += [f"'{sku}', 10, category => 'A'" for sku in other_side]
    questions += [f"'{sku}', 10, price_max => 80, category => 'A', w_text => 1" for sku in other_side]
    for question in questions:
        found, exact = (ask(catalogue, name, question) for name in ("similar_products", "similar_products_exact"))
        assert found == exact


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


def take_out_of_the_graphs(connection: psycopg.Connection[Any], condition: str) -> None:
    """Store the vectors of these products anew, unknown to the indexes, as if no way through the graph led to them."""
    connection.execute(
        """UPDATE pg_index SET indisready = false
            WHERE indexrelid::regclass::text LIKE '%product_embeddings_1_%_hnsw'"""
    )
    connection.execute(
        f"""CREATE TEMP TABLE unreachable ON COMMIT DROP AS
            SELECT e.* FROM product_embeddings e JOIN products p ON p.id = e.product_id WHERE {condition}""".encode()
    )
    connection.execute(
        "DELETE FROM product_embeddings USING unreachable u WHERE product_embeddings.product_id = u.product_id"
    )
    connection.execute("INSERT INTO product_embeddings SELECT * FROM unreachable")


@pytest.mark.parametrize("arguments", ["", ", w_image => 1", ", price_max => 80"])
def test_products_that_the_graph_does_not_reach_are_found_all_the_same(catalogue: Database, arguments: str) -> None:
    with psycopg.connect(catalogue.dsn) as connection:
        far = connection.execute("SELECT sku FROM products WHERE category = 'Far' ORDER BY id LIMIT 3").fetchall()
        take_out_of_the_graphs(connection, "p.category = 'Far'")
        for (sku,) in far:
            question = f"('{sku}', 10{arguments})".encode()
            found = connection.execute(b"SELECT * FROM similar_products" + question).fetchall()
            # The product itself did not come back, which says that the graph cannot be trusted here.
            assert {row[-1] for row in found} == {"exact"}
            assert found == connection.execute(b"SELECT * FROM similar_products_exact" + question).fetchall()
        connection.rollback()


def test_a_graph_that_returns_fewer_than_k_is_made_good_by_a_sort(catalogue: Database) -> None:
    with psycopg.connect(catalogue.dsn) as connection:
        take_out_of_the_graphs(connection, "p.id > 60")
        few = connection.execute("SELECT * FROM similar_products('S7', 5)").fetchall()
        found = connection.execute("SELECT * FROM similar_products('S7', 100)").fetchall()
        exact = connection.execute("SELECT * FROM similar_products_exact('S7', 100)").fetchall()
        connection.rollback()
    # What the graph does hold is still answered by it: that the others are gone from it nobody can know.
    assert {row[-1] for row in few} == {"ann"}
    assert len(found) == 100
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
