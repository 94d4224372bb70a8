"""Jobs whose workers died are tried in a process of their own, a few at a time: it takes nothing else down with it."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import Self

from backend.database.connection import Database
from backend.settings import Settings
from workers.identity import worker_name
from workers.log import log
from workers.queue import JobQueue
from workers.tally import Tally
from workers.workplace import OUTAGES

# Runs workers.alone; a test may name another program that embeds in its own way.
ALONE = (sys.executable, "-m", "workers.alone")
SECONDS_TO_STOP = 5.0


class Quarantine:
    """Keeps a child at the suspects while there are any; leaving the context ends it.

    ``done`` is called when a child has ended, with how many products it embedded.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        queue: JobQueue,
        tally: Tally,
        done: Callable[[int], None],
        program: Sequence[str] = ALONE,
    ) -> None:
        self._settings = settings.model_copy(update={"database_url": database.dsn})
        self._queue = queue
        self._tally = tally
        self._done = done
        self._program = list(program)
        self._stopping = Event()
        # So that no child is begun behind the back of who ends them.
        self._beginning = Lock()
        self._thread: Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._beginning:
            self._stopping.set()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self._child.kill()
        if self._thread is not None:
            self._thread.join()

    def look(self, aside: Sequence[int]) -> None:
        """Begin with the suspects that are due, unless that is under way."""
        if (self._thread is None or not self._thread.is_alive()) and self._queue.has_suspect(aside):
            self._thread = Thread(target=self._run, name="quarantine", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        with self._beginning:
            if self._stopping.is_set():
                return
            child = self._child = subprocess.Popen(self._program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            # It stays open: the child ends soon after this process has ended, however that was. Past the buffer, which
            # would be written once more when it is closed.
            os.write(child.stdin.fileno(), self._settings.model_dump_json().encode() + b"\n")
            log.info("process %d tries the products whose workers ended, a few at a time", child.pid)
        except BrokenPipeError:
            log.debug("process %d ended before it had its settings", child.pid)
        # It says so of each product that it embedded.
        embedded = sum(1 for _line in child.stdout)
        status = child.wait()
        child.stdout.close()
        child.stdin.close()
        if status != 0 and not self._stopping.is_set():
            log.warning("process %d ended with status %d", child.pid, status)
        try:
            # What it held comes back at once, its lease need not run out.
            for space_id, state in self._queue.expire([worker_name(child.pid)]):
                self._tally.count(space_id, died=state == "dead", failed=state != "dead")
        except OUTAGES as error:
            log.warning("what process %d held comes back when its lease runs out: %s", child.pid, error)
        # A child that cannot even begin, or that finds nothing, is not started again and again without a pause.
        if embedded == 0 and status >= 0:
            self._stopping.wait(1)
        self._done(embedded)
