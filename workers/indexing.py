"""Building HNSW indexes beside the work: a build takes its time and waits for old transactions, products do not."""

from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Self

import psycopg

from backend.database.connection import Database, Row
from backend.errors import DatabaseUnavailable, TookTooLong
from backend.spaces.indexes import build_indexes
from backend.spaces.space import Space
from workers.ending import end
from workers.log import log


class Indexer:
    """Builds the indexes of spaces in a thread of its own, one build at a time; leaving the context cancels it."""

    def __init__(self, database: Database, report: Callable[[str], None]) -> None:
        self._database = database
        self._report = report
        self._thread: Thread | None = None
        self._connection: psycopg.Connection[Row] | None = None

    def start(self, spaces: Sequence[Space]) -> bool:
        """Begin to build what these spaces lack; False when a build is under way already."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = Thread(target=self._run, args=(spaces,), name="indexer", daemon=True)
        self._thread.start()
        return True

    def wait(self, stopping: Event) -> None:
        """Return when the build is over, or ``stopping`` is set."""
        while self._thread is not None and self._thread.is_alive() and not stopping.is_set():
            self._thread.join(0.2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        # What is left of a cancelled build is cleared away by the next one.
        if self._thread is not None:
            end(self._thread, lambda: self._connection)

    def _run(self, spaces: Sequence[Space]) -> None:
        try:
            for space in spaces:
                with self._database.alone() as connection:
                    self._connection = connection
                    build_indexes(connection, space, self._report)
        except (DatabaseUnavailable, TookTooLong, psycopg.Error) as error:
            log.warning("an index was not built, queries are answered exactly until it is: %s", error)
        finally:
            self._connection = None
