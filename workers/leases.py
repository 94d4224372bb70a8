"""The heartbeat: a thread that extends a worker's leases, takes back those of the dead, and sees what hangs."""

import faulthandler
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread, current_thread, main_thread
from typing import Self

import psycopg

from backend.errors import DatabaseUnavailable, TookTooLong
from workers.identity import has_ended
from workers.lease import Lease
from workers.log import log
from workers.queue import JobQueue
from workers.tally import Tally

MISSED = (DatabaseUnavailable, TookTooLong, psycopg.Error)


@dataclass
class Watched:
    """A batch at work: how far it has come, and for how many seconds the heartbeat has seen it stand still."""

    leases: Sequence[Lease]
    steps: int = 0
    seen: int = -1
    still: float = 0.0

    def alive(self) -> None:
        """The batch has made a step."""
        self.steps += 1


@dataclass
class Heartbeat:
    """Extends the leases given to ``hold`` until they are given to ``drop``; a context manager.

    ``expired`` is called when jobs of dead workers came back. ``hung`` is called with a batch that made no step for
    ``hang_seconds``, as this thread counts them: a process that was stopped meanwhile has not hung.
    """

    queue: JobQueue
    tally: Tally
    hang_seconds: float
    expired: Callable[[], None] = lambda: None
    hung: Callable[[Watched], None] = lambda _watched: None
    _tokens: dict[int, int] = field(default_factory=dict)
    _watched: list[Watched] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _stopped: Event = field(default_factory=Event)

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)
        # Only a process of its own may be ended.
        self._owns_process = current_thread() is main_thread()
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self._owns_process:
            faulthandler.cancel_dump_traceback_later()

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

    @contextmanager
    def watching(self, leases: Sequence[Lease]) -> Iterator[Callable[[], None]]:
        """While a batch is worked; what is yielded is called whenever it has made a step."""
        watched = Watched(leases)
        self._watched.append(watched)
        try:
            yield watched.alive
        finally:
            self._watched.remove(watched)

    def held_beside(self, leases: Sequence[Lease]) -> list[int]:
        """The tokens that are held, but for those of ``leases``."""
        with self._lock:
            return list(self._tokens.keys() - {lease.lease_token for lease in leases})

    def _run(self) -> None:
        interval = self.queue.lease_seconds / 4
        while True:
            if self._owns_process and sys.__stderr__ is not None:
                # What holds Python's one lock for so long stops this thread too, but not faulthandler's.
                limit = self.hang_seconds + self.queue.lease_seconds
                faulthandler.dump_traceback_later(limit, exit=True, file=sys.__stderr__)
            # Under the lock: no beat holds the row of a lease that was dropped, whose result would be refused for it.
            with self._lock:
                self._attempt(self._extend)
            self._attempt(self._expire)
            self._attempt(self._flush)
            if self._stopped.wait(interval):
                self._attempt(self._flush)
                return
            self._look(interval)

    def _extend(self) -> None:
        if self._tokens:
            self.queue.extend(list(self._tokens))

    def _expire(self) -> None:
        # Where the process can be seen to have ended, nobody waits for its leases.
        lost = self.queue.expire([worker for worker in self.queue.holders() if has_ended(worker)])
        for space_id, state in lost:
            self.tally.count(space_id, died=state == "dead", failed=state != "dead")
        if lost:
            self.expired()

    def _flush(self) -> None:
        self.tally.flush(self.queue)

    def _look(self, interval: float) -> None:
        for watched in list(self._watched):
            watched.still = watched.still + interval if watched.steps == watched.seen else 0.0
            watched.seen = watched.steps
            if watched.still >= self.hang_seconds:
                self.hung(watched)

    def _attempt(self, part: Callable[[], None]) -> None:
        try:
            part()
        except MISSED as error:
            # The next beat tries again; if none gets through, the database refuses the result.
            log.warning("heartbeat missed: %s", error)
