"""A worker that says on stdout when it has begun with a product: nanoseconds of the clock and the product's id."""

import sys
import time
from collections.abc import Sequence

from backend.database.connection import open_database
from backend.processes import stop_on_signals
from backend.settings import settings
from workers.lease import Lease
from workers.progress import Progress
from workers.queue import JobQueue
from workers.worker import Worker


class WatchedQueue(JobQueue):
    """Says so when a lease is in hand."""

    def claim_interactive(self, limit: int, aside: Sequence[int] = ()) -> list[Lease]:
        leases = super().claim_interactive(limit, aside)
        now = time.time_ns()
        for lease in leases:
            sys.stdout.write(f"{now} {lease.product_id}\n")
        sys.stdout.flush()
        return leases


def main() -> None:
    with open_database(settings()) as database:
        worker = Worker(database, settings(), Progress())
        worker.queue = WatchedQueue(database, worker.queue.worker, settings().lease_seconds)
        stop_on_signals(worker.stopping)
        worker.run()


if __name__ == "__main__":
    main()
