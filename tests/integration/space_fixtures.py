"""Spaces without a model: a stand-in for the worker that embeds by the hashing encoder, one statement a product."""

from collections.abc import Callable

import pytest
from pgvector import HalfVector

from backend.database.connection import Database
from backend.spaces.embedder import Embedder
from backend.spaces.filling import FillStep, advance_fill
from backend.spaces.inputs import hash_texts
from backend.spaces.life import create_space, find_space
from backend.spaces.recipe import Recipe
from backend.spaces.space import Space

WORDS = Recipe(text="hashing:8", image=None, text_weight=1.0, image_weight=0.0)

CLAIM = """
DELETE FROM embedding_jobs j
 USING (SELECT product_id, space_id FROM embedding_jobs
         WHERE space_id = %s AND state <> 'dead' FOR UPDATE SKIP LOCKED) due
 WHERE j.product_id = due.product_id AND j.space_id = due.space_id RETURNING j.product_id"""
# In a statement of its own: a job that the first one waited for belongs to a title that it does not see.
READ = "SELECT id, title, description, brand, attributes, price FROM products WHERE id = ANY (%s)"
STORE = """
INSERT INTO product_embeddings (product_id, space_id, text, fused, text_hash) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (product_id, space_id) DO UPDATE
   SET text = excluded.text, fused = excluded.fused, text_hash = excluded.text_hash, embedded_at = now()"""


def insert(database: Database, count: int, prefix: str = "S") -> None:
    """Products whose titles say their number."""
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT %s || i, 'Word' || i %% 50 || ' number ' || i"
            " FROM generate_series(1, %s::int) i",
            [prefix, count],
        )


def embed(database: Database, space: Space) -> int:
    """Embed what is queued for a space of words; returns how many products that were."""
    embedder = Embedder(database)
    with database.write() as connection, connection.cursor() as cursor:
        claimed = [row[0] for row in cursor.execute(CLAIM, [space.id]).fetchall()]
        rows = cursor.execute(READ, [claimed]).fetchall()
        texts = [space.texts_of(*row[1:]) for row in rows]
        vectors = [HalfVector(vector) for vector in embedder.product_texts(space, texts)]
        cursor.executemany(
            STORE,
            [
                (row[0], space.id, vector, vector, hash_texts(text))
                for row, text, vector in zip(rows, texts, vectors, strict=True)
            ],
        )
    return len(rows)


def fill(database: Database, space: Space) -> FillStep:
    """Go on with a fill, and embed what it queues, to its end."""
    for _ in range(100):
        step = advance_fill(database, space)
        if step.stage == "filled":
            return step
        embed(database, space)
    raise AssertionError(f"the fill of {space.name} came to no end: {step}")


@pytest.fixture
def new_space(database: Database) -> Callable[[str], Space]:
    """Makes a space of words and fills it."""

    def make(name: str) -> Space:
        space = create_space(database, name, WORDS)
        fill(database, space)
        return find_space(database, name)

    return make
