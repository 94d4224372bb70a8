"""What is near somebody's interests under a filter: in the graph as exactly, each way that there is."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from people_fixtures import BY_TEXT, SIZE
from people_rules import halved, unit
from pgvector import HalfVector
from small_catalogue import fresh_database

from backend.database.connection import Database

COUNT = 4_000
DEPTH = 20
INTERESTS = "find_interests(s, ARRAY(SELECT (p, 1, 1)::weighed_product FROM unnest(%(history)s::bigint[]) p), 5)"
NEAR = f"""
SELECT n.product_ids, n.mode
  FROM find_space('people') s,
       near_interests(s, {INTERESTS}, %(depth)s, %(filter)s, %(exclude)s, %(exact)s, %(asked)s, %(matched)s) n
"""
TRUTH = f"""
SELECT i.n, near.product_id
  FROM find_space('people') s, unnest({INTERESTS}) WITH ORDINALITY i (weight, query, background, members, weights, n),
       LATERAL (SELECT e.product_id FROM product_embeddings e
                 WHERE e.space_id = s.id AND e.product_id <> ALL (%(exclude)s)
                   AND e.product_id = ANY (matching_products(ARRAY(SELECT id FROM products), %(filter)s))
                 ORDER BY e.fused <#> i.query, e.product_id LIMIT %(depth)s) near
"""
# Three of one kind, two of another.
GIVEN: dict[str, Any] = {"history": [21, 41, 61, 32, 52], "exclude": [21, 41, 61, 32, 52, 81], "depth": DEPTH}


def put(connection: psycopg.Connection[Any]) -> None:
    """Products around twenty directions; the price is the id, modulo 100, and a product's kind is the id's tenth."""
    chance = np.random.default_rng(3)
    centres = chance.normal(size=(20, SIZE)) / np.sqrt(SIZE) + 0.1
    with connection.cursor() as cursor:
        with cursor.copy("COPY products (id, sku, title, price, brand) FROM STDIN") as rows:
            for p in range(1, COUNT + 1):
                rows.write_row((p, f"S{p}", f"Thing {p}", p % 100, f"B{p % 20}"))
        space = cursor.execute(BY_TEXT.encode()).fetchone()
        assert space is not None
        cursor.execute("SELECT activate_space('people', force => true)")
        with cursor.copy("COPY product_embeddings (product_id, space_id, text, fused) FROM STDIN") as rows:
            for p in range(1, COUNT + 1):
                vector = halved(unit(centres[p % 20] + chance.normal(size=SIZE) / np.sqrt(SIZE) * 0.5))
                text = HalfVector(vector).to_text()
                rows.write_row((p, space[0], text, text))
        cursor.execute("DELETE FROM embedding_jobs")
        cursor.execute(
            f"CREATE INDEX product_embeddings_{space[0]}_fused_hnsw ON product_embeddings_{space[0]}"
            f" USING hnsw ((fused::halfvec({SIZE})) halfvec_ip_ops)".encode()
        )


@pytest.fixture(scope="module")
def avenue(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """4,000 products with a graph."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _):
        with database.write() as connection:
            put(connection)
        with database.alone() as connection:
            connection.execute("VACUUM ANALYZE products, product_embeddings")
        yield database


@pytest.mark.parametrize(
    ("condition", "share", "mode"),
    [
        pytest.param(None, 1, "ann", id="no filter"),
        pytest.param('{"field": "price", "lt": 60}', 0.6, "ann", id="many match: looked for in what is near"),
        pytest.param('{"field": "price", "lt": 45}', 0.3, "ann", id="some match: the graph is searched more widely"),
        pytest.param('{"field": "price", "lt": 5}', 0.05, "exact", id="few match: all of them compared"),
        pytest.param('{"field": "price", "lt": 5}', 1, "exact", id="few match, though all of the history do"),
        pytest.param('{"not": {"field": "brand", "eq": "B1"}}', 1, "ann", id="what is near does not match at all"),
        pytest.param('{"field": "price", "lt": 0}', 0, "exact", id="nothing matches"),
    ],
)
def test_a_filter_brings_what_is_near_among_what_matches(
    avenue: Database, condition: str | None, share: float, mode: str
) -> None:
    # So many of the history are said to match.
    asked = GIVEN["history"]
    given = GIVEN | {"filter": condition, "asked": asked, "matched": asked[: round(share * len(asked))]}
    with avenue.read() as connection:
        wanted = connection.execute(TRUTH.encode(), given).fetchall()
        answers = [connection.execute(NEAR.encode(), given | {"exact": exact}).fetchone() for exact in (False, True)]
        matching = connection.execute("SELECT matching_products(ARRAY(SELECT id FROM products), %s)", [condition])
        ((matches,),) = matching.fetchall()
    assert [answer and answer[1] for answer in answers] == [mode, "exact"]
    near = {product for _, product in wanted}
    assert len({n for n, _ in wanted}) > 1 or not matches
    for answer, recall in zip(answers, (0.95, 1), strict=True):
        assert answer is not None
        assert len(near & set(answer[0])) >= recall * len(near)
        assert set(answer[0]) <= set(matches) - set(GIVEN["exclude"])
