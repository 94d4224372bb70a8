"""What clients did, as they saw it themselves."""

from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Literal

Outcome = Literal["committed", "rolled back", "unknown"]


@dataclass(frozen=True)
class Change:
    """What one statement did to one product; what is None it left alone. ``photograph`` is position and hash,
    ``review`` id, title and votes, the last two None where it was deleted."""

    sku: str
    title: str | None = None
    description: str | None = None
    brand: str | None = None
    photograph: tuple[int, str | None] | None = None
    deleted: bool = False
    review: tuple[int, str | None, int | None] | None = None


@dataclass
class Operation:
    """One transaction of a client: times in seconds of the epoch, and what it did in order."""

    id: int
    kind: str
    began: float
    ended: float = 0.0
    outcome: Outcome = "unknown"
    changes: list[Change] = field(default_factory=list)


@dataclass
class History:
    """The operations of all clients; threads may add to it."""

    operations: dict[int, Operation] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _lock: Lock = field(default_factory=Lock)

    def begin(self, kind: str, at: float) -> Operation:
        """Record an operation that begins."""
        with self._lock:
            operation = Operation(next(self._numbers), kind, at)
            self.operations[operation.id] = operation
        return operation

    def take(self) -> dict[int, Operation]:
        """What was recorded since the last call; no client may be at work."""
        with self._lock:
            taken, self.operations = self.operations, {}
        return taken
