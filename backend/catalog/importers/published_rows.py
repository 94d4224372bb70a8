"""Published reviews on their way into the database: large chunks, and no memory of the lines before.

A published file says the same review more than once, and each review's text, stars and time are what it is known by.
So nothing has to be remembered of a file of any length: a review that is stored already only gains votes.
"""

from collections.abc import Sequence

from backend.catalog.importers.amazon_reviews import PublishedReview
from backend.catalog.importers.chunks import Transaction
from backend.catalog.importers.result import Outcome
from backend.database.queries import load_queries

# The products of a chunk are written once each, to count their reviews: with 1,000 rows a chunk that alone takes
# longer than all else (docs/decisions/0015).
MOST_ROWS = 20_000
# Characters; where one of them is beyond the first plane, as emoji are, each of its text takes four bytes.
MOST_SIZE = 16 * 2**20
# Rows that are put into one text for COPY.
_PIECE = 500


def prepare_published(connection: Transaction) -> None:
    """Make the temporary table that the loader needs; it lasts as long as the connection."""
    queries = load_queries("imports")
    for name in ("make_room", "create_staged_published"):
        connection.execute(queries[name])


def load_published(connection: Transaction, rows: Sequence[PublishedReview]) -> Outcome:
    """Write one chunk, inside the caller's transaction; products that do not exist are made."""
    queries = load_queries("imports")
    outcome = Outcome()
    with connection.cursor() as cursor:
        with cursor.copy(queries["copy_published"]) as copy:
            merged = _merged(rows)
            for start in range(0, len(merged), _PIECE):
                copy.write("".join(map(_line, merged[start : start + _PIECE])))
        outcome.counts["products_created"] = cursor.execute(queries["create_published_products"]).rowcount
        inserted, updated = cursor.execute(queries["write_published"]).fetchone() or (0, 0)
    outcome.counts.update(inserted=inserted, updated=updated, unchanged=len(rows) - inserted - updated)
    return outcome


def _merged(rows: Sequence[PublishedReview]) -> Sequence[PublishedReview]:
    """Each review once: one statement cannot write a row twice."""
    first: dict[tuple[str, bytes], PublishedReview] = {}
    for row in rows:
        kept = first.setdefault((row.sku, row.fingerprint), row)
        if kept is not row:
            kept.helpful_votes = max(kept.helpful_votes, row.helpful_votes)
            kept.verified |= row.verified
            kept.author = row.author if kept.author is None else kept.author
    return list(first.values())


def _line(row: PublishedReview) -> str:
    return (
        f"{_text(row.sku)}\t\\\\x{row.fingerprint.hex()}\t{row.rating}\t{_text(row.title)}\t{_text(row.body)}"
        f"\t{_text(row.author)}\t{_text(row.user_id)}\t{row.helpful_votes}\t{row.verified}\t{row.written_at or _NULL}\n"
    )


_NULL = "\\N"


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
