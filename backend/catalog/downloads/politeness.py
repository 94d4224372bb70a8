"""How often a host is asked: few requests at once, a pause between them, and a longer one when it says so."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from backend.errors import HostUnavailable


@dataclass(frozen=True, slots=True)
class Politeness:
    """Requests to one host at once, seconds between the starts of two, and the longest pause that is waited for.

    A host that asks for a longer one (Retry-After) is left alone for the rest of the run.
    """

    at_once: int = 4
    delay: float = 0.1
    longest_pause: float = 120.0


@dataclass(slots=True)
class _Host:
    running: int = 0
    next_start: float = 0.0
    left_alone: str | None = None


@dataclass
class Hosts:
    """Gives requests their turns; shared by the threads of one run."""

    politeness: Politeness
    clock: Callable[[], float] = time.monotonic
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopped: bool = False

    def turns(self) -> "Turns":
        """The turns of one fetch, which may be redirected from host to host."""
        return Turns(self)

    def pause(self, host: str, seconds: float) -> None:
        """Ask a host nothing for so long."""
        with self._changed:
            state = self._hosts.setdefault(host, _Host())
            if seconds > self.politeness.longest_pause:
                state.left_alone = f"{host} asks for a pause of {seconds:,.0f} s: run the import again later"
            state.next_start = max(state.next_start, self.clock() + seconds)
            self._changed.notify_all()

    def stop(self) -> None:
        """Let every thread that waits for a turn go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def begin(self, host: str) -> None:
        """Wait until a host may be asked.

        Raises:
            HostUnavailable: the host is left alone for the rest of the run, or the run has ended.
        """
        with self._changed:
            state = self._hosts.setdefault(host, _Host())
            while True:
                if self._stopped:
                    raise HostUnavailable("the run ended")
                if state.left_alone is not None:
                    raise HostUnavailable(state.left_alone)
                now = self.clock()
                if state.running < self.politeness.at_once and now >= state.next_start:
                    state.running += 1
                    state.next_start = now + self.politeness.delay
                    return
                # Whoever ends a request tells; a pause ends by itself.
                self._changed.wait(max(state.next_start - now, 0.001) if now < state.next_start else None)

    def end(self, host: str) -> None:
        """Tell that a request has ended."""
        with self._changed:
            self._hosts[host].running -= 1
            self._changed.notify_all()


class Turns:
    """One fetch at a time: called with a host, it waits until that may be asked. A context manager that ends the turn.

    ``host`` is the one that was asked last.
    """

    def __init__(self, hosts: Hosts) -> None:
        self.host: str | None = None
        self._hosts = hosts

    def __call__(self, host: str) -> None:
        self._end()
        self._hosts.begin(host)
        self.host = host

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end()

    def _end(self) -> None:
        if self.host is not None:
            self._hosts.end(self.host)
            self.host = None
