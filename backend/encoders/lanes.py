"""Runs a model's batches side by side, each on one thread.

Rather than several threads in one batch: those wait for each other in every layer, and where another process takes a
core (a worker beside the server, say) the waiting was measured to make inference ten times slower (decision 0003).
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Batch = TypeVar("Batch")
Rows = TypeVar("Rows")


class Lanes:
    """As many threads as ``count``, or as this process may use cores; they start when they are first needed.

    All inference goes through them, so however many threads ask, no more than ``count`` batches run at once.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = count or usable_cores()
        self._start()

    def map(self, encode: Callable[[Batch], Rows], batches: Iterable[Batch]) -> list[Rows]:
        """``encode`` of each batch, in order. The first error that ``encode`` raises is raised here."""
        if os.getpid() != self._process:
            # A forked process has this object but none of its threads.
            self._start()
        return list(self._threads.map(encode, batches))

    def _start(self) -> None:
        self._process = os.getpid()
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="encode", initializer=_one_torch_thread)


def usable_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _one_torch_thread() -> None:
    import torch

    torch.set_num_threads(1)
