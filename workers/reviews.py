"""The reviews of a batch: which have yet to be encoded, and the block of each product, made of all of its own."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.embedder import Embedder
from backend.spaces.space import Space
from workers.halves import half
from workers.lease import Lease

SQL = load_queries("reviews")

Vector = NDArray[np.float32]

# Of all products of a batch and one space: a product with more goes on in the next batch, with what is stored by then.
# 2,000 are some seconds of MiniLM on one core, and 8 MB of texts at most.
MOST_FRESH = 2_000
# Where somebody waits for an edit that is in the batch too.
MOST_FRESH_HURRIED = 64
# Encoded in one call: after each the batch has shown that it does not hang.
REVIEWS_AT_ONCE = 256


@dataclass(frozen=True)
class Fresh:
    """A review that has yet to be encoded: its text, the hash that the text goes by, and its weight in the block."""

    product_id: int
    id: int
    text: str
    text_hash: bytes
    weight: float


@dataclass
class Reviews:
    """The reviews of one product: ``stored`` is the weighted sum (d,) float64 of those that have vectors, None without
    any; ``fresh`` are those to encode now, and ``left_over`` how many more there are for a later batch."""

    stored: NDArray[np.float64] | None = None
    fresh: list[Fresh] = field(default_factory=list)
    left_over: int = 0


@dataclass(frozen=True)
class Encoded:
    """A product's block, None without reviews that say something; the new vectors of its reviews, None where one says
    nothing; whether none is left over."""

    block: Vector | None
    fresh: Sequence[tuple[Fresh, Vector | None]]
    is_finished: bool


def load_reviews(database: Database, space: Space, leases: Sequence[Lease]) -> dict[int, Reviews]:
    """What is to be made of the reviews of leased products, by product; one without reviews is left out."""
    products = [lease.product_id for lease in leases if lease.space_id == space.id]
    most = MOST_FRESH_HURRIED if any(lease.priority == 0 for lease in leases) else MOST_FRESH
    arguments: dict[str, Any] = {"space_id": space.id, "product_ids": products, "most": most}
    arguments["dimensions"] = space.reviews_dimensions
    found: dict[int, Reviews] = {}
    with database.primary() as connection:
        for product_id, mean, count, left_over in connection.execute(SQL["stored"], arguments, binary=True):
            stored = None if mean is None else np.asarray(mean.to_numpy(), dtype=np.float64) * count
            found[product_id] = Reviews(stored, left_over=left_over)
        if any(reviews.left_over for reviews in found.values()):
            with connection.cursor(row_factory=class_row(Fresh)) as cursor:
                for fresh in cursor.execute(SQL["fresh"], arguments):
                    # One that came since resets the job, whose result is refused then.
                    reviews = found.setdefault(fresh.product_id, Reviews())
                    reviews.fresh.append(fresh)
                    reviews.left_over = max(0, reviews.left_over - 1)
    return found


def encode_reviews(
    products: Sequence[Reviews], space: Space, embedder: Embedder, alive: Callable[[], None]
) -> list[Encoded]:
    """The block of each product and the vectors of its fresh reviews; equal texts are encoded once."""
    # By length, so that texts of one length meet in a batch.
    texts = sorted({fresh.text for reviews in products for fresh in reviews.fresh}, key=len)
    vectors: dict[str, Vector] = {}
    for start in range(0, len(texts), REVIEWS_AT_ONCE):
        chunk = texts[start : start + REVIEWS_AT_ONCE]
        vectors.update(zip(chunk, _as_stored(embedder.reviews(space, chunk)), strict=True))
        alive()
    return [_encoded(reviews, vectors) for reviews in products]


def _encoded(reviews: Reviews, vectors: dict[str, Vector]) -> Encoded:
    total = reviews.stored
    for fresh in reviews.fresh:
        part = vectors[fresh.text].astype(np.float64) * fresh.weight
        total = part if total is None else total + part
    length = 0.0 if total is None else float(np.linalg.norm(total))
    block = None if total is None or length == 0 else _as_stored((total / length).astype(np.float32))
    said = [(fresh, vectors[fresh.text] if vectors[fresh.text].any() else None) for fresh in reviews.fresh]
    return Encoded(block, said, is_finished=reviews.left_over == 0)


def _as_stored(rows: Vector) -> Vector:
    """As halves hold them: a block is the same, to the last bit nearly, from new vectors and from stored ones."""
    return rows.astype(np.float16).astype(np.float32)


def columns(results: Sequence[Encoded]) -> dict[str, list[Any]]:
    """The fresh vectors of several products as the arrays that ``store`` takes."""
    arrays: dict[str, list[Any]] = defaultdict(list)
    for encoded in results:
        for fresh, vector in encoded.fresh:
            arrays["of_products"].append(fresh.product_id)
            arrays["review_ids"].append(fresh.id)
            arrays["embeddings"].append(half(vector))
            arrays["review_hashes"].append(fresh.text_hash)
    return {name: arrays[name] for name in ("of_products", "review_ids", "embeddings", "review_hashes")}
