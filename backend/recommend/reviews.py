"""Search inside reviews, and products like one that people rate better: the published SQL functions with types."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.recommend.ranking import Weights
from backend.recommend.wanted import wanted
from backend.spaces.embedder import Embedder
from backend.spaces.space import Space, list_spaces

SQL = load_queries("reviews")

Json = dict[str, Any]
# As the database has it for words.
MOST_CHARACTERS = 1_000
# The space's own.
OWN = Weights()


@dataclass(frozen=True)
class ReviewHit:
    """One review that was found, with the product it is of.

    ``score`` is the cosine by meaning alone, ts_rank by words alone (``mode`` words), else their reciprocal ranks;
    ``mode`` otherwise says how the vectors were compared.
    """

    review_id: int
    product_id: int
    sku: str
    title: str
    rating: int
    review_title: str
    review_body: str
    score: float
    helpful_votes: int
    verified: bool
    written_at: datetime | None
    mode: Literal["words", "exact", "ann"]


@dataclass(frozen=True)
class BetterHit:
    """One similar product that is rated better, by ``rating_gain`` stars of its Bayesian mean.

    ``text``, ``image`` and ``reviews`` are the parts of each modality in the score.
    """

    sku: str
    title: str
    score: float
    bayesian_rating: float
    review_count: int
    rating_gain: float
    rating: float
    text: float | None
    image: float | None
    reviews: float | None
    brand: str | None
    category: str | None
    price: Decimal | None
    currency: str | None
    in_stock: bool
    variant_group: str | None
    space: str
    mode: Literal["exact", "ann"]

    @property
    def contributions(self) -> dict[str, float]:
        """The part of each modality that the space has; they add up to the score."""
        parts = {"text": self.text, "image": self.image, "reviews": self.reviews}
        return {name: part for name, part in parts.items() if part is not None}


def search_reviews(
    database: Database,
    embedder: Embedder | None,
    text: str,
    *,
    k: int = 10,
    filter: Any = None,  # noqa: A002  # as the query's member is called
    sku: str | None = None,
    rating_min: int | None = None,
    rating_max: int | None = None,
    space: str | None = None,
) -> list[ReviewHit]:
    """The k best reviews for a text, by words and by meaning.

    ``filter`` is of products, as JSON; ``sku`` keeps to the reviews of one, ``rating_min`` and ``rating_max`` to those
    of so many stars. The meaning is that of ``space``, else of the active space or of the last filled one that has
    reviews; without any, or without ``embedder``, and for a text that only excludes, the words alone count.

    Raises:
        NotFound: there is no such product.
        InvalidInput: something does not fit; its field is named.
        WeightsMissing: the encoder's weights are not on this machine.
    """
    query: Json = {"words": text, "k": k}
    given = {"filter": filter, "sku": sku, "rating_min": rating_min, "rating_max": rating_max, "space": space}
    query |= {name: value for name, value in given.items() if value is not None}
    meaning = wanted(text) if text.strip() and len(text) <= MOST_CHARACTERS else ""
    chosen = _space(database, space) if embedder is not None and meaning else None
    if embedder is not None and chosen is not None:
        (vector,) = embedder.reviews(chosen, [meaning])
        if vector.any():
            query |= {"vector": vector.astype(np.float16).astype(np.float64).tolist(), "space": chosen.reference}
    with database.read() as connection, connection.cursor(row_factory=class_row(ReviewHit)) as cursor:
        return cursor.execute(SQL["search"], {"query": json.dumps(query)}).fetchall()


def better_reviewed(
    database: Database,
    sku: str,
    *,
    k: int = 10,
    filters: Any = None,
    weights: Weights = OWN,
    space: str | None = None,
) -> list[BetterHit]:
    """The k products most like one whose Bayesian mean rating is higher; ``filters`` is JSON as for a search.

    Raises:
        NotFound: there is no such product.
        EmbeddingPending: its embedding is not stored yet.
        EmbeddingFailed: its embedding job is dead.
        InvalidInput: k, a weight, the filter or the space does not fit.
    """
    arguments = {
        "sku": sku,
        "k": k,
        "filter": None if filters is None else json.dumps(filters),
        "w_text": weights.text,
        "w_image": weights.image,
        "w_reviews": weights.reviews,
        "space": space,
    }
    with database.read() as connection, connection.cursor(row_factory=class_row(BetterHit)) as cursor:
        return cursor.execute(SQL["better"], arguments).fetchall()


def _space(database: Database, name: str | None) -> Space | None:
    """The space whose reviews are compared; None leaves the words alone, or the refusal to the database."""
    spaces = [space for space in list_spaces(database, from_primary=True) if space.reviews_encoder]
    if name is not None:
        return next((space for space in spaces if name in (space.name, space.reference)), None)
    return _best([space for space in spaces if space.filled_at is not None and space.state != "retired"])


def _best(spaces: Sequence[Space]) -> Space | None:
    return max(spaces, key=lambda space: (space.state == "active", space.id), default=None)
