"""The odd catalogue with vectors made up for most of its products, and searches over it."""

import json
from typing import Any

import numpy as np
import psycopg
import pytest
from filter_oracle import Catalogue, Json
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg.types.json import Jsonb

WORDS = ("linen", "wool", "shirt", "coat", "red", "blue")
DIMENSIONS = 64


def titled() -> Catalogue:
    """One to three words for the title of each product; many products share one, so that ties are real."""
    chance = np.random.default_rng(3)
    return Catalogue(
        {
            number: product
            | {"title": " ".join(chance.choice(WORDS, size=chance.integers(1, 4), replace=False).tolist())}
            for number, product in Catalogue.odd(2_000).products.items()
        }
    )


CATALOGUE = titled()
TITLES: dict[int, str] = {number: product["title"] for number, product in CATALOGUE.products.items()}
# Every ninth product has no vector yet.
EMBEDDED = frozenset(number for number in CATALOGUE.products if number % 9)


def vectors() -> dict[int, NDArray[np.float16]]:
    """A unit vector of the text for each embedded product; some are the same, so that ties are real."""
    chance = np.random.default_rng(4)
    few = chance.normal(size=(700, DIMENSIONS))
    few /= np.linalg.norm(few, axis=1, keepdims=True)
    return {number: few[chance.integers(0, 700)].astype(np.float16) for number in sorted(EMBEDDED)}


VECTORS = vectors()


@pytest.fixture(scope="module")
def connection(scratch: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """The catalogue in a database of its own."""
    CATALOGUE.store(scratch)
    copying = "COPY product_embeddings (product_id, space_id, text, fused) FROM STDIN"
    with scratch.cursor() as cursor, cursor.copy(copying) as copy:
        for number, vector in VECTORS.items():
            fused = np.concatenate([vector * np.sqrt(0.5), np.zeros(DIMENSIONS)])
            copy.write_row((number, 1, HalfVector(vector).to_text(), HalfVector(fused).to_text()))
    scratch.execute("VACUUM ANALYZE products, product_words, product_embeddings")
    return scratch


def ask(connection: psycopg.Connection[Any], query: Json) -> list[Json]:
    """The rows of search_products, by column."""
    rows = connection.execute("SELECT to_jsonb(f) FROM search_products(%s) f ORDER BY position", [Jsonb(query)])
    return [row for (row,) in rows]


def count(
    connection: psycopg.Connection[Any],
    node: Json | None,
    fields: list[str],
    *,
    text: str | None = None,
    top: int = 1000,
) -> dict[str, list[tuple[Any, int]]]:
    """The rows of facet_counts by field, in order."""
    rows = connection.execute(
        "SELECT field, value, count FROM facet_counts(%s::jsonb, %s, %s, %s)",
        [None if node is None else json.dumps(node), fields, text, top],
    )
    found: dict[str, list[tuple[Any, int]]] = {field: [] for field in fields}
    for field, value, number in rows:
        found[field].append((value, number))
    return found
