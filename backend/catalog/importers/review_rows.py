"""Reviews on their way into the database, whichever file they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.catalog.importers.chunks import Transaction
from backend.catalog.importers.result import Outcome, Problem
from backend.catalog.reviews import ReviewData, fingerprint
from backend.database.queries import load_queries

REVIEW_COLUMNS = ("title", "body", "author", "user_id", "helpful_votes", "verified", "written_at")


@dataclass(slots=True, kw_only=True)
class ReviewRow:
    """One review; a column of ``REVIEW_COLUMNS`` that is not in ``given`` keeps what the database has."""

    file: str
    line: int
    size: int
    sku: str
    data: ReviewData
    given: Sequence[str]


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
            if cursor.execute(queries["see_reviews"]).rowcount < len(rows) - len(outcome.problems):
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
    data = row.data
    return (
        row.line,
        row.sku,
        fingerprint(data),
        data.rating,
        data.title,
        data.body,
        data.author,
        data.user_id,
        data.helpful_votes,
        data.verified,
        data.written_at,
        list(row.given),
    )
