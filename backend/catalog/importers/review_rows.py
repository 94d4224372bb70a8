"""Reviews on their way into the database, whichever file they come from."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from backend.catalog.importers.chunks import Transaction
from backend.catalog.importers.result import Outcome, Problem
from backend.database.queries import load_queries


@dataclass(slots=True, kw_only=True)
class ReviewRow:
    """One review; a field not in ``given`` keeps what the database has, or takes the column's default."""

    file: str
    line: int
    size: int
    sku: str
    fingerprint: bytes
    rating: int
    title: str | None = None
    body: str | None = None
    author: str | None = None
    helpful_votes: int | None = None
    verified: bool | None = None
    written_at: datetime | None = None
    given: list[str] = field(default_factory=list)


def review_fingerprint(
    rating: int,
    *,
    title: str | None = None,
    body: str | None = None,
    author: str | None = None,
    written_at: datetime | None = None,
    source_id: str | None = None,
) -> bytes:
    """What a review of a product is known by: SHA-256 (32 bytes) of the source's id or, without one, of its content."""
    if source_id:
        return hashlib.sha256(source_id.encode()).digest()
    moment = written_at.astimezone(UTC).isoformat() if written_at else None
    content = json.dumps([author or None, title or "", body or "", rating, moment])
    return hashlib.sha256(content.encode()).digest()


def prepare_reviews(connection: Transaction) -> None:
    """Make the temporary tables that the loader needs; they last as long as the connection."""
    queries = load_queries("imports")
    for name in ("create_staged_reviews", "create_seen_reviews"):
        connection.execute(queries[name])


def loader(*, create_products: bool) -> Callable[[Transaction, Sequence[ReviewRow]], Outcome]:
    """A function that writes one chunk, inside the caller's transaction; what is stored already is not written."""

    def load(connection: Transaction, rows: Sequence[ReviewRow]) -> Outcome:
        queries = load_queries("imports")
        outcome = Outcome()
        files = {row.line: row.file for row in rows}
        with connection.cursor() as cursor:
            with cursor.copy(queries["copy_reviews"]) as copy:
                for row in rows:
                    copy.write_row(_columns(row))
            if create_products:
                outcome.counts["products_created"] = cursor.execute(queries["create_reviewed_products"]).rowcount
            for line, sku in cursor.execute(queries["drop_unknown_products"]).fetchall():
                reason = "no such product: import the products first, or let them be made (--create-products)"
                outcome.problems.append(Problem(files[line], line, "sku", reason, sku))
            cursor.execute(queries["see_reviews"])
            for line, first in cursor.execute(queries["drop_repeated_reviews"]).fetchall():
                reason = f"the same review is in line {first}, which was imported"
                outcome.problems.append(Problem(files[line], line, None, reason))
            inserted, updated, staged = cursor.execute(queries["write_reviews"]).fetchone() or (0, 0, 0)
        outcome.counts.update(inserted=inserted, updated=updated, unchanged=staged - inserted - updated)
        outcome.counts["bad"] += len(outcome.problems)
        outcome.problems.sort(key=lambda problem: problem.line)
        return outcome

    return load


def _columns(row: ReviewRow) -> tuple[object, ...]:
    return (
        row.line,
        row.sku,
        row.fingerprint,
        row.rating,
        row.title,
        row.body,
        row.author,
        row.helpful_votes,
        row.verified,
        row.written_at,
        row.given,
    )
