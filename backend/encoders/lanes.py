"""Runs models' batches side by side, each on one thread; what a person waits for goes before what nobody does.

Rather than several threads in one batch: those wait for each other in every layer, and where another process takes a
core (a worker beside the server, say) the waiting was measured to make inference ten times slower (decision 0003).
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count as count_up
from typing import Any, TypeVar

Batch = TypeVar("Batch")
Rows = TypeVar("Rows")

_unhurried: ContextVar[bool] = ContextVar("unhurried", default=False)


@contextmanager
def unhurried() -> Iterator[None]:
    """What this thread encodes meanwhile is a backfill: batches of others, asked for later, overtake it.

    One batch in each lane is finished first, some 10 to 30 ms of work.
    """
    before = _unhurried.set(True)
    try:
        yield
    finally:
        _unhurried.reset(before)


class Lanes:
    """As many threads as ``count``, or as this process may use cores; they start when they are first needed.

    All inference of the encoders that share a ``Lanes`` goes through it, so however many threads ask, no more than
    ``count`` batches run at once.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = count or usable_cores()
        self._start()

    def map(self, encode: Callable[[Batch], Rows], batches: Iterable[Batch]) -> list[Rows]:
        """``encode`` of each batch, in order. The first error that ``encode`` raises is raised here."""
        if os.getpid() != self._process:
            # A forked process has this object but none of its threads.
            self._start()
        later = _unhurried.get()
        futures = [self._submit(later, encode, batch) for batch in batches]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                # After an error: what has not begun is not begun.
                future.cancel()

    def _submit(self, later: bool, encode: Callable[[Batch], Rows], batch: Batch) -> "Future[Rows]":
        future: Future[Rows] = Future()
        with self._lock:
            heappush(self._waiting, (later, next(self._order), future, encode, batch))
        # A thread that becomes free runs what is most urgent then, which need not be this batch.
        self._threads.submit(self._run_next)
        return future

    def _run_next(self) -> None:
        with self._lock:
            *_, future, encode, batch = heappop(self._waiting)
        if not future.set_running_or_notify_cancel():
            return
        self._use_one_torch_thread()
        try:
            future.set_result(encode(batch))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            future.set_exception(error)

    def _use_one_torch_thread(self) -> None:
        """Torch, where something has imported it, counts its threads for each thread that calls it."""
        if "torch" in sys.modules and not hasattr(self._local, "told"):
            import torch

            torch.set_num_threads(1)
            self._local.told = True

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._order = count_up()
        self._waiting: list[tuple[bool, int, Future[Any], Callable[[Any], Any], Any]] = []
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="encode")


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
