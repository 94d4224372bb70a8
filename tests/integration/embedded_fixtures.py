"""Homes, commands and processes for the tests of the embedded server."""

import atexit
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from backend.database import embedded
from tests import eventually as waiting

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the server as somebody else")

# A command that uses the server until its standard input ends.
COMMAND = """
import signal
import sys
from pathlib import Path
from backend.database import embedded

# Ignored where the tests themselves run in the background of a shell.
signal.signal(signal.SIGINT, signal.default_int_handler)
with embedded.running(Path(sys.argv[1]), linger=float(sys.argv[2])) as server:
    print(server.dsn(), flush=True)
    sys.stdin.read()
"""


class Command:
    """Another process that uses the server of ``home``."""

    def __init__(self, home: Path, *, linger: float = 0.0, prefix: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", COMMAND, str(home), str(linger)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._dsn = ""

    @property
    def dsn(self) -> str:
        """Its connection string, as soon as it has one."""
        if not self._dsn:
            self._dsn = self.process.stdout.readline().strip()
            assert self._dsn, self.process.stderr.read()
        return self._dsn

    def leave(self) -> None:
        """Let it end in the ordinary way."""
        _, errors = self.process.communicate()
        assert self.process.returncode == 0, errors

    def kill(self) -> None:
        """Kill it with -9."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


@contextmanager
def command(home: Path, **options) -> Iterator[Command]:
    """A command that has its server; killed at the end if it has not left."""
    started = Command(home, **options)
    try:
        assert started.dsn
        yield started
    finally:
        started.kill()


@contextmanager
def used_home() -> Iterator[Path]:
    """A home whose server ran before: quicker than a fresh one."""
    with fresh_home() as home:
        subprocess.run(["cp", "--archive", _template(), home], check=True)
        yield home


@contextmanager
def fresh_home() -> Iterator[Path]:
    """A home that does not exist yet, under a directory that every account can enter; nothing of it is left after."""
    parent = Path(tempfile.mkdtemp(prefix="shelfmate-test-", dir=_fast_place()))
    parent.chmod(0o711)
    home = parent / "home"
    try:
        yield home
    finally:
        stop(home)
        # Who has let go of the lock may still be on its way out.
        _gone, left = psutil.wait_procs(processes(home), timeout=30)
        for process in left:
            process.kill()
        if home.exists():
            shutil.rmtree((home / "postgres" / "sockets").resolve(), ignore_errors=True)
            shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(parent)
        assert not left, f"left behind: {left}"


def processes(home: Path) -> list[psutil.Process]:
    """Every process that has to do with ``home``, this one excepted."""
    marks = {str(home), str((home / "postgres").resolve())}
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.pid != os.getpid() and any(mark in " ".join(_described(process)) for mark in marks)
    ]


def postmasters(home: Path) -> list[psutil.Process]:
    """The Postgres servers (not their children) of ``home``."""
    data = str((home / "postgres" / "data").resolve())
    return [process for process in processes(home) if data in (process.info["cmdline"] or [])]


def supervisor(home: Path) -> psutil.Process:
    """The supervisor of ``home``."""
    found = [process for process in processes(home) if any("supervisor" in part for part in process.info["cmdline"])]
    assert len(found) == 1, found
    return found[0]


def stop(home: Path) -> None:
    """End the server of ``home`` without waiting for its grace."""
    for process in processes(home):
        if any("embedded.supervisor" in part for part in process.info["cmdline"]):
            # It may end by itself at this very moment.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGTERM)
    assert embedded.wait_until_stopped(home, 60)


def ask(dsn: str, query: str = "SELECT 1"):
    """The one value that ``query`` gives."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchone()[0]


def eventually(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` holds; an OperationalError in it counts as not yet."""

    def holds() -> object:
        with contextlib.suppress(psycopg.OperationalError):
            return condition()
        return False

    waiting.eventually(holds)


@functools.cache
def _template() -> Path:
    parent = Path(tempfile.mkdtemp(prefix="shelfmate-test-", dir=_fast_place()))
    atexit.register(shutil.rmtree, parent)
    parent.chmod(0o711)
    with embedded.running(parent / "home") as server:
        server.dsn()
    stop(parent / "home")
    return parent / "home"


def _fast_place() -> str | None:
    # Memory, where there is enough: these tests make dozens of clusters, and a busy disk takes seconds to sync one.
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 2**30:
        return str(memory)
    return None


def _described(process: psutil.Process) -> list[str]:
    return [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
