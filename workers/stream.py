"""A stream of batches: while one is encoded, the next are claimed and prepared, and the last one is stored."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from threading import Event

from backend.encoders.lanes import unhurried
from workers.batch import Batch
from workers.lease import Lease
from workers.log import log
from workers.wakeup import wait_for
from workers.workplace import OUTAGES, Workplace

LONGEST_OUTAGE_PAUSE = 5.0


class Stream:
    """Works what ``claim`` gives, with up to ``ahead`` batches prepared beside the one that is encoded.

    What a stream that is not ``urgent`` has to encode is overtaken. ``bell`` wakes the stream; ``idle`` is set while it
    has found nothing due, and ``quiet`` whenever that happens.
    """

    def __init__(
        self, name: str, place: Workplace, claim: Callable[[], list[Lease]], *, ahead: int, quiet: Event, urgent: bool
    ) -> None:
        self.name = name
        self.bell = Event()
        self.idle = Event()
        self._place = place
        self._claim = claim
        self._ahead = ahead
        self._quiet = quiet
        self._urgent = urgent

    def run(self, poll_seconds: float) -> None:
        """Work until told to end; an outage of the database is waited for.

        Raises:
            ConfigurationError: an encoder that is needed cannot be used on this machine.
        """
        pause = 0.0
        with (
            ThreadPoolExecutor(self._ahead, f"prepare-{self.name}") as preparer,
            ThreadPoolExecutor(1, f"store-{self.name}") as storer,
        ):
            while not self._place.is_over():
                try:
                    self._work(preparer, storer)
                    pause = 0.0
                except OUTAGES as error:
                    pause = min(LONGEST_OUTAGE_PAUSE, 2 * pause or 0.25)
                    log.warning("the database cannot be used, trying again in %.2g s: %s", pause, error)
                    self._place.ending.wait(pause)
                    continue
                self.idle.set()
                self._quiet.set()
                wait_for(self.bell, self._place.is_over, poll_seconds)
                self.idle.clear()

    def _work(self, preparer: ThreadPoolExecutor, storer: ThreadPoolExecutor) -> None:
        """Work batch after batch until none is due."""
        self._place.settle()
        ahead: deque[Future[Batch | None]] = deque()
        stored: list[Future[None]] = []
        # The first one here: another thread would only make it later.
        batch = self._next()
        more = batch is not None
        try:
            while batch is not None or ahead:
                if batch is None:
                    batch = ahead.popleft().result()
                    more = more and batch is not None
                    if batch is None:
                        continue
                more = more and not self._place.is_over()
                while more and len(ahead) < self._ahead:
                    ahead.append(preparer.submit(self._next))
                stored = self._encode(batch, stored, storer)
                batch = None
                if self._place.is_over():
                    break
        finally:
            for future in ahead:
                if future.exception() is None and (unused := future.result()) is not None:
                    self._place.abandon(unused.leases)
        _wait(stored)

    def _next(self) -> Batch | None:
        return self._place.prepare(self._claim())

    def _encode(self, batch: Batch, before: list[Future[None]], storer: ThreadPoolExecutor) -> list[Future[None]]:
        """Encode a batch, each space handed on to be stored at once; the batch before is stored meanwhile."""
        finish = self._place.finish
        with nullcontext() if self._urgent else unhurried():
            stored = [storer.submit(finish, batch, *encoded) for encoded in self._place.encode(batch)]
        stored += [storer.submit(finish, batch, space_id, []) for space_id in self._place.leftover(batch)]
        _wait(before)
        return stored


def _wait(stored: list[Future[None]]) -> None:
    for future in stored:
        future.result()
