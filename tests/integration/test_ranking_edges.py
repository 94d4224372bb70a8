"""Rankings at the edges: nothing to compare with, and arguments of null."""

from collections.abc import Callable

import pytest

from backend.database.connection import Database
from backend.spaces.indexes import FEWEST_INDEXED


@pytest.fixture
def indexed(database: Database, drain: Callable[[], int]) -> Database:
    """A space with HNSW indexes, of products that have no photograph."""
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'T' || n FROM generate_series(1, %s) n",
            [FEWEST_INDEXED],
        )
    drain()
    return database


def test_a_query_that_is_zero_ties_everything_and_ties_break_by_product(indexed: Database) -> None:
    with indexed.read() as connection:
        assert connection.execute("SELECT DISTINCT mode FROM similar_products('S1')").fetchone() == ("ann",)
        answer = connection.execute("SELECT sku, score FROM similar_products('S3', 4, w_image => 1)").fetchall()
    assert answer == [("S1", 0.0), ("S2", 0.0), ("S4", 0.0), ("S5", 0.0)]


def test_an_argument_of_null_asks_for_what_is_the_default(indexed: Database) -> None:
    ranking = (
        "SELECT product_id FROM rank_products(find_space(NULL), (find_embedding(find_space(NULL), 'S1')).fused, 3{})"
    )
    with indexed.read() as connection:
        plain = connection.execute("SELECT sku FROM similar_products('S1', 3)").fetchall()
        assert connection.execute("SELECT sku FROM similar_products('S1', 3, exact => NULL)").fetchall() == plain
        nothing_excluded = connection.execute(ranking.format("").encode()).fetchall()
        assert connection.execute(ranking.format(", exclude => NULL").encode()).fetchall() == nothing_excluded
    assert len(plain) == len(nothing_excluded) == 3
