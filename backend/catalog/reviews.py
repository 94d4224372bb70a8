"""Reviews of products: the same one is stored once."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quote

from psycopg.rows import class_row

from backend.catalog.cursors import LARGEST_KEY, from_cursor, to_cursor
from backend.catalog.products import find_product
from backend.catalog.refusals import named_refusals
from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("catalog")


@dataclass(frozen=True)
class ReviewData:
    """What somebody wrote: ``rating`` in stars from 1 to 5, ``source_id`` the shop's own key of the review.

    ``user_id`` is the shop's key of the writer, the same as in events; ``author`` a name to show.
    """

    rating: int
    title: str = ""
    body: str = ""
    author: str | None = None
    helpful_votes: int = 0
    verified: bool = False
    written_at: datetime | None = None
    source_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True)
class Review:
    """A stored review."""

    id: int
    rating: int
    title: str
    body: str
    author: str | None
    user_id: str | None
    helpful_votes: int
    verified: bool
    written_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class ReviewPage:
    """A page of a product's reviews; ``count`` and ``mean_rating`` are of all of them, the latter None without any."""

    items: list[Review]
    next_cursor: str | None
    count: int
    mean_rating: float | None


def fingerprint(data: ReviewData) -> bytes:
    """SHA-256 of what makes a review of one product the same one: its source's key, or else what it says.

    The writer is part of what it says: by ``user_id``, or where there is none by ``author``.
    """
    if data.source_id is not None:
        return hashlib.sha256(json.dumps([data.source_id]).encode()).digest()
    writer = data.author if data.user_id is None else data.user_id
    written = data.written_at.astimezone(UTC).isoformat() if data.written_at else None
    return said_fingerprint(writer, data.title, data.body, data.rating, written)


def said_fingerprint(writer: str | None, title: str, body: str, rating: int, written: str | None) -> bytes:
    """The fingerprint of a review without a key of its source; ``written`` is an ISO 8601 time in UTC.

    It hashes what ``json.dumps`` makes of the five as a list, put together in a third of its time.
    """
    said = f"[{_quoted(writer)}, {quote(title)}, {quote(body)}, {rating}, {_quoted(written)}]"
    return hashlib.sha256(said.encode()).digest()


def add_review(database: Database, sku: str, data: ReviewData) -> tuple[Review, bool]:
    """Store a review; returns it and whether it is new. One that is there already stays as it is.

    Raises:
        NotFound: there is no such product.
        InvalidInput: a value does not fit; the error names the field.
    """
    values = asdict(data)
    del values["source_id"]
    with (
        named_refusals(),
        database.write() as connection,
        connection.cursor(row_factory=class_row(Review)) as cursor,
    ):
        values |= {"product_id": find_product(connection, sku), "fingerprint": fingerprint(data)}
        added = cursor.execute(SQL["add_review"], values).fetchone()
        if added is not None:
            return added, True
        stored = cursor.execute(SQL["find_review"], values).fetchone()
    assert stored is not None
    return stored, False


def list_reviews(database: Database, sku: str, *, limit: int = 50, cursor: str | None = None) -> ReviewPage:
    """A product's reviews, the last stored first.

    Raises:
        NotFound: there is no such product.
        InvalidInput: the cursor is none of ours.
    """
    before = from_cursor("reviews", cursor) if cursor is not None else LARGEST_KEY
    with named_refusals(), database.read() as connection, connection.cursor(row_factory=class_row(Review)) as rows:
        product = {"product_id": find_product(connection, sku)}
        found = rows.execute(SQL["list_reviews"], {**product, "before": before, "limit": limit + 1}).fetchall()
        summary = connection.execute(SQL["summarise_reviews"], product).fetchone()
    count, mean = summary or (0, None)
    after = to_cursor("reviews", found[limit - 1].id) if len(found) > limit else None
    return ReviewPage(found[:limit], after, count, mean)


def _quoted(text: str | None) -> str:
    return "null" if text is None else quote(text)
