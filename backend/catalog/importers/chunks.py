"""Rows in chunks of one transaction each, so that an interruption loses no chunk that ended."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import Connection

from backend.catalog.importers.report import Tally
from backend.catalog.importers.result import Outcome, Problem
from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import InvalidInput

MAX_ROWS = 1000
MAX_SIZE = 8 * 2**20
_ATTEMPTS = 5

Transaction = Connection[tuple[Any, ...]]


class Row(Protocol):
    """What can be loaded; ``size`` is about its bytes in memory."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def size(self) -> int: ...


R = TypeVar("R", bound=Row)
Load = Callable[[Transaction, Sequence[R]], Outcome]


@contextmanager
def importing(database: Database) -> Iterator[Transaction]:
    """A connection of its own for one import, whose temporary tables end with it."""
    with database.alone() as connection:
        # A prepared plan would be kept from the time when the tables were small.
        connection.prepare_threshold = None
        yield connection


def import_rows(
    connection: Transaction,
    items: Iterable[R | list[Problem]],
    load: Load[R],
    tally: Tally,
    on_chunk: Callable[[], None],
    *,
    most_rows: int = MAX_ROWS,
    most_size: int = MAX_SIZE,
) -> None:
    """Load the rows among ``items`` and count the lines that are none; a chunk ends at either of the two limits.

    Raises:
        InvalidInput: the input ends in damage; what came before it is imported.
    """
    chunk: list[R] = []
    size = 0
    damage: InvalidInput | None = None
    source = iter(items)
    while True:
        try:
            item = next(source, None)
        except InvalidInput as error:
            damage, item = error, None
        if isinstance(item, list):
            tally.counts["read"] += 1
            tally.reject(item)
        elif item is not None:
            tally.counts["read"] += 1
            chunk.append(item)
            size += item.size
        if chunk and (item is None or len(chunk) >= most_rows or size >= most_size):
            for outcome in load_chunk(connection, chunk, load):
                tally.absorb(outcome)
            chunk, size = [], 0
            tally.flush()
            on_chunk()
        if damage is not None:
            raise damage
        if item is None:
            return


def load_chunk(connection: Transaction, rows: Sequence[R], load: Load[R]) -> list[Outcome]:
    """Load rows in one transaction; where the database refuses a value, by halves until the row at fault is alone."""
    try:
        return [_commit(connection, rows, load)]
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded) as error:
        if len(rows) > 1:
            half = len(rows) // 2
            return load_chunk(connection, rows[:half], load) + load_chunk(connection, rows[half:], load)
        reason = error.diag.message_primary or str(error)
        outcome = Outcome(problems=[Problem(rows[0].file, rows[0].line, error.diag.column_name, reason)])
        outcome.counts["bad"] += 1
        return [outcome]


def _commit(connection: Transaction, rows: Sequence[R], load: Load[R]) -> Outcome:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with connection.transaction():
                connection.execute(load_queries("imports")["as_backfill"])
                return load(connection, rows)
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            # Somebody else writes the same rows in another order; the server picked this transaction to go back.
            if attempt == _ATTEMPTS:
                raise
            # Time for the other one to take what it waited for; at once, we would take it again.
            time.sleep(0.1 * attempt)
    raise AssertionError("unreachable")
