"""Rankings: the published SQL function ``recommend``, called with typed arguments and answered with typed hits.

Nothing is kept of them: ``backend.recommend.frozen`` answers in pages.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import InvalidInput
from backend.recommend.frozen import DEFAULT_HITS, MOST_HITS
from backend.spaces.space import active_space

__all__ = ["MOST_HITS", "Filter", "Hit", "Ranking", "Weights", "recommend", "similar"]

SQL = load_queries("recommend")

Json = dict[str, Any]


@dataclass(frozen=True)
class Filter:
    """The usual filters: ``category`` takes the subtree of a path, prices are inclusive, None asks nothing."""

    category: str | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    in_stock: bool | None = None

    @property
    def leaves(self) -> dict[str, Json]:
        """Leaves of a filter's tree, by the argument that each comes from."""
        leaves: dict[str, Json] = {}
        if self.category is not None:
            leaves["category"] = {"field": "category", "under": self.category}
        # Prices have 12 digits at most, which a double holds exactly.
        if self.price_min is not None:
            leaves["price_min"] = {"field": "price", "gte": float(self.price_min)}
        if self.price_max is not None:
            leaves["price_max"] = {"field": "price", "lte": float(self.price_max)}
        if self.in_stock is not None:
            leaves["in_stock"] = {"field": "in_stock", "eq": self.in_stock}
        return leaves

    @property
    def query(self) -> Json:
        """The part of a query that says the same."""
        leaves = self.leaves
        return {"filter": {"all": list(leaves.values())}} if leaves else {}

    def blame(self, error: InvalidInput) -> InvalidInput:
        """The same error, said of the argument behind a field of ``query``: category for filter.all[0].under."""
        message, field = str(error), error.field or ""
        for place, name in enumerate(self.leaves):
            if field.startswith(f"filter.all[{place}]"):
                return InvalidInput(message.removeprefix(field).lstrip(), field=name)
        return InvalidInput(message, field=error.field)


@dataclass(frozen=True)
class Weights:
    """Weights of the modalities in the score, each 0 or more; as soon as one is given, those left out are 0."""

    text: float | None = None
    image: float | None = None
    reviews: float | None = None

    @property
    def query(self) -> Json:
        """The part of a query that says the same."""
        given = {name: weight for name, weight in vars(self).items() if weight is not None}
        return {"weights": given} if given else {}


@dataclass(frozen=True)
class Hit:
    """One product of a ranking.

    ``contributions`` has the part of each modality in the score, and of each rule as rule:NAME; they add up to it.
    ``examples`` has the part of each example, as ``{"like": 0, "contribution": 0.4}``.
    """

    sku: str
    title: str
    score: float
    contributions: dict[str, float]
    examples: Sequence[Json]
    variants: Sequence[str]
    source: str
    brand: str | None
    category: str | None
    price: Decimal | None
    currency: str | None
    in_stock: bool
    variant_group: str | None
    space: str
    mode: Literal["exact", "ann"]


@dataclass(frozen=True)
class Ranking:
    """Hits, best first: exactly k, or all that satisfy the filter. ``mode`` says how they were found."""

    items: list[Hit]
    mode: Literal["exact", "ann"]
    space: str
    complete: bool = True


def similar(
    database: Database,
    sku: str,
    *,
    k: int = DEFAULT_HITS,
    filters: Filter = Filter(),
    weights: Weights = Weights(),
    exact: bool = False,
    space: str | None = None,
) -> Ranking:
    """The k products most like one, without itself.

    Raises:
        NotFound: there is no such product.
        EmbeddingPending: its embedding is not stored yet.
        EmbeddingFailed: its embedding job is dead.
        InvalidInput: k, a weight, the category or the space does not fit.
    """
    query = {"like": [{"sku": sku}], "k": k, "exact": exact, **filters.query, **weights.query}
    return recommend(database, query if space is None else query | {"space": space}, filters)


def recommend(database: Database, query: Json, filters: Filter = Filter()) -> Ranking:
    """What the SQL function answers to a query of products and vectors; ``filters`` are named where one is at fault.

    Raises:
        NotFound: there is no such product.
        EmbeddingPending: a product's embedding is not stored yet.
        EmbeddingFailed: a product's embedding job is dead.
        InvalidInput: another part of the query does not fit.
    """
    try:
        with database.read() as connection, connection.cursor(row_factory=class_row(Hit)) as cursor:
            hits = cursor.execute(SQL["recommend"], {"query": json.dumps(query)}).fetchall()
    except InvalidInput as error:
        raise filters.blame(error) from error
    return Ranking(
        items=hits,
        mode="ann" if any(hit.mode == "ann" for hit in hits) else "exact",
        # Named by the statement that ranked; an activation between two statements could make it another.
        space=hits[0].space if hits else _named(query) or active_space(database).name,
    )


def _named(query: Json) -> str | None:
    space: str | None = query.get("space")
    return None if space is None else space.partition("#")[0]
