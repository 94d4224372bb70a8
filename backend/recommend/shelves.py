"""What is popular, trending, new or bought together with a product, and what is like it and better reviewed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import class_row

from backend.catalog.products import no_product
from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import InvalidInput
from backend.recommend import frozen
from backend.recommend.frozen import DEFAULT_HITS, Json, Page

SQL = load_queries("shelves")

ShelfKind = Literal["popular", "trending", "newest", "bought-together"]
BETTER = "better-reviewed"


@dataclass(frozen=True)
class Glimpse:
    """A product of a list; ``source`` is popular, trending, newest, bought_together or pinned."""

    sku: str
    title: str
    score: float
    source: str


@dataclass(frozen=True)
class Standing:
    """How well a product is reviewed: its Bayesian mean in stars, that of the shop without reviews, and how many."""

    title: str
    rating: float
    reviews: int


def show(database: Database, kind: ShelfKind, query: Json, *, seconds: int) -> Page:
    """Rank the first page of a list and keep it for so many seconds; ``query`` is that of the SQL function rank_list.

    Raises:
        NotFound: there is no such product.
        InvalidInput: a part of the query does not fit; its field is named.
    """
    arguments: dict[str, Any] = {"kind": kind, "query": json.dumps(query), "k": query.get("k", DEFAULT_HITS)}
    with database.primary() as connection:
        row = connection.execute(SQL["show"], arguments | {"seconds": seconds}, prepare=True).fetchone()
    assert row is not None, "the statement returns one row or raises"
    return Page(*row)


def glance(database: Database, kind: ShelfKind, query: Json) -> list[Glimpse]:
    """The first products of a list, which is not kept.

    Raises:
        NotFound: there is no such product.
        InvalidInput: a part of the query does not fit; its field is named.
    """
    with database.read() as connection, connection.cursor(row_factory=class_row(Glimpse)) as cursor:
        return cursor.execute(SQL["glance"], {"kind": kind, "query": json.dumps(query)}).fetchall()


def better_reviewed(database: Database, sku: str, query: Json, *, seconds: int) -> Page:
    """What is like a product and better reviewed; ``query`` is that of the SQL function recommend without examples.

    Raises:
        NotFound: there is no such product.
        EmbeddingPending: its embedding is not stored yet.
        EmbeddingFailed: its embedding job is dead.
        InvalidInput: a part of the query does not fit.
    """
    asked = better_query(database, sku, query)
    try:
        return frozen.recommend(database, asked, kind=BETTER, seconds=seconds)
    except InvalidInput as error:
        message, field = (text.replace("filter.all[1]", "filter", 1) for text in (str(error), error.field or ""))
        raise InvalidInput(message, field=field or None) from error


def better_query(database: Database, sku: str, query: Json) -> Json:
    """The query of the SQL function recommend that asks for what is like a product and better reviewed.

    Raises:
        NotFound: there is no such product.
    """
    own = standings(database, [sku]).get(sku)
    if own is None:
        raise no_product(sku)
    better: Json = {"field": "bayesian_rating", "gt": own.rating}
    wanted = query.get("filter")
    return query | {"like": [{"sku": sku}], "filter": {"all": [better] if wanted is None else [better, wanted]}}


def standings(database: Database, skus: Sequence[str]) -> dict[str, Standing]:
    """How well products are reviewed, by sku; those that do not exist are left out."""
    with database.primary() as connection:
        rows = connection.execute(SQL["ratings"], {"skus": list(skus)}).fetchall()
    return {sku: Standing(title, rating, reviews) for sku, title, rating, reviews in rows}


def kind_of(database: Database, list_id: UUID) -> str | None:
    """The kind of a kept list; None where there is none."""
    with database.primary() as connection:
        row = connection.execute(SQL["kind"], {"id": list_id}).fetchone()
    return None if row is None else str(row[0])
