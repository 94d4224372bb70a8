"""A process that embeds one suspected product at a time, until none is due; workers/quarantine.py starts it."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from threading import Event, Thread

from backend.database.connection import Database, open_database
from backend.errors import ShelfmateError
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from workers.leases import Heartbeat, Watched
from workers.log import log
from workers.progress import Progress, log_to_terminal
from workers.queue import JobQueue
from workers.tally import Tally
from workers.workplace import Workplace


def work_alone(database: Database, settings: Settings, embedder: Embedder, stopping: Event) -> None:
    """Embed the suspects that are due, one after another.

    Raises:
        ConfigurationError: an encoder of the active space cannot be used on this machine.
    """
    queue = JobQueue(database, f"{socket.gethostname()}:{os.getpid()}", settings.lease_seconds)
    tally = Tally()
    with Heartbeat(queue, tally, settings.hang_seconds, hung=_end) as heartbeat:
        place = Workplace(database, settings, queue, embedder, heartbeat, Progress(), tally, stopping)
        told = 0
        while not stopping.is_set() and (leases := queue.claim_suspect(list(place.aside))):
            batch = place.prepare(leases)
            assert batch is not None
            for space_id, results in place.encode(batch):
                place.finish(batch, space_id, results)
            for space_id in place.leftover(batch):
                place.finish(batch, space_id, [])
            sys.stdout.write("embedded\n" * (place.embedded - told))
            sys.stdout.flush()
            told = place.embedded


def main(make_embedder: Callable[[Database], Embedder] = Embedder) -> None:
    """Work with the settings that come as one line of JSON on stdin, until none is left or stdin ends."""
    settings = Settings.model_validate_json(sys.stdin.readline())
    log_to_terminal()
    stopping = Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopping.set())
    Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        with open_database(settings) as database:
            work_alone(database, settings, make_embedder(database), stopping)
    except ShelfmateError as error:
        log.error("%s", error)  # A sentence for people, not a stack trace.
        sys.exit(2)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _end(watched: Watched) -> None:
    log.error("product %d hangs", watched.leases[0].product_id)
    os._exit(1)


if __name__ == "__main__":
    main()
