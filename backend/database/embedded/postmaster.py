"""One run of the Postgres server, from its start to the end of its last process."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from backend.database.embedded import configuration, journal, process, sockets
from backend.database.embedded.process import Launcher
from backend.errors import ConfigurationError, DatabaseUnavailable

_FAST_STOP_SECONDS = 60  # a checkpoint of all shared buffers on a slow disk
_HARD_STOP_SECONDS = 10


class Postmaster:
    """The server process on ``state/data``."""

    def __init__(self, launcher: Launcher, state: Path, socket_directory: Path, tcp_port: int | None) -> None:
        self._launcher = launcher
        self._data = state / "data"
        self._sockets = socket_directory
        self._tcp_port = tcp_port
        self._options = [
            f"--{name}={value}" for name, value in configuration.settings(socket_directory, state, tcp_port).items()
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it says that it is ready.

        Raises:
            ConfigurationError: the TCP port is taken.
            DatabaseUnavailable: it ended instead; the message ends with what it said.
        """
        if self._tcp_port is not None:
            _require_free(self._tcp_port)
        sockets.alias(self._sockets, self._port)
        since = journal.size(self._launcher.log)
        self._process = self._launcher.start("postgres", "-D", str(self._data), *self._options)
        while not self._says_ready(self._process.pid):
            if (status := self._process.poll()) is not None:
                self._end_orphans()
                raise DatabaseUnavailable(
                    f"Postgres did not start (status {status}); {self._launcher.log} ends with:\n"
                    f"{journal.tail(self._launcher.log, since)}"
                )
            if signal.SIGTERM in signal.sigpending():
                self.stop()
                raise DatabaseUnavailable("The embedded server was told to stop while it started.")
            time.sleep(0.005)

    def has_ended(self) -> bool:
        """Whether the server process is gone."""
        return self._process is None or self._process.poll() is not None

    def clients(self) -> int:
        """How many clients are connected."""
        return sockets.clients(self._sockets, self._port, tcp=self._tcp_port is not None)

    def stop(self) -> None:
        """End the server: disconnecting its clients, by force if that takes too long."""
        if self._process is None:
            return
        for number, patience in ((signal.SIGINT, _FAST_STOP_SECONDS), (signal.SIGQUIT, _HARD_STOP_SECONDS)):
            self._process.send_signal(number)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                journal.write(f"Postgres did not stop within {patience} s of {number.name}")
            else:
                break
        else:
            self._process.kill()
            self._process.wait()
        self._end_orphans()

    def clear_up(self) -> None:
        """Wait for the processes that a killed server left behind."""
        self._end_orphans()

    @property
    def _port(self) -> int:
        return self._tcp_port or 5432

    def _says_ready(self, pid: int) -> bool:
        # The lines of this file are in Postgres's utils/pidfile.h; pg_ctl waits in the same way.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _end_orphans(self) -> None:
        # They hold the old shared memory, and a new server cannot start before they are gone. They are our children
        # (process.adopt_orphans), so these ids cannot mean anybody else.
        deadline = time.monotonic() + _HARD_STOP_SECONDS
        while left := process.children():
            number = signal.SIGQUIT if time.monotonic() < deadline else signal.SIGKILL
            for pid in left:
                os.kill(pid, number)
            time.sleep(0.01)
            for pid in left:
                os.waitpid(pid, os.WNOHANG)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"TCP port {port} of 127.0.0.1 cannot be used for the embedded server ({error.strerror}): name another."
            ) from error
