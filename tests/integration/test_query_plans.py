"""Every hot query on 50,000 products keeps its index: which relations it scanned, and how many rows it read by that.

The counters are those of the transaction itself, so that a statement inside a function counts as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from psycopg.types.json import Jsonb
from small_catalogue import fresh_database

from backend.spaces import indexes
from backend.spaces.fusion import fuse
from backend.spaces.space import active_space

COUNT = 50_000
CATALOGUE = """
INSERT INTO products (id, sku, title, brand, category, price, in_stock, variant_group, attributes, created_at)
SELECT i, 'S' || i, 'Word' || i % 5000 || ' thing', 'Brand ' || i % 400, format('C%s/D%s/E%s', i % 12, i % 60, i % 240),
       (i * 7919 % 100000) / 10.0, i % 5 > 0, 'G' || i / 4,
       jsonb_build_object('season', (ARRAY['Fall', 'Summer'])[1 + i % 2], 'colour', 'c' || i % 100),
       '2025-01-01Z'::timestamptz + i * interval '1 minute'
  FROM generate_series(1, 50000) i"""
EVENTS = "INSERT INTO events (product_id, user_id, kind) SELECT i, 'u', 'purchase' FROM generate_series(1, 9000) i"
SPACE = "SELECT create_space('small', 'hashing:4', '2', '{title}', 4, 0.5, 'hashing:8', '2', 8, 0.5)"
COUNTERS = """
SELECT c.relname, pg_stat_get_xact_numscans(c.oid), pg_stat_get_xact_tuples_returned(c.oid), c.relkind = 'i'
  FROM pg_class c WHERE c.relnamespace = 'shelfmate'::regnamespace AND c.relkind IN ('r', 'i')"""
WIDE = {"field": "in_stock", "eq": True}
# A sort instead of a search reads all; a bounded look at what matches, some thousands.
FEW = 10_000


@dataclass(frozen=True)
class Scans:
    """How often each relation was scanned and how many rows that read: tables whole, indexes by a key."""

    counted: dict[str, tuple[int, int, bool]]

    def of(self, name: str) -> int:
        """Scans of an index, or of a whole table."""
        return self.counted.get(name, (0, 0, False))[0]

    @property
    def graphs(self) -> dict[str, int]:
        """Scans of HNSW indexes by their column."""
        return {name.split("_")[-2]: one[0] for name, one in self.counted.items() if name.endswith("_hnsw")}

    @property
    def read_whole(self) -> dict[str, int]:
        """Rows that were read of tables without an index, but for tables that are always small."""
        large = ("products", "product_words", "events", "counted_popularity")
        return {
            name: rows
            for name, (_, rows, is_index) in self.counted.items()
            if not is_index and rows and (name in large or name.startswith("product_embeddings"))
        }


@pytest.fixture(scope="module")
def dsn(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """50,000 products with small random vectors, and the indexes of both blocks together and of text."""
    chance = np.random.default_rng(6)
    blocks = [chance.normal(size=(COUNT, size)) for size in (4, 8)]
    text, image = ((block / np.linalg.norm(block, axis=1, keepdims=True)).astype(np.float32) for block in blocks)
    fused = fuse([text, image, None], (0.5, 0.5, 0), (4, 8, 0))
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _):
        with database.write() as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM embedding_spaces")
            space = (cursor.execute(SPACE).fetchone() or (0,))[0]
            cursor.execute("ALTER TABLE products DISABLE TRIGGER queue_inserted")
            cursor.execute(CATALOGUE)
            cursor.execute("ALTER TABLE products ENABLE TRIGGER queue_inserted")
            with cursor.copy(
                "COPY product_embeddings (product_id, space_id, text, image, fused) FROM STDIN (FORMAT binary)"
            ) as copy:
                for number in range(COUNT):
                    vectors = (HalfVector(block[number]).to_binary() for block in (text, image, fused))
                    copy.write_row(
                        [
                            (number + 1).to_bytes(8, "big"),
                            int(space).to_bytes(4, "big"),
                            *vectors,
                        ]
                    )
            cursor.execute(EVENTS)
            cursor.execute("SELECT count_popularity()")
        with database.alone() as alone:
            alone.execute("VACUUM ANALYZE products, product_embeddings, product_words, counted_popularity, events")
        # Worse graphs than in earnest, and four times sooner: what is asked matters here, not what comes back.
        with database.alone() as alone, pytest.MonkeyPatch.context() as patch:
            patch.setattr(indexes, "EF_CONSTRUCTION", 32)
            two = indexes.wanted_indexes(active_space(database))[:2]
            patch.setattr(indexes, "wanted_indexes", lambda _: two)
            assert len(indexes.build_indexes(alone, active_space(database), lambda _: None)) == 2
        yield database.dsn


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn) as connection:
        # A worker's scans are counted elsewhere.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        yield connection
        connection.rollback()


def scans_of(connection: psycopg.Connection[Any], statement: str, *values: Any) -> tuple[list[tuple[Any, ...]], Scans]:
    """The rows of a statement, and what it scanned."""
    before = {name: one for name, *one in connection.execute(COUNTERS).fetchall()}
    rows = connection.execute(statement.encode(), values).fetchall()
    after = {name: one for name, *one in connection.execute(COUNTERS).fetchall()}
    return rows, Scans(
        {
            name: (scans - before.get(name, (0, 0))[0], read - before.get(name, (0, 0))[1], is_index)
            for name, (scans, read, is_index) in after.items()
        }
    )


def graphs(**counted: int) -> dict[str, int]:
    return {"fused": 0, "text": 0} | counted


@pytest.mark.parametrize(
    ("arguments", "column"),
    [
        ("", "fused"),
        (", w_text => 0.6, w_image => 0.4", "fused"),
        (", w_text => 1", "text"),
    ],
)
def test_similar_products_ask_one_graph_once(connection: psycopg.Connection[Any], arguments: str, column: str) -> None:
    rows, scans = scans_of(connection, f"SELECT mode FROM similar_products('S77'{arguments})")
    assert rows == [("ann",)] * 10
    assert scans.graphs == graphs(**{column: 1})
    assert scans.read_whole == {}


def test_a_wide_filter_asks_the_graph_and_looks_at_a_bounded_number_of_products(
    connection: psycopg.Connection[Any],
) -> None:
    rows, scans = scans_of(connection, "SELECT mode FROM similar_products('S77', filter => %s)", Jsonb(WIDE))
    assert rows == [("ann",)] * 10
    assert scans.graphs == graphs(fused=1)
    assert scans.read_whole.keys() <= {"products"}
    assert sum(scans.read_whole.values()) < FEW


@pytest.mark.parametrize(
    ("node", "index"),
    [
        ({"field": "category", "under": "C3/D15"}, "category"),
        ({"field": "price", "gte": 100, "lt": 120}, "price"),
        ({"field": "brand", "eq": "Brand 7"}, "brand"),
        ({"field": "brand", "in": ["Brand 7", "Brand 8"]}, "brand"),
        ({"field": "attributes.colour", "eq": "c7"}, "attributes"),
        ({"field": "variant_group", "eq": "G70"}, "variant_group"),
        ({"field": "sku", "in": ["S5", "S6"]}, "sku"),
        ({"field": "created_at", "gte": "2025-02-04T00:00:00Z"}, "created_at"),
        ({"all": [WIDE, {"field": "brand", "eq": "Brand 7"}]}, "brand"),
    ],
    ids=str,
)
def test_a_narrow_filter_is_found_by_its_own_index_and_sorted(
    connection: psycopg.Connection[Any], node: Any, index: str
) -> None:
    rows, scans = scans_of(connection, "SELECT mode FROM similar_products('S77', filter => %s)", Jsonb(node))
    assert {mode for (mode,) in rows} == {"exact"}
    asked = [name for name in scans.counted if name.startswith(f"products_{index}_") and scans.of(name)]
    assert asked
    assert scans.graphs == graphs()
    assert scans.read_whole == {}


def test_exact_reads_the_vectors_once(connection: psycopg.Connection[Any]) -> None:
    rows, scans = scans_of(connection, "SELECT mode FROM similar_products_exact('S77')")
    assert rows == [("exact",)] * 10
    assert scans.graphs == graphs()
    (name,) = [name for name in scans.read_whole if name.startswith("product_embeddings_")]
    assert scans.read_whole == {name: COUNT}


def test_a_hundred_products_at_once_ask_the_graph_a_hundred_times(connection: psycopg.Connection[Any]) -> None:
    rows, scans = scans_of(
        connection,
        "SELECT s.sku FROM unnest(%s::text[]) q (sku) CROSS JOIN LATERAL similar_products(q.sku, 5) s",
        [f"S{number}" for number in range(1, 50_001, 500)],
    )
    assert len(rows) == 500
    asked = scans.graphs.pop("fused")
    # A product that the graph does not reach is asked for more widely.
    assert 100 <= asked <= 120
    assert scans.read_whole == {}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({"like": [{"sku": "S1"}]}, 1),
        ({"like": [{"sku": "S1"}], "weights": {"text": 0.7, "image": 0.3}, "diversity": 0.3}, 1),
        ({"like": [{"sku": "S1"}, {"sku": "S2"}], "strategy": "best_score"}, 2),
        ({"like": [{"vector": {"text": [1] * 4, "image": [1] * 8}}]}, 1),
    ],
    ids=str,
)
def test_recommend_asks_the_graph_once_for_each_query_vector(
    connection: psycopg.Connection[Any], query: Any, asked: int
) -> None:
    rows, scans = scans_of(connection, "SELECT mode FROM recommend(%s)", Jsonb(query))
    assert len(rows) == 10
    assert scans.graphs["fused"] == asked
    assert scans.read_whole == {}


def test_recommend_finds_variants_by_their_index(connection: psycopg.Connection[Any]) -> None:
    query = {"like": [{"sku": "S1"}], "one_per_variant_group": True}
    rows, scans = scans_of(connection, "SELECT variants FROM recommend(%s)", Jsonb(query))
    assert all(len(variants) == 3 for (variants,) in rows)
    assert scans.of("products_variant_group_idx") == 10
    assert scans.read_whole == {}


def test_a_boost_asks_once_more_inside_its_filter(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO ranking_rules (name, action, amount, filter) VALUES ('lift', 'boost', 0.1, %s)",
        [Jsonb({"field": "brand", "eq": "Brand 7"})],
    )
    rows, scans = scans_of(connection, "SELECT mode FROM recommend(%s)", Jsonb({"like": [{"sku": "S1"}]}))
    assert len(rows) == 10
    assert scans.graphs["fused"] >= 1
    assert scans.of("products_brand_idx") >= 1
    assert scans.read_whole == {}


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT (find_embedding(find_space(NULL), 'S77')).product_id",
        "SELECT score FROM (SELECT sum(contribution) AS score FROM explain_similarity('S1', 'S2')) s",
        "SELECT product_id FROM active_embeddings WHERE sku = 'S77'",
    ],
)
def test_a_product_is_found_by_its_sku(connection: psycopg.Connection[Any], statement: str) -> None:
    rows, scans = scans_of(connection, statement)
    assert len(rows) == 1
    assert scans.of("products_sku_key") >= 1
    assert scans.read_whole == {}


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT product_id FROM popular_products(10)", "counted_popularity_popularity_idx"),
        ("SELECT product_id FROM newest_products(10)", "products_created_at_idx"),
        (
            'SELECT product_id FROM newest_products(10, \'{"field": "in_stock", "eq": true}\')',
            "products_created_at_idx",
        ),
    ],
)
def test_popular_and_newest_read_the_beginning_of_an_index(
    connection: psycopg.Connection[Any], statement: str, index: str
) -> None:
    rows, scans = scans_of(connection, statement)
    assert len(rows) == 10
    assert scans.of(index) == 1
    assert scans.counted[index][1] <= 100
    assert scans.read_whole == {}


def test_words_are_found_by_their_index(connection: psycopg.Connection[Any]) -> None:
    rows, scans = scans_of(connection, "SELECT sku FROM search_products(%s)", Jsonb({"text": "word77"}))
    assert len(rows) == 10
    assert scans.of("product_words_words_idx") == 1
    assert scans.read_whole == {}


def test_a_search_by_words_and_meaning_asks_both_indexes(connection: psycopg.Connection[Any]) -> None:
    query = {"text": "word77", "vector": {"text": [1, 2, 3, 4]}}
    rows, scans = scans_of(connection, "SELECT sku FROM search_products(%s)", Jsonb(query))
    assert len(rows) == 10
    assert scans.of("product_words_words_idx") == 1
    assert scans.graphs == graphs(text=1)
    assert scans.read_whole == {}
