"""The embedding worker: a stream for what somebody waits for and one for backfills, side by side."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from threading import Event

from backend.database.connection import Database
from backend.errors import ConfigurationError, DatabaseUnavailable
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from backend.spaces.filling import advance_fills
from backend.spaces.indexes import FEWEST_INDEXED, prepare_for_fill
from backend.spaces.jobs import count_jobs
from workers.hanging import end_process
from workers.identity import worker_name
from workers.indexing import Indexer
from workers.lease import Lease
from workers.leases import MISSED, Heartbeat
from workers.log import log
from workers.making import Maker
from workers.progress import Progress
from workers.quarantine import ALONE, Quarantine
from workers.queue import JobQueue
from workers.stream import Stream
from workers.tally import Tally
from workers.upkeep import Upkeep
from workers.wakeup import Wakeup, wait_for
from workers.workplace import Workplace

INDEX_CHECK_INTERVAL = 500
SECONDS_BETWEEN_LOOKS = 1.0
DRAIN_POLL = 0.2


@dataclass
class Worker:
    """Embeds products until it is told to stop or, with ``drain``, until nothing is left to embed.

    ``stopping`` may be set by a signal: the batch in hand is finished, the one prepared ahead is handed back. Without
    ``build_indexes`` a fill leaves its space without HNSW indexes. ``alone`` is the program that tries suspects.
    """

    database: Database
    settings: Settings
    progress: Progress
    drain: bool = False
    stopping: Event = field(default_factory=Event)
    embedder: Embedder | None = None
    build_indexes: bool = True
    alone: Sequence[str] = ALONE

    def __post_init__(self) -> None:
        self.queue = JobQueue(self.database, worker_name(), self.settings.lease_seconds)
        self.indexer = Indexer(self.database, self.progress.say)
        self._quiet = Event()
        self._indexed_at = -1
        self._busy = False
        self._turn = 0

    @property
    def embedded(self) -> int:
        """How many products were embedded so far."""
        return self.place.embedded

    def run(self) -> int:
        """Work; returns how many products were embedded.

        Raises:
            ConfigurationError: an encoder that is needed cannot be used on this machine.
        """
        tally = Tally()
        heartbeat = Heartbeat(self.queue, tally, self.settings.hang_seconds)
        embedder = self.embedder or Embedder(self.database)
        self.place = place = Workplace(
            self.database, self.settings, self.queue, embedder, heartbeat, self.progress, tally, self.stopping
        )
        place.load_spaces()
        for space in place.spaces.values():
            if space.state == "active":
                try:
                    embedder.warm_up(space)
                except DatabaseUnavailable:
                    raise
                except ConfigurationError as error:
                    place.put_aside(space, error)
        # A drain looks at once whether nothing is left; else once a second is enough.
        quiet = self._quiet if self.drain else Event()
        streams = [
            Stream("interactive", place, self._claim_interactive, urgent=True, ahead=1, quiet=quiet),
            Stream("backfill", place, self._claim_backfill, urgent=False, ahead=2, quiet=quiet),
        ]
        wakeup = Wakeup(self.database, [stream.bell for stream in streams])
        heartbeat.expired = wakeup.ring
        heartbeat.hung = lambda watched: end_process(watched, self.queue, heartbeat)
        with (
            self.indexer,
            nullcontext() if self.drain else Upkeep(self.database, self.settings, self.progress.say),
            wakeup,
            heartbeat,
            Quarantine(
                self.database, self.settings, self.queue, tally, self._from_quarantine, self.alone
            ) as quarantine,
            Maker(self.database, self.progress.say) as maker,
            ThreadPoolExecutor(len(streams), "stream") as threads,
        ):
            poll = min(DRAIN_POLL, self.settings.poll_seconds) if self.drain else self.settings.poll_seconds
            running = [threads.submit(stream.run, poll) for stream in streams]
            try:
                self._oversee(streams, running, quarantine, maker)
            finally:
                place.ending.set()
                wakeup.ring()
            for future in running:
                future.result()
            self.indexer.wait(self.stopping)
        return self.embedded

    def _oversee(
        self, streams: Sequence[Stream], running: Sequence[Future[None]], quarantine: Quarantine, maker: Maker
    ) -> None:
        """Start what is due beside the streams, until the worker has to end."""
        for future in running:
            future.add_done_callback(lambda _future: self._quiet.set())
        seconds = min(SECONDS_BETWEEN_LOOKS, self.settings.poll_seconds)
        looked = -seconds
        while not self.stopping.is_set() and not any(future.done() for future in running):
            idle = all(stream.idle.is_set() for stream in streams)
            # While one works on, that the other found nothing once more is no reason to ask the database.
            if idle or time.monotonic() >= looked + seconds:
                looked = time.monotonic()
                try:
                    if self._look(idle, streams, quarantine, maker):
                        return
                except MISSED as error:
                    # Whatever the database refuses of this, the streams go on, and the next look tries again.
                    log.warning("looking for what is due failed, and is tried again: %s", error)
            wait_for(self._quiet, self.stopping.is_set, seconds)

    def _look(self, idle: bool, streams: Sequence[Stream], quarantine: Quarantine, maker: Maker) -> bool:
        """Begin what is due; returns whether a drain is through."""
        self.place.load_spaces()
        making = maker.look()
        filled = self._advance_fills() and not making
        quarantine.look(list(self.place.aside))
        if idle and self.drain:
            for error in self.place.aside.values():
                raise error
        if not idle or self.queue.has_jobs():
            if idle and self.queue.has_due(list(self.place.aside)):
                streams[-1].bell.set()
            self._show()
            return False
        self._rest()
        return filled and self.drain

    def _advance_fills(self) -> bool:
        """Go on with the fills of spaces; returns whether all is done that this worker can do."""
        filled = True
        for space, step in advance_fills(self.database):
            if step.stage == "indexing" and self.build_indexes:
                self.indexer.start([space])
            filled &= step.stage == "filled" or (step.stage == "indexing" and not self.build_indexes)
        return filled

    def _claim_interactive(self) -> list[Lease]:
        return self.queue.claim_interactive(self.settings.batch_size, list(self.place.aside))

    def _claim_backfill(self) -> list[Lease]:
        """The next batch of the space whose turn it is, or of the next one that has any."""
        spaces = sorted(self.place.spaces.keys() - self.place.aside.keys())
        for space_id in [*(i for i in spaces if i > self._turn), *(i for i in spaces if i <= self._turn)]:
            leases = self.queue.claim_backfill(space_id, self.settings.batch_size)
            if leases:
                self._turn = space_id
                return leases
        return []

    def _from_quarantine(self, embedded: int) -> None:
        self.place.add(embedded)
        self._quiet.set()

    def _show(self) -> None:
        """Say how much there is to do, and make room for a large fill when it begins."""
        if self._busy and not self.progress.is_stale():
            return
        counts = count_jobs(self.database)
        self.progress.start(counts.waiting)
        if not self._busy and counts.queued >= FEWEST_INDEXED:
            # However many workers share this fill, each looks at the indexes when it is done.
            self._indexed_at = -1
            for space in self.place.spaces.values():
                if prepare_for_fill(self.database, space):
                    self.progress.say(f"dropped the indexes of the small space {space.name} until it is filled")
        self._busy = True

    def _rest(self) -> None:
        """Nothing is left to embed."""
        self._busy = False
        self.progress.finish()
        # Counting a large space after every single insert would cost more than the insert.
        looked = self._indexed_at >= 0 and self.embedded < self._indexed_at + INDEX_CHECK_INTERVAL
        filled = [space for space in self.place.spaces.values() if space.filled_at and space.state != "retired"]
        if self.build_indexes and not looked and self.indexer.start(filled):
            self._indexed_at = self.embedded
