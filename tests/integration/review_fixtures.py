"""Spaces with reviews, and their blocks computed anew from nothing but the reviews and the encoder."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.database.connection import Database
from backend.encoders.registry import load_text_encoder
from backend.spaces.embedder import Embedder
from backend.spaces.fusion import Vectors
from backend.spaces.life import create_space
from backend.spaces.recipe import Recipe
from backend.spaces.space import Space

ENCODER = "hashing:48"
REVIEWED = Recipe(
    text="hashing:16", image="hashing:8", text_weight=0.5, image_weight=0.3, reviews=ENCODER, reviews_weight=0.2
)
ONLY_REVIEWS = Recipe(text=None, image=None, text_weight=0, image_weight=0, reviews=ENCODER, reviews_weight=1)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
HALF_LIFE = 2 * 365.25 * 86400

Block = NDArray[np.float64]


class CountingEmbedder(Embedder):
    """Notes which reviews are encoded."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.encoded: list[str] = []
        self.calls: list[int] = []

    def reviews(self, space: Space, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        self.calls.append(len(texts))
        return super().reviews(space, texts)


def run(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """One statement in a transaction of its own, and its rows if it has any."""
    with database.write() as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def reviewed_space(database: Database, name: str = "reviewed", recipe: Recipe = REVIEWED) -> Space:
    """A space with reviews, which workers have yet to fill."""
    return create_space(database, name, recipe)


def review(database: Database, sku: str, title: str, body: str = "", **more: object) -> int:
    """Insert a review; returns its id."""
    values: dict[str, Any] = {"rating": 4, "helpful_votes": 0, "written_at": None} | more
    ((number,),) = run(
        database,
        "INSERT INTO reviews (product_id, rating, title, body, helpful_votes, written_at, fingerprint)"
        " SELECT id, %s, %s, %s, %s, %s, sha256(gen_random_uuid()::text::bytea) FROM products WHERE sku = %s"
        " RETURNING id",
        *(values["rating"], title, body, values["helpful_votes"], values["written_at"], sku),
    )
    return int(number)


def set_debounce(database: Database, interval: str) -> None:
    """Reviews are put off so long instead of five seconds: a moment where a test waits for it, else out of its way."""
    ((definition,),) = run(database, "SELECT pg_get_functiondef('queue_reviews(bigint[])'::regprocedure)")
    assert "'5 seconds'" in definition
    with database.write() as connection:
        connection.execute(definition.replace("'5 seconds'", f"'{interval}'").encode())


def weight(votes: int, written_at: datetime | None, created_at: datetime) -> float:
    """What docs/spaces.md says a review counts."""
    at = min(written_at or created_at, created_at)
    return (1 + math.log(1 + votes)) * 2 ** ((at - EPOCH).total_seconds() / HALF_LIFE)


def expected_blocks(database: Database, encoder: str = ENCODER) -> dict[str, Block]:
    """The block of every product that has reviews which say something, by sku."""
    loaded = load_text_encoder(encoder)
    sums: dict[str, Block] = {}
    rows = run(
        database,
        "SELECT p.sku, r.title, r.body, r.helpful_votes, r.written_at, r.created_at"
        " FROM reviews r JOIN products p ON p.id = r.product_id",
    )
    for sku, title, body, votes, written_at, created_at in rows:
        text = ". ".join(part.strip() for part in (title, body) if part.strip())
        vector = loaded.encode([text])[0].astype(np.float64) * weight(votes, written_at, created_at)
        sums[sku] = sums.get(sku, 0) + vector
    return {sku: total / np.linalg.norm(total) for sku, total in sums.items() if np.linalg.norm(total) > 0}


def stored_blocks(database: Database, space: Space) -> dict[str, Block]:
    """The blocks that the space has."""
    rows = run(
        database,
        "SELECT p.sku, e.reviews FROM product_embeddings e JOIN products p ON p.id = e.product_id"
        " WHERE e.space_id = %s AND e.reviews IS NOT NULL",
        space.id,
    )
    return {sku: reviews.to_numpy().astype(np.float64) for sku, reviews in rows}


def assert_blocks(database: Database, space: Space, encoder: str = ENCODER) -> None:
    """Every product has the block that its reviews make, and the fused vector has it too."""
    expected, stored = expected_blocks(database, encoder), stored_blocks(database, space)
    assert stored.keys() == expected.keys()
    for sku, block in expected.items():
        np.testing.assert_allclose(stored[sku], block, atol=1e-3, err_msg=sku)
    first = space.text_dimensions + space.image_dimensions
    rows = run(
        database,
        "SELECT p.sku, e.fused FROM product_embeddings e JOIN products p ON p.id = e.product_id WHERE e.space_id = %s",
        space.id,
    )
    for sku, fused in rows:
        part = fused.to_numpy().astype(np.float64)[first:]
        wanted = expected.get(sku, np.zeros(space.reviews_dimensions)) * space.reviews_weight**0.5
        np.testing.assert_allclose(part, wanted, atol=1e-3, err_msg=sku)
