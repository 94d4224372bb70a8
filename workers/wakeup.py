"""Waiting for work: a NOTIFY wakes the worker at once, a poll is the fallback."""

from contextlib import ExitStack
from threading import Event
from types import TracebackType
from typing import Self

from psycopg import Connection, OperationalError

from backend.database.connection import Database, Row
from backend.errors import DatabaseUnavailable
from workers.log import log

CHANNEL = "shelfmate_jobs"


class Wakeup:
    """Listens on its own connection, opened again when it is lost; a context manager."""

    def __init__(self, database: Database, stopping: Event) -> None:
        self._database = database
        self._stopping = stopping
        self._stack = ExitStack()
        self._connection: Connection[Row] | None = None

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def wait(self, seconds: float) -> None:
        """Return when a NOTIFY came since the last call, when the worker is to stop, or after ``seconds``."""
        left = seconds
        while left > 0 and not self._stopping.is_set():
            # In slices, so that a signal is answered soon.
            slice_seconds = min(left, 0.5)
            if self._heard(slice_seconds):
                return
            left -= slice_seconds

    def _heard(self, seconds: float) -> bool:
        if self._connection is None:
            self._stopping.wait(seconds)
            self._listen()
            return self._connection is not None
        try:
            heard = any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except OperationalError as error:
            log.warning("the LISTEN connection was lost, polling until it is back: %s", error)
            self._forget()
            return True
        return heard

    def _listen(self) -> None:
        try:
            self._connection = self._stack.enter_context(self._database.alone())
            self._connection.execute(f"LISTEN {CHANNEL}")
        except (DatabaseUnavailable, OperationalError):
            self._forget()

    def _forget(self) -> None:
        self._connection = None
        stack, self._stack = self._stack, ExitStack()
        try:
            stack.close()
        except (DatabaseUnavailable, OperationalError) as error:
            log.debug("closing a lost connection: %s", error)
