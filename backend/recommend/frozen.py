"""Result lists that stay as they were first shown, read page by page; migrations/sql/0001/paging.sql keeps them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.errors import InvalidInput

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
        "k": query.get("k", DEFAULT_HITS),
        "kind": kind,
        "seconds": seconds,
    }
    if database.read_dsn is not None:
        return _rank_on_replica(database, arguments)
    with database.primary() as connection:
        return Page(*_one(connection.execute(SQL["recommend"], arguments, prepare=True).fetchone()))


def _rank_on_replica(database: Database, arguments: Json) -> Page:
    """The work where reading is cheap; the list is kept where it can be written."""
    with database.read() as connection:
        ranked = _one(connection.execute(SQL["rank"], arguments, prepare=True).fetchone())
    items, shown, source, mode, space, space_id, vectors, kept = ranked
    arguments |= {"shown": shown, "mode": mode, "space_id": space_id, "vectors": vectors, "frozen": kept}
    with database.primary() as connection:
        list_id, after, expires_at = _one(connection.execute(SQL["keep"], arguments, prepare=True).fetchone())
    return Page(list_id, items, after, source, mode, space, expires_at)


def read_page(database: Database, list_id: UUID, *, after: int = 0, k: int | None = None) -> LaterPage:
    """The next ``k`` entries of a list, as many as its first page by default, that still exist and satisfy its filter.

    Raises:
        NotFound: there is no such list.
        Expired: it is no longer kept, or the space that answered was dropped.
    """
    if k is not None and not 1 <= k <= MOST_HITS:
        raise InvalidInput(f"k is {k}, but must lie between 1 and {MOST_HITS}", field="k")
    with database.primary() as connection:
        row = _one(connection.execute(SQL["page"], {"id": list_id, "position": after, "k": k}, prepare=True).fetchone())
    parsed: Row = (*row[:-1], json.loads(row[-1]))
    return LaterPage(*parsed)


def explain(database: Database, list_id: UUID, sku: str) -> str:
    """Why a product stands where it does in a list, or why it does not: the JSON of ``explain_recommendation``.

    Raises:
        NotFound: there is no such list or no such product.
        Expired: the list is no longer kept, or the space that answered was dropped.
    """
    with database.primary() as connection:
        row = _one(connection.execute(SQL["explain"], {"id": list_id, "sku": sku}).fetchone())
    return str(row[0])


def _one(row: Row | None) -> Row:
    assert row is not None, "these statements return one row or raise"
    return row
