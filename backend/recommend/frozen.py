"""Result lists that stay as they were first shown, read page by page; migrations/sql/0001/paging.sql keeps them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import ConfigurationError, InvalidInput

SQL = load_queries("frozen")

Json = dict[str, Any]

DEFAULT_HITS = 10
# How deep a list is ranked.
MOST_HITS = 1_000


@dataclass(frozen=True)
class Page:
    """A page as it is sent: ``items`` is JSON text already, made where the ranking is.

    ``next_position`` is where the next page starts, None on the last one. ``source`` is similar, popular, newest or
    mixed, ``mode`` exact or ann.
    """

    list_id: UUID
    items: str
    next_position: int | None
    source: str
    mode: str
    space: str
    expires_at: datetime


@dataclass(frozen=True)
class LaterPage(Page):
    """A page of a list that was kept: ``kind`` and ``query`` are what it was made with."""

    kind: str
    query: Json


def recommend(database: Database, query: Json, *, kind: str, seconds: int) -> Page:
    """Rank the first page and keep it for so many seconds.

    ``query`` is that of the SQL function ``recommend``; its examples are products and vectors.

    Raises:
        NotFound: there is no such product.
        EmbeddingPending: a product's embedding is not stored yet.
        EmbeddingFailed: a product's embedding job is dead.
        InvalidInput: another part of the query does not fit; its field is named.
    """
    arguments = {
        "query": json.dumps(query),
        "space": query.get("space"),
        "k": query.get("k", DEFAULT_HITS),
        "kind": kind,
        "seconds": seconds,
    }
    with database.primary() as connection:
        row = connection.execute(SQL["recommend"], arguments, prepare=True).fetchone()
    if row is None:
        raise ConfigurationError("the statement that keeps a result list returned nothing")
    return Page(*row)


def read_page(database: Database, list_id: UUID, *, after: int = 0, k: int | None = None) -> LaterPage:
    """The next ``k`` entries of a list, as many as its first page by default, that still exist and satisfy its filter.

    Raises:
        NotFound: there is no such list.
        Expired: it is no longer kept, or the space that answered was dropped.
    """
    if k is not None and not 1 <= k <= MOST_HITS:
        raise InvalidInput(f"k is {k}, but must lie between 1 and {MOST_HITS}", field="k")
    with database.primary() as connection:
        row = connection.execute(SQL["page"], {"id": list_id, "position": after, "k": k}, prepare=True).fetchone()
    if row is None:
        raise ConfigurationError("the statement that reads a page returned nothing")
    parsed: tuple[Any, ...] = (*row[:-1], json.loads(row[-1]))
    return LaterPage(*parsed)


def explain(database: Database, list_id: UUID, sku: str) -> str:
    """Why a product stands where it does in a list, or why it does not: the JSON of ``explain_recommendation``.

    Raises:
        NotFound: there is no such list or no such product.
        Expired: the list is no longer kept, or the space that answered was dropped.
    """
    with database.primary() as connection:
        row = connection.execute(SQL["explain"], {"id": list_id, "sku": sku}).fetchone()
    if row is None:
        raise ConfigurationError("the statement that explains a place returned nothing")
    return str(row[0])
