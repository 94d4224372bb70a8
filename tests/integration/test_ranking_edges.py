"""Rankings at the edges: nothing to compare with, and arguments of null."""

from collections.abc import Callable

import psycopg
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


def test_a_space_of_words_alone_ranks_by_them(indexed: Database, drain: Callable[[], int]) -> None:
    with indexed.write() as connection:
        connection.execute("SELECT create_space('words', 'hashing:64', '2', '{title}', 64, 1, NULL, NULL, 0, 0)")
    drain()
    arguments = "'S5', 20, space => 'words'"
    query = '{"like": [{"sku": "S5"}], "k": 20, "space": "words"'
    with indexed.read() as connection:
        found = connection.execute(f"SELECT sku, score FROM similar_products({arguments})".encode()).fetchall()
        exact = connection.execute(f"SELECT sku, score FROM similar_products_exact({arguments})".encode()).fetchall()
        liked = connection.execute(f"SELECT sku, score, contributions FROM recommend('{query}}}')".encode()).fetchall()
    assert len(found) == 20
    assert [score for _, score in found] == pytest.approx([score for _, score in exact], abs=1e-6)
    assert [row[:2] for row in liked] == found
    assert all(parts == {"text": score} for _, score, parts in liked)
    with psycopg.connect(indexed.dsn, autocommit=True) as own:
        for asked in ('"weights": {"image": 1}', '"unlike": [{"vector": {"image": [1]}}]'):
            with pytest.raises(psycopg.Error) as caught:
                own.execute(f"SELECT * FROM recommend('{query}, {asked}}}')".encode())
            assert caught.value.sqlstate == "SM005"
