"""What a worker finished since it told the database last: the rates of the queue are made of it."""

from collections import Counter
from threading import Lock

from workers.queue import JobQueue


class Tally:
    """Counts by space, written down every few seconds: what a killed worker had not told is missing from the rates."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[int, Counter[str]] = {}

    def count(self, space_id: int, *, completed: int = 0, failed: int = 0, died: int = 0) -> None:
        """So many jobs ended well, failed and will be tried again, and were given up."""
        with self._lock:
            counter = self._counts.setdefault(space_id, Counter())
            # What is true or false is a number here, and not to Postgres.
            counter.update(completed=int(completed), failed=int(failed), died=int(died))

    def flush(self, queue: JobQueue) -> None:
        """Write down what was counted; what the database does not take is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        while counts:
            space_id, counter = counts.popitem()
            try:
                queue.log(space_id, counter["completed"], counter["failed"], counter["died"])
            except BaseException:
                counts[space_id] = counter
                for kept, numbers in counts.items():
                    self.count(kept, **numbers)
                raise
