"""Worker processes, kept at a number, to be killed and paused."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPLICATION = "chaos-worker-"


@dataclass
class Hand:
    """One ``shelfmate worker``; ``app`` is the name by which the server knows its connections."""

    app: str
    process: "subprocess.Popen[bytes]"
    started: float
    resumes: float | None = None


@dataclass
class Fault:
    """What was done to which worker when, by the epoch."""

    kind: str
    app: str
    at: float


@dataclass
class Fleet:
    """``size`` workers at work, beside those that are paused; use it in one thread."""

    size: int
    environment: dict[str, str]
    log: Path
    may_end: Callable[[float, float], bool] = lambda _started, _ended: False
    hands: dict[int, Hand] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def tend(self) -> None:
        """Wake who was paused long enough, and start workers until there are enough."""
        now = time.time()
        for pid, hand in list(self.hands.items()):
            if hand.resumes is not None and hand.resumes < now:
                self.resume(hand)
            if (status := hand.process.poll()) is not None:
                if not self.may_end(hand.started, now):
                    self.unasked.append(
                        f"{hand.app} ended by itself with status {status} after {now - hand.started:.1f} s"
                    )
                del self.hands[pid]
        while len(self.at_work()) < self.size:
            self._start()

    def at_work(self) -> dict[int, Hand]:
        """Those that are not paused, by process id."""
        return {pid: hand for pid, hand in self.hands.items() if hand.resumes is None}

    def kill(self, pid: int) -> None:
        """SIGKILL one; what it held stays behind."""
        hand = self.hands.pop(pid)
        hand.process.kill()
        hand.process.wait()
        self.faults.append(Fault("kill", hand.app, time.time()))

    def pause(self, pid: int, seconds: float) -> None:
        """SIGSTOP one, and have ``tend`` let it go on after so many seconds."""
        hand = self.hands[pid]
        hand.process.send_signal(signal.SIGSTOP)
        hand.resumes = time.time() + seconds
        self.faults.append(Fault("pause", hand.app, time.time()))

    def resume(self, hand: Hand) -> None:
        """SIGCONT: from now on it works as if no time had passed."""
        hand.process.send_signal(signal.SIGCONT)
        hand.resumes = None
        self.faults.append(Fault("resume", hand.app, time.time()))

    def end(self) -> None:
        """Kill everyone."""
        for hand in self.hands.values():
            hand.process.kill()
            hand.process.wait()
        self.hands.clear()

    def _start(self) -> None:
        app = f"{APPLICATION}{next(self._numbers)}"
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "backend.cli", "worker"],
                env={**os.environ, **self.environment, "PGAPPNAME": app},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.hands[process.pid] = Hand(app, process, time.time())


def wait_until(true: Callable[[], bool], seconds: float, pause: float = 0.002) -> bool:
    """Whether it came true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
