"""A batch that hangs: no thread of Python can be ended from outside, so the process is."""

import faulthandler
import os

from workers.leases import Heartbeat, Watched
from workers.log import log
from workers.queue import JobQueue
from workers.workplace import OUTAGES

# EX_TEMPFAIL of sysexits.h: start it again.
EXIT_STATUS = 75


def end_process(watched: Watched, queue: JobQueue, heartbeat: Heartbeat) -> None:
    """End this process, with the jobs of the batch at fault to be tried alone and all others handed back."""
    seconds = heartbeat.hang_seconds
    log.error("a batch of %d products made no step for %.0f s: this process ends", len(watched.leases), seconds)
    faulthandler.dump_traceback()
    try:
        queue.lose(watched.leases, f"it, or another product of its batch, made no step for {seconds:.0f} s")
        queue.release_tokens(heartbeat.held_beside(watched.leases))
    except OUTAGES as error:
        log.error("what is held comes back when its lease runs out: %s", error)  # No stack trace helps.
    os._exit(EXIT_STATUS)
