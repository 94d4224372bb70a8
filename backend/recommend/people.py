"""Recommendations for a person or a session, and what is known of a person; migrations/sql/0003/people.sql ranks."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.recommend.frozen import DEFAULT_HITS, Json, Page

SQL = load_queries("people")

HALF_LIFE = 180.0
INTERESTS = 5


@dataclass(frozen=True)
class Personal:
    """What is asked for, whoever it is for; the defaults are those of the SQL function ``recommend_for_user``.

    ``filter`` is JSON, read by the database. ``exclude`` has skus. ``half_life`` is in days. ``interests`` is how many
    are kept apart at most, 1 to 10. The weights multiply what is wanted now and what is bought together; likeness
    has 1. ``discover`` keeps one of ten places for what few had yet.
    """

    k: int = DEFAULT_HITS
    filter: Any = None
    exclude_seen: bool = True
    exclude_bought: bool = True
    exclude: Sequence[str] = ()
    half_life: float = HALF_LIFE
    interests: int = INTERESTS
    w_popularity: float = 3.0
    w_together: float = 3.0
    one_per_variant_group: bool = False
    fallback: bool = True
    discover: bool = True
    rules: bool = True
    placement: str | None = None
    space: str | None = None
    exact: bool = False


@dataclass(frozen=True)
class Past:
    """A product of a history: the ``kinds`` of its events, its newest ``rating`` in stars, its ``weight`` in the taste.

    The weight is 1 for what was bought or given 5 stars just now, fades with time, and is below 0 for a dislike.
    """

    sku: str
    title: str
    kinds: list[str]
    rating: float | None
    weight: float
    last_at: datetime


@dataclass(frozen=True)
class Interesting:
    """A product of an interest, which is counted from 1, the strongest; both have weights."""

    interest: int
    weight: float
    sku: str
    title: str
    product_weight: float


@dataclass(frozen=True)
class Forgotten:
    """How many events were deleted, and how many reviews have no writer any more."""

    events: int
    reviews: int


def recommend_for_user(database: Database, user_id: str, wish: Personal, *, seconds: int) -> Page:
    """The first page of what is recommended to a person, kept for so many seconds; the list has 100 products, or k.

    Its items' ``examples`` name the product of the history that each is there for, where there is one.

    Raises:
        InvalidInput: an option does not fit; its field is named.
        NotFound: there is no such space.
    """
    return _page(database, "recommend_for_user", {"user": user_id}, {"user": user_id}, wish, seconds)


def recommend_for_session(database: Database, events: Sequence[Json], wish: Personal, *, seconds: int) -> Page:
    """The same for what a session did: ``sku``, and ``kind``, ``value``, ``occurred_at`` (RFC 3339) where known.

    Raises:
        InvalidInput: an event or an option does not fit; its field is named.
        NotFound: there is no such product or space.
    """
    done = list(events)
    return _page(database, "recommend_for_session", {"events": json.dumps(done)}, {"session": done}, wish, seconds)


def user_history(database: Database, user_id: str, *, k: int = 100, half_life: float = HALF_LIFE) -> list[Past]:
    """The last products of a person, newest first; at most 100.

    Raises:
        InvalidInput: k or half_life does not fit.
    """
    arguments = {"user": user_id, "k": k, "half_life": half_life}
    with database.read() as connection, connection.cursor(row_factory=class_row(Past)) as cursor:
        return cursor.execute(SQL["history"], arguments).fetchall()


def user_interests(
    database: Database,
    user_id: str,
    *,
    half_life: float = HALF_LIFE,
    interests: int = INTERESTS,
    space: str | None = None,
) -> list[Interesting]:
    """The products of each interest of a person, the strongest interest and the heaviest product first.

    Raises:
        InvalidInput: an option does not fit.
        NotFound: there is no such space.
    """
    arguments = {"user": user_id, "half_life": half_life, "interests": interests, "space": space}
    with database.read() as connection, connection.cursor(row_factory=class_row(Interesting)) as cursor:
        return cursor.execute(SQL["interests"], arguments).fetchall()


def forget_user(database: Database, user_id: str) -> Forgotten:
    """Delete what a person did and every list made for them; their reviews stay, by nobody."""
    with database.write() as connection, connection.cursor(row_factory=class_row(Forgotten)) as cursor:
        forgotten = cursor.execute(SQL["forget"], {"user": user_id}).fetchone()
    assert forgotten is not None, "the function returns one row"
    return forgotten


def _page(database: Database, statement: str, whom: Json, kept: Json, wish: Personal, seconds: int) -> Page:
    options = asdict(wish)
    # As the pages that follow read it, and nothing that only ranks.
    query = kept | {name: options[name] for name in ("k", "filter", "rules", "placement", "one_per_variant_group")}
    arguments = (
        options
        | whom
        | {
            "filter": None if wish.filter is None else json.dumps(wish.filter),
            "exclude": list(wish.exclude),
            "query": json.dumps(query),
            "seconds": seconds,
        }
    )
    with database.primary() as connection:
        row = connection.execute(SQL[statement], arguments, prepare=True).fetchone()
    assert row is not None, "the statement returns one row or raises"
    return Page(*row)
