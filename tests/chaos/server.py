"""The Postgres server of the test: Shelfmate's own, on a home of its own, so that it can be stopped at any moment."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from backend.database import embedded

# After the server takes connections again, those who lost theirs may still learn of it.
GRACE_SECONDS = 5.0
# The supervisor of an embedded server bears five a minute.
MOST_STOPS = 4


@dataclass
class Server:
    """A running server; ``outages`` are its stops, from the signal to the first connection after, by the epoch."""

    home: Path
    dsn: str
    outages: list[tuple[float, float]] = field(default_factory=list)
    down_since: float | None = None

    def may_stop(self) -> bool:
        """Whether the supervisor still bears one: it gives a server up that dies too often within a minute."""
        return len(self.outages) < MOST_STOPS or time.time() - self.outages[-MOST_STOPS][0] > 62

    def stop_at_once(self, away: float = 0.0) -> None:
        """End the server without a checkpoint, as ``pg_ctl stop -m immediate`` does; return when it is back.

        For so many seconds nobody starts it again: its supervisor is paused.
        """
        self.down_since = time.time()
        pid = self._postmaster()
        supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if away:
            os.kill(supervisor, signal.SIGSTOP)
        os.kill(pid, signal.SIGQUIT)
        time.sleep(away)
        if away:
            os.kill(supervisor, signal.SIGCONT)
        while self._postmaster() == pid or not self._answers():
            time.sleep(0.01)
            assert time.time() - self.down_since < 60 + away, "the server did not come back within 60 s"
        self.outages.append((self.down_since, time.time()))
        self.down_since = None

    def was_down(self, began: float, ended: float) -> bool:
        """Whether a stop, or the moments after it, fell into this time."""
        if self.down_since is not None and self.down_since < ended:
            return True
        return any(start < ended and began < end + GRACE_SECONDS for start, end in self.outages[-20:])

    def _postmaster(self) -> int:
        try:
            lines = (self.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return 0
        return int(lines[0]) if lines else 0

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running() -> Iterator[Server]:
    """A fresh server, in memory where there is room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    with tempfile.TemporaryDirectory(prefix="shelfmate-chaos-", dir=memory if roomy else None) as home:
        Path(home).chmod(0o755)
        with embedded.running(Path(home)) as server:
            yield Server(Path(home), server.dsn("chaos"))
        assert embedded.wait_until_stopped(Path(home), 90)
