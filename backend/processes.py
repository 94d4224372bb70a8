"""``shelfmate up``: the server and the worker as children of one parent, which lives and dies with them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event

from backend.errors import ShelfmateError

SECONDS_TO_STOP = 15.0
LONGEST_PAUSE = 30.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class Child:
    """One ``shelfmate`` subcommand that is kept running; started again after 1, 2, 4, ... seconds when it ends."""

    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it; it is told to stop when this process ends in any way."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", *self.arguments],
            env=dict(environment),
            # A Ctrl-C reaches the parent alone, which stops the children in order.
            start_new_session=True,
            preexec_fn=_tied_to(os.getpid()),  # Two system calls, since other threads may hold locks at the fork.
        )

    @property
    def due(self) -> float:
        """When it may be started again."""
        return self.started + min(LONGEST_PAUSE, 2.0 ** max(0, self.failures - 1))


@dataclass
class Processes:
    """Keeps children running until ``stopping`` is set or one ends for a reason that a restart cannot mend."""

    children: list[Child]
    environment: Mapping[str, str]
    stopping: Event = field(default_factory=Event)

    def start(self) -> None:
        """Start every child."""
        for child in self.children:
            child.start(self.environment)

    def watch(self) -> None:
        """Restart what ends, until told to stop.

        Raises:
            ShelfmateError: a child refused its settings (exit status 2), as it would again.
        """
        while not self.stopping.wait(0.2):
            for child in self.children:
                self._tend(child)

    def stop(self) -> None:
        """Ask every child to finish what it has in hand, then insist."""
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _tend(self, child: Child) -> None:
        if child.process is None or child.process.poll() is None:
            if child.process is None and time.monotonic() >= child.due:
                child.start(self.environment)
            elif time.monotonic() > child.started + 60:
                child.failures = 0
            return
        status = child.process.returncode
        child.process = None
        # As backend.cli says: the same would happen again.
        if status == 2:
            raise ShelfmateError(f"shelfmate {' '.join(child.arguments)} cannot run; it said why above")
        child.failures += 1
        print(f"shelfmate {' '.join(child.arguments)} ended with status {status}; starting it again", file=sys.stderr)


def stop_on_signals(stopping: Event) -> None:
    """Set ``stopping`` on SIGTERM and SIGINT, for a process that finishes what it has in hand."""

    def handle(_number: int, _frame: object) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _tied_to(parent: int) -> Callable[[], None]:
    prctl, number = ctypes.CDLL(None).prctl, int(signal.SIGTERM)

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
