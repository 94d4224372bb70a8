"""The embedding worker: claims and prepares the next batch in one thread while it encodes this one in another."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Event

import psycopg
from psycopg import OperationalError

from backend.database.connection import Database
from backend.errors import DatabaseUnavailable, ShelfmateError
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.indexes import FEWEST_INDEXED, prepare_for_fill
from backend.spaces.jobs import QueueCounts, count_jobs
from backend.spaces.space import Space, list_spaces
from workers.batch import Batch, encode, prepare
from workers.indexing import Indexer
from workers.leases import Heartbeat
from workers.log import log
from workers.progress import Progress
from workers.queue import JobQueue, Lease, Result
from workers.retry import delay_before_retry
from workers.upkeep import Upkeep
from workers.wakeup import Wakeup

# No server, or one that cannot now: its disk is full, no connection is left, it ended a deadlock or a long statement.
OUTAGES = (DatabaseUnavailable, OperationalError)
LONGEST_OUTAGE_PAUSE = 5.0
INDEX_CHECK_INTERVAL = 500
# After so many batches a suspect gets its turn, even if more batches wait.
MOST_BATCHES = 50


@dataclass
class Worker:
    """Embeds products until it is told to stop or, with ``drain``, until nothing is left to embed.

    ``stopping`` may be set by a signal: the batch in hand is finished, the one prepared ahead is handed back. Without
    ``build_indexes`` a fill leaves its space without HNSW indexes.
    """

    database: Database
    settings: Settings
    progress: Progress
    drain: bool = False
    stopping: Event = field(default_factory=Event)
    embedder: Embedder = field(default_factory=Embedder)
    build_indexes: bool = True

    def __post_init__(self) -> None:
        self.queue = JobQueue(self.database, f"{socket.gethostname()}:{os.getpid()}", self.settings.lease_seconds)
        self.indexer = Indexer(self.database, self.progress.say)
        self.spaces: dict[int, Space] = {}
        self.embedded = 0
        self._indexed_at = -1

    def run(self) -> int:
        """Work; returns how many products were embedded.

        Raises:
            ConfigurationError: an encoder cannot be used on this machine.
        """
        self._load_spaces()
        for space in self.spaces.values():
            if space.state == "active":
                self.embedder.warm_up(space)
        pause = 0.0
        with (
            self.indexer,
            nullcontext() if self.drain else Upkeep(self.database, self.settings, self.progress.say),
            Wakeup(self.database, self.stopping) as wakeup,
            Heartbeat(self.queue) as heartbeat,
            ThreadPoolExecutor(1, "prepare") as preparer,
            ThreadPoolExecutor(1, "store") as storer,
        ):
            while not self.stopping.is_set():
                try:
                    if self._work_until_idle(heartbeat, preparer, storer) and self.drain:
                        break
                    pause = 0.0
                except OUTAGES as error:
                    pause = min(LONGEST_OUTAGE_PAUSE, 2 * pause or 0.25)
                    log.warning("the database cannot be used, trying again in %.2g s: %s", pause, error)
                    self.stopping.wait(pause)
                    continue
                wakeup.wait(min(0.2, self.settings.poll_seconds) if self.drain else self.settings.poll_seconds)
            self.indexer.wait(self.stopping)
        return self.embedded

    def _work_until_idle(self, heartbeat: Heartbeat, preparer: ThreadPoolExecutor, storer: ThreadPoolExecutor) -> bool:
        """Work batch after batch until none is due; returns whether nothing is left, due or not, but the dead."""
        counts = count_jobs(self.database)
        if counts.queued:
            self._start_fill(counts)
        more = True
        while more and not self.stopping.is_set():
            more = self._work_in_batches(heartbeat, preparer, storer)
            if self.stopping.is_set():
                break
            # With nothing else in hand, so that a job which kills its worker takes no other down with it.
            suspect = self._prepare_batch(self.queue.claim_suspect(), heartbeat)
            if suspect is not None:
                with self._handed_back_on_failure(suspect.leases, heartbeat):
                    results = encode(suspect, self.spaces, self.embedder)
                self._finish(suspect, results, heartbeat)
                more = True
        if self.stopping.is_set() or count_jobs(self.database).waiting:
            return False
        self.progress.finish()
        self._build_indexes()
        return True

    def _work_in_batches(self, heartbeat: Heartbeat, preparer: ThreadPoolExecutor, storer: ThreadPoolExecutor) -> bool:
        """Work up to MOST_BATCHES batches, the next one prepared meanwhile; returns whether there may be more."""
        taken = 0
        stored: Future[None] | None = None
        ahead: Future[Batch | None] | None = preparer.submit(self._next_batch, heartbeat)
        try:
            while ahead is not None and (batch := ahead.result()) is not None:
                taken += 1
                last = taken == MOST_BATCHES or self.stopping.is_set()
                ahead = None if last else preparer.submit(self._next_batch, heartbeat)
                with self._handed_back_on_failure(batch.leases, heartbeat):
                    if self.progress.is_stale():
                        self.progress.start(count_jobs(self.database).waiting)
                    results = encode(batch, self.spaces, self.embedder)
                    if stored is not None:
                        stored.result()
                stored = storer.submit(self._finish, batch, results, heartbeat)
                if self.stopping.is_set():
                    break
        finally:
            if ahead is not None and ahead.exception() is None and (unused := ahead.result()) is not None:
                self._abandon(unused.leases, heartbeat)
        if stored is not None:
            stored.result()
        return taken == MOST_BATCHES

    def _start_fill(self, counts: QueueCounts) -> None:
        self._load_spaces()
        self.progress.start(counts.waiting)
        if counts.queued < FEWEST_INDEXED:
            return
        # However many workers share this fill, each looks at the indexes when it is done.
        self._indexed_at = -1
        for space in self.spaces.values():
            if prepare_for_fill(self.database, space):
                self.progress.say(f"dropped the indexes of the small space {space.name} until it is filled")

    def _build_indexes(self) -> None:
        if not self.build_indexes:
            return
        # Counting a large space after every single insert would cost more than the insert.
        if self.embedded < self._indexed_at + INDEX_CHECK_INTERVAL and self._indexed_at >= 0:
            return
        if self.indexer.start([space for space in self.spaces.values() if space.state != "retired"]):
            self._indexed_at = self.embedded

    def _next_batch(self, heartbeat: Heartbeat) -> Batch | None:
        return self._prepare_batch(self.queue.claim(self.settings.batch_size), heartbeat)

    def _prepare_batch(self, leases: list[Lease], heartbeat: Heartbeat) -> Batch | None:
        if not leases:
            return None
        heartbeat.hold(leases)
        with self._handed_back_on_failure(leases, heartbeat):
            if any(lease.space_id not in self.spaces for lease in leases):
                self._load_spaces()
            return prepare(leases, self.queue.load(leases), self.spaces, self.embedder)

    @contextmanager
    def _handed_back_on_failure(self, leases: list[Lease], heartbeat: Heartbeat) -> Iterator[None]:
        """Hand leases back when an outage or a setting keeps them from being worked; another failure costs a lease."""
        try:
            yield
        except (ShelfmateError, OperationalError):
            self._abandon(leases, heartbeat)
            raise

    def _finish(self, batch: Batch, results: dict[int, list[Result]], heartbeat: Heartbeat) -> None:
        heartbeat.drop(batch.leases)
        unfinished = {(lease.product_id, lease.space_id): lease for lease in batch.leases}
        try:
            for space_id, space_results in results.items():
                for product_id in self._store(space_id, space_results, batch):
                    del unfinished[product_id, space_id]
            for lease, error in batch.failures:
                delay = delay_before_retry(error, lease.attempts, self.settings.max_attempts)
                self.queue.fail(lease, f"{type(error).__name__}: {error}", delay=delay)
                self.progress.say(f"product {lease.product_id} failed: {error}")
        except OUTAGES:
            self._hand_back(list(unfinished.values()))
            raise
        # Refused because another transaction held the row: if that one rolls back, the job is still ours to return.
        self.queue.release(list(unfinished.values()))
        self.embedded += len(batch.leases) - len(unfinished)
        self.progress.advance(len(batch.leases) - len(unfinished))

    def _store(self, space_id: int, results: list[Result], batch: Batch) -> set[int]:
        """Store the results of one space, or each alone when the database refuses the values of one of them."""
        try:
            return self.queue.store(space_id, results)
        except OperationalError:
            raise
        except psycopg.Error as error:
            if len(results) == 1:
                batch.failures.append((results[0].lease, error))
                return set()
        return {product_id for result in results for product_id in self._store(space_id, [result], batch)}

    def _abandon(self, leases: list[Lease], heartbeat: Heartbeat) -> None:
        heartbeat.drop(leases)
        self._hand_back(leases)

    def _hand_back(self, leases: list[Lease]) -> None:
        try:
            self.queue.release(leases)
        except OUTAGES as error:
            log.warning("%d jobs come back when their lease runs out: %s", len(leases), error)

    def _load_spaces(self) -> None:
        self.spaces = {space.id: space for space in list_spaces(self.database, from_primary=True)}
