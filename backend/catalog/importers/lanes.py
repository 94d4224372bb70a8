"""Chunks that are stored side by side, in a connection for each lane: no two lanes have a row in common."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import psycopg

from backend.catalog.importers.chunks import Transaction
from backend.catalog.importers.published_chunks import Chunk
from backend.catalog.importers.report import Tally
from backend.catalog.importers.result import Outcome, Problem
from backend.errors import InvalidInput

# Of a lane, one chunk is stored and one waits: it is there when the lane is free.
_MOST_HELD = 2
_SECONDS_TO_CANCEL = 5.0

Store = Callable[[Transaction, Chunk], Sequence[Outcome]]


def store_in_lanes(
    connections: Sequence[Transaction],
    parts: Iterable[Chunk | list[Problem]],
    store: Store,
    tally: Tally,
    on_chunk: Callable[[int], None],
) -> None:
    """Store every chunk by the connection of its lane, in their order, and count the lines that are no reviews.

    Args:
        connections: one for each lane.
        parts: chunks, and for a line that is no review what is wrong with it.
        store: writes a chunk and says what became of it.
        tally: counts, and writes the report.
        on_chunk: called after every chunk with how many bytes of the file were read for it.

    Raises:
        InvalidInput: the input ends in damage; what came before it is imported.
    """

    def absorb(lane: _Lane) -> None:
        chunk, future = lane.held.popleft()
        outcomes = future.result()
        tally.counts["read"] += len(chunk.lines) + sum(map(len, chunk.again.values()))
        for outcome in outcomes:
            tally.absorb(outcome)
        tally.flush()
        on_chunk(chunk.position)

    def absorb_all() -> None:
        for lane in lanes:
            while lane.held:
                absorb(lane)

    with ExitStack() as stack:
        lanes = [stack.enter_context(_Lane(connection, store)) for connection in connections]
        try:
            for part in parts:
                if isinstance(part, list):
                    tally.counts["read"] += 1
                    tally.reject(part)
                    continue
                lane = lanes[part.lane]
                if len(lane.held) == _MOST_HELD:
                    absorb(lane)
                lane.begin(part)
        except InvalidInput:
            absorb_all()
            raise
        absorb_all()


class _Lane:
    """A connection and the thread that waits for it; ``held`` are its chunks, the oldest first."""

    def __init__(self, connection: Transaction, store: Store) -> None:
        self.held: deque[tuple[Chunk, Future[Sequence[Outcome]]]] = deque()
        self._connection = connection
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="import")

    def begin(self, chunk: Chunk) -> None:
        """Store a chunk when those before it are."""
        self.held.append((chunk, self._thread.submit(self._store, self._connection, chunk)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After an error, or a Ctrl-C, what is under way is not waited for.
        for _chunk, future in self.held:
            if not future.cancel() and not future.done():
                try:
                    self._connection.cancel_safe(timeout=_SECONDS_TO_CANCEL)
                except psycopg.OperationalError:
                    # The server does not answer: its connection is closed, which ends what waits for it.
                    self._connection.close()
        self._thread.shutdown()
