"""Comparisons that people ask for over HTTP: one at a time, so that they cannot fill the server."""

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import NotReady
from backend.evaluation.compare import Comparison, compare

SQL = load_queries("comparing")

# Products that are asked for: some 5 s. The command line takes more.
SAMPLE = 50
MOST_SAMPLED = 200


def compare_alone(database: Database, a: str, b: str, *, sample: int = SAMPLE, k: int = 10) -> Comparison:
    """As ``compare``, unless another comparison runs, in whatever process.

    Raises:
        NotReady: another one runs, or one of the spaces holds no product.
    """
    with database.alone() as connection:
        row = connection.execute(SQL["lock"]).fetchone()
        if row is None or not row[0]:
            raise NotReady(
                "another comparison of spaces runs at this moment: ask again in a few seconds", retry_after=5
            )
        return compare(database, a, b, sample=sample, k=k)
