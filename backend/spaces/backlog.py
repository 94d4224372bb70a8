"""What waits to be embedded, for who writes: whether there is room for more, and when the own edit is through."""

import time
from collections.abc import Sequence

from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("backlog")

# A product is embedded within some 20 ms of its edit; a long queue need not be asked so often.
FIRST_PAUSE = 0.005
LONGEST_PAUSE = 0.25


def is_backlog_full(database: Database, most: int) -> bool:
    """Whether ``most`` products or more wait to be embedded in the active space; other spaces' fills do not count."""
    with database.primary() as connection:
        row = connection.execute(SQL["is_full"], {"most": most}).fetchone()
    return bool(row and row[0])


def wait_until_embedded(database: Database, skus: Sequence[str], timeout: float) -> None:
    """Return when the active space holds the vectors of these products' last edits, or never will.

    At most ``timeout`` seconds, and no connection is held between two looks.
    """
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE
    while _waiting(database, skus) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(1.5 * pause, LONGEST_PAUSE)


def _waiting(database: Database, skus: Sequence[str]) -> int:
    with database.primary() as connection:
        row = connection.execute(SQL["waiting"], {"skus": list(skus)}).fetchone()
    return int(row[0]) if row else 0
