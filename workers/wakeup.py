"""Waiting for work: a NOTIFY rings every stream's bell at once, a poll is the fallback."""

import os
import selectors
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Event, Thread
from typing import Self

from psycopg import Connection, OperationalError

from backend.database.connection import Database, Row
from backend.errors import DatabaseUnavailable
from workers.log import log

CHANNEL = "shelfmate_jobs"
# How soon a lost connection is opened again.
PAUSE = 0.5


class Wakeup:
    """Listens in a thread on a connection of its own, opened again when it is lost; a context manager."""

    def __init__(self, database: Database, bells: Sequence[Event]) -> None:
        self._database = database
        self._bells = bells
        self._stopped = Event()
        self._stack = ExitStack()
        self._connection: Connection[Row] | None = None
        # Written to when the thread has to end, since it sleeps on its connection.
        self._end, self._end_signal = os.pipe()
        self._thread = Thread(target=self._run, name="wakeup", daemon=True)

    def __enter__(self) -> Self:
        # Before the first look at the queue, so that nothing that comes after it goes unheard.
        self._listen()
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopped.set()
        os.write(self._end_signal, b"!")
        self._thread.join()
        self._forget()
        os.close(self._end)
        os.close(self._end_signal)

    def ring(self) -> None:
        """Let every stream look at the queue."""
        for bell in self._bells:
            bell.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._connection is None:
                self._stopped.wait(PAUSE)
                if self._listen():
                    self.ring()
            elif self._heard(self._connection):
                self.ring()

    def _heard(self, connection: Connection[Row]) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            selector.register(connection.fileno(), selectors.EVENT_READ)
            if any(key.fd == self._end for key, _ in selector.select()):
                return False
        try:
            connection.pgconn.consume_input()
            heard = False
            while connection.pgconn.notifies() is not None:
                heard = True
        except OperationalError as error:
            log.warning("the LISTEN connection was lost, polling until it is back: %s", error)
            self._forget()
            return True
        return heard

    def _listen(self) -> bool:
        try:
            self._connection = self._stack.enter_context(self._database.alone())
            self._connection.execute(f"LISTEN {CHANNEL}")
        except (DatabaseUnavailable, OperationalError):
            self._forget()
            return False
        return True

    def _forget(self) -> None:
        self._connection = None
        stack, self._stack = self._stack, ExitStack()
        try:
            stack.close()
        except (DatabaseUnavailable, OperationalError) as error:
            log.debug("closing a lost connection: %s", error)


def wait_for(bell: Event, is_over: Callable[[], bool], seconds: float) -> None:
    """Return when the bell has rung since it was last heard, when it is over, or after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not is_over() and (left := deadline - time.monotonic()) > 0:
        # In slices: a signal rings no bell.
        if bell.wait(min(left, PAUSE)):
            break
    bell.clear()
