"""A process that embeds suspected products, a few at a time, until none is due; workers/quarantine.py starts it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from threading import Event, Thread

from psycopg import OperationalError

from backend.database.connection import Database, open_database
from backend.errors import ShelfmateError
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from workers.identity import worker_name
from workers.leases import Heartbeat, Watched
from workers.log import log
from workers.progress import Progress, log_to_terminal
from workers.queue import JobQueue
from workers.tally import Tally
from workers.workplace import OUTAGES, Workplace

# An orphan goes on for so long.
SECONDS_WITHOUT_PARENT = 5.0


def work_alone(database: Database, settings: Settings, embedder: Embedder, stopping: Event, orphaned: Event) -> None:
    """Embed the suspects that are due, claim after claim; ``orphaned`` ends that too, but not before the first one.

    So suspects become fewer even where every worker dies before its child is ready.

    Raises:
        ConfigurationError: an encoder that is needed cannot be used on this machine.
    """
    queue = JobQueue(database, worker_name(), settings.lease_seconds)
    tally = Tally()

    def end(watched: Watched) -> None:
        log.error("product %d, or one tried with it, hangs", watched.leases[0].product_id)
        try:
            queue.lose(
                watched.leases, f"it, or a product tried with it, made no step for {settings.hang_seconds:.0f} s"
            )
        except OUTAGES as error:
            log.error("what is held comes back when its lease runs out: %s", error)  # No stack trace helps.
        os._exit(1)

    with Heartbeat(queue, tally, settings.hang_seconds, hung=end) as heartbeat:
        place = Workplace(database, settings, queue, embedder, heartbeat, Progress(), tally, stopping)
        tried = told = 0
        while not stopping.is_set() and not (orphaned.is_set() and tried):
            leases = queue.claim_suspects(list(place.aside))
            if not leases:
                break
            tried += 1
            batch = place.prepare(leases)
            assert batch is not None
            for space_id, results in place.encode(batch):
                place.finish(batch, space_id, results)
            for space_id in place.leftover(batch):
                place.finish(batch, space_id, [])
            _tell(place.embedded - told)
            told = place.embedded


def main(make_embedder: Callable[[Database], Embedder] = Embedder) -> None:
    """Work with the settings that come as one line of JSON on stdin, until none is left or, soon after, stdin ends."""
    settings = Settings.model_validate_json(sys.stdin.readline())
    log_to_terminal()
    stopping, orphaned = Event(), Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopping.set())
    Thread(target=_outlive_parent, args=(orphaned,), name="parent", daemon=True).start()
    try:
        with open_database(settings) as database:
            work_alone(database, settings, make_embedder(database), stopping, orphaned)
    except (ShelfmateError, OperationalError) as error:
        log.error("%s", error)  # A sentence for people, not a stack trace.
        sys.exit(2)


def _outlive_parent(orphaned: Event) -> None:
    """End a moment after the parent: what is begun costs its job no loss, and nothing goes on for ever."""
    sys.stdin.read()
    time.sleep(SECONDS_WITHOUT_PARENT)
    orphaned.set()


def _tell(embedded: int) -> None:
    try:
        os.write(1, b"embedded\n" * embedded)
    except BrokenPipeError:
        log.debug("nobody counts any more: the parent has ended")


if __name__ == "__main__":
    main()
