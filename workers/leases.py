"""The heartbeat: a thread that extends the leases which a worker holds for as long as it lives."""

from collections.abc import Sequence
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

import psycopg

from backend.errors import DatabaseUnavailable
from workers.log import log
from workers.queue import JobQueue, Lease


class Heartbeat:
    """Extends the leases given to ``hold`` until they are given to ``drop``; a context manager."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._tokens: dict[int, int] = {}
        self._lock = Lock()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def hold(self, leases: Sequence[Lease]) -> None:
        """Start to extend these leases."""
        with self._lock:
            for lease in leases:
                self._tokens[lease.lease_token] = self._tokens.get(lease.lease_token, 0) + 1

    def drop(self, leases: Sequence[Lease]) -> None:
        """Stop extending these leases after the beat under way; a token that a batch shares ends with its last."""
        with self._lock:
            for lease in leases:
                left = self._tokens.get(lease.lease_token, 0) - 1
                if left > 0:
                    self._tokens[lease.lease_token] = left
                else:
                    self._tokens.pop(lease.lease_token, None)

    def _run(self) -> None:
        while not self._stopped.wait(self._queue.lease_seconds / 4):
            # Under the lock: no beat holds the row of a lease that was dropped, whose result would be refused for it.
            with self._lock:
                if self._tokens:
                    self._beat(list(self._tokens))

    def _beat(self, tokens: list[int]) -> None:
        try:
            self._queue.extend(tokens)
        except (DatabaseUnavailable, psycopg.Error) as error:
            # The next beat tries again; if none gets through, the database refuses the result.
            log.warning("heartbeat missed: %s", error)
