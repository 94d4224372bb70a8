"""What upkeep does for reviews: the prior of Bayesian means, and the words of reviews that came by the thousand."""

from collections.abc import Callable

import psycopg

from backend.database.connection import Row
from backend.database.queries import load_queries

SQL = load_queries("upkeep")

PRODUCTS_AT_ONCE = 5_000
# Some 10,000 reviews, and a second.
WORDED_AT_ONCE = 500


def follow_prior(connection: psycopg.Connection[Row], interrupted: Callable[[], bool]) -> bool:
    """Count the prior anew and let every product's Bayesian mean follow it; whether all is done.

    Where something was changed the next call looks again: a review that came meanwhile may have known the prior of
    before.
    """
    if not _ask(connection, "rating_prior", {})[0]:
        return True
    after = 0
    all_right: bool = True
    while not interrupted():
        looked_at, right, last = _ask(connection, "refresh_ratings", {"after": after, "most": PRODUCTS_AT_ONCE})
        all_right = all_right and bool(right)
        if looked_at < PRODUCTS_AT_ONCE:
            if all_right:
                connection.execute(SQL["end_ratings"])
            return all_right
        after = last
    return False


def store_words(connection: psycopg.Connection[Row], interrupted: Callable[[], bool]) -> int:
    """Store the words of reviews that are due; returns of how many products."""
    done = 0
    while not interrupted():
        (taken,) = _ask(connection, "review_words", {"most": WORDED_AT_ONCE})
        done += taken
        if taken < WORDED_AT_ONCE:
            break
    return done


def _ask(connection: psycopg.Connection[Row], statement: str, arguments: dict[str, int]) -> Row:
    row = connection.execute(SQL[statement], arguments).fetchone()
    assert row is not None
    return row
