"""Starting a Postgres program so that it cannot outlive the supervisor."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.database.embedded import journal
from backend.database.embedded.account import Account
from backend.errors import DatabaseUnavailable

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends: backends whose postmaster was killed."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


@dataclass(frozen=True)
class Launcher:
    """Starts programs of one installation as one account.

    ``owner_lock`` is the descriptor of the home's lock; each program inherits it, so that the lock is taken as long
    as any process that could touch the data lives.
    """

    install: Path
    account: Account
    owner_lock: int
    log: Path

    def start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start ``program``; it gets SIGINT (for Postgres: a fast, clean stop) when this process ends in any way."""
        log = journal.open_for_append(self.log)
        try:
            return subprocess.Popen(
                [str(self.install / "bin" / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # None of the caller's PG* variables, locale or preloads.
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                pass_fds=(self.owner_lock,),
                start_new_session=True,
                # This process has one thread, so nothing can hold a lock across the fork.
                preexec_fn=_tied_to(os.getpid()),
                **self.account.credentials(),
            )
        finally:
            os.close(log)

    def run(self, program: str, *arguments: str) -> None:
        """Run ``program`` to its end.

        Raises:
            DatabaseUnavailable: it failed; the message ends with what it said.
        """
        since = journal.size(self.log)
        status = self.start(program, *arguments).wait()
        if status != 0:
            raise DatabaseUnavailable(
                f"{program} failed with status {status}; {self.log} ends with:\n{journal.tail(self.log, since)}"
            )


def children() -> list[int]:
    """The process ids of this process's children, the ended ones included."""
    here = os.getpid()
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended while we looked
        # The name, in parentheses, may hold anything; the parent's pid is the second field after it.
        if int(text.rpartition(")")[2].split()[1]) == here:
            found.append(int(status.parent.name))
    return found


def _tied_to(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        # After the change of user, which clears it.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)  # the parent ended before the tie was made

    return prepare


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
