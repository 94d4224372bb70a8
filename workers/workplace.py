"""What the streams of one worker share, and what is done to a batch at each station."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

import psycopg
from psycopg import OperationalError

from backend.database.connection import Database
from backend.errors import ConfigurationError, DatabaseUnavailable, ShelfmateError, TookTooLong
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.space import Space, list_spaces
from workers.batch import Batch, encode, prepare
from workers.lease import Lease
from workers.leases import Heartbeat
from workers.log import log
from workers.progress import Progress
from workers.queue import JobQueue, Result
from workers.retry import delay_before_retry
from workers.reviews import load_reviews
from workers.tally import Tally

# No server, or one that cannot now: its disk is full, no connection is left, it ended a deadlock or a long statement.
OUTAGES = (DatabaseUnavailable, TookTooLong, OperationalError)
SECONDS_ASIDE = 60.0


@dataclass
class Workplace:
    """``spaces`` are those that the worker knows, ``aside`` those whose encoders cannot be used on this machine now.

    ``stopping`` is set from outside, ``ending`` by the worker itself.
    """

    database: Database
    settings: Settings
    queue: JobQueue
    embedder: Embedder
    heartbeat: Heartbeat
    progress: Progress
    tally: Tally
    stopping: Event
    ending: Event = field(default_factory=Event)
    spaces: dict[int, Space] = field(default_factory=dict)
    aside: dict[int, ConfigurationError] = field(default_factory=dict)
    embedded: int = 0
    _ready: set[int] = field(default_factory=set)
    _put_aside_at: float = 0.0
    _owed: list[Lease] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def is_over(self) -> bool:
        """Whether nothing new is to be begun."""
        return self.stopping.is_set() or self.ending.is_set()

    def load_spaces(self) -> None:
        """Read the spaces again; one that was put aside is tried again after a while, one that is gone is forgotten."""
        spaces = list_spaces(self.database, from_primary=True)
        self.spaces = {space.id: space for space in spaces}
        self.embedder.keep_only(spaces)
        if self.aside and time.monotonic() > self._put_aside_at + SECONDS_ASIDE:
            self.aside = {}

    def prepare(self, leases: list[Lease]) -> Batch | None:
        """Load and decode what was claimed; None when there was nothing.

        Raises:
            ConfigurationError: the active space cannot be worked on this machine.
        """
        if not leases:
            return None
        self.heartbeat.hold(leases)
        with self.handed_back_on_failure(leases):
            if any(lease.space_id not in self.spaces for lease in leases):
                self.load_spaces()
            usable = self._usable({lease.space_id for lease in leases})
            unusable = [lease for lease in leases if lease.space_id not in usable]
            if unusable:
                self.abandon(unusable)
                leases = [lease for lease in leases if lease.space_id in usable]
            with self.heartbeat.watching(leases) as alive:
                reviews = {
                    (product_id, space.id): found
                    for space in usable.values()
                    if space.reviews_encoder
                    for product_id, found in load_reviews(self.database, space, leases).items()
                }
                return prepare(leases, self.queue.load(leases), usable, self.embedder, alive, reviews)

    def encode(self, batch: Batch) -> Iterator[tuple[int, list[Result]]]:
        """The results space by space, the active one first."""
        with self.handed_back_on_failure(batch.leases), self.heartbeat.watching(batch.leases) as alive:
            yield from encode(batch, self.embedder, alive)

    def finish(self, batch: Batch, space_id: int, results: list[Result]) -> None:
        """Store what was encoded for one space, note its failures, and hand back what the database refused."""
        leases = [lease for lease in batch.leases if lease.space_id == space_id]
        self.heartbeat.drop(leases)
        unfinished = {lease.product_id: lease for lease in leases}
        try:
            for product_id in self._store(space_id, results, batch):
                del unfinished[product_id]
            for lease, error in batch.failures:
                if lease.space_id == space_id:
                    self._fail(lease, error)
        except OUTAGES:
            self._hand_back(list(unfinished.values()))
            raise
        # Refused because another transaction held the row: if that one rolls back, the job is still ours to return.
        self.queue.release(list(unfinished.values()))
        finished = len(leases) - len(unfinished)
        self.tally.count(space_id, completed=finished)
        self.add(finished)

    def add(self, embedded: int) -> None:
        """So many more jobs ended well."""
        with self._lock:
            self.embedded += embedded
        self.progress.advance(embedded)

    def settle(self) -> None:
        """Hand back what could not be while the database was away, if its lease has not run out since."""
        with self._lock:
            owed, self._owed = self._owed, []
        self._hand_back(owed)

    def leftover(self, batch: Batch) -> list[int]:
        """Spaces of the batch of which nothing was encoded: their products failed or are gone."""
        return sorted({lease.space_id for lease in batch.leases} - batch.items.keys())

    def abandon(self, leases: list[Lease]) -> None:
        """Hand back leases that will not be worked."""
        self.heartbeat.drop(leases)
        self._hand_back(leases)

    @contextmanager
    def handed_back_on_failure(self, leases: list[Lease]) -> Iterator[None]:
        """Hand leases back when an outage or a setting keeps them from being worked; another failure costs a lease."""
        try:
            yield
        except (ShelfmateError, OperationalError):
            self.abandon(leases)
            raise

    def put_aside(self, space: Space, error: ConfigurationError) -> None:
        """Leave a space alone for a while: its successor, say, is filled although its own encoder is gone.

        Raises:
            ConfigurationError: ``error``, when it is the only space, so that nothing could be done.
        """
        if all(other.id == space.id or other.state == "retired" for other in self.spaces.values()):
            raise error
        log.warning("the space %s waits, trying again in %.0f s: %s", space.name, SECONDS_ASIDE, error)
        self.aside[space.id], self._put_aside_at = error, time.monotonic()

    def _usable(self, space_ids: set[int]) -> dict[int, Space]:
        usable = {space_id: self.spaces[space_id] for space_id in space_ids if space_id in self.spaces}
        for space in [space for space in usable.values() if space.id not in self._ready]:
            try:
                self.embedder.warm_up(space)
                self._ready.add(space.id)
            except DatabaseUnavailable:
                raise
            except ConfigurationError as error:
                self.put_aside(space, error)
                del usable[space.id]
        return usable

    def _fail(self, lease: Lease, error: Exception) -> None:
        delay = delay_before_retry(error, lease.attempts, self.settings.max_attempts)
        self.queue.fail(lease, f"{type(error).__name__}: {error}", delay=delay)
        self.tally.count(lease.space_id, failed=delay is not None, died=delay is None)
        self.progress.say(f"product {lease.product_id} failed: {error}")

    def _store(self, space_id: int, results: list[Result], batch: Batch) -> set[int]:
        """Store the results of one space, or each alone when the database refuses the values of one of them."""
        if not results:
            return set()
        try:
            return self.queue.store(space_id, results)
        except OperationalError:
            raise
        except psycopg.Error as error:
            if len(results) == 1:
                batch.failures.append((results[0].lease, error))
                return set()
        return {product_id for result in results for product_id in self._store(space_id, [result], batch)}

    def _hand_back(self, leases: list[Lease]) -> None:
        try:
            self.queue.release(leases)
        except OUTAGES as error:
            log.warning("%d jobs are handed back when the database can be used again: %s", len(leases), error)
            with self._lock:
                self._owed += leases
