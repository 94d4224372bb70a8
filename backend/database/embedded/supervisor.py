"""The process that owns a home's Postgres server: ``python -m backend.database.embedded.supervisor REQUEST``.

It holds the home's lock, is the parent of Postgres, starts it again when it dies, and stops it when no command holds
the users' lock and no client is connected.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from backend.database.embedded import account as accounts
from backend.database.embedded import cluster, journal, locks, process, sockets, state
from backend.database.embedded.binaries import Binaries, usable_by
from backend.database.embedded.handshake import Outcome, Report, Request
from backend.database.embedded.layout import Layout
from backend.database.embedded.postmaster import Postmaster
from backend.errors import ConfigurationError, DatabaseUnavailable

GRACE_SECONDS = 1.0  # one command follows another
_TICK_SECONDS = 0.25
_MOST_DEATHS = 5  # of the server within a minute
_STOPPING = {signal.SIGTERM, signal.SIGINT}
_WAITED_FOR = {*_STOPPING, signal.SIGCHLD, signal.SIGHUP}


class Users:
    """The commands that use the server, seen through the lock that they share."""

    def __init__(self, path: Path) -> None:
        self._lock = locks.open_file(path)
        self._last_seen = time.monotonic()
        os.ftruncate(self._lock, 0)

    def any_left(self, postmaster: Postmaster) -> bool:
        """Whether the server is still wanted; if not, the lock is kept, so that newcomers wait for our end."""
        if not locks.upgrade(self._lock):
            self._last_seen = time.monotonic()
            return True
        if postmaster.clients():
            self._last_seen = time.monotonic()
        wanted = time.monotonic() - self._last_seen < max(GRACE_SECONDS, self._linger())
        if wanted:
            locks.release(self._lock)
        return wanted

    def _linger(self) -> float:
        text = os.pread(self._lock, 32, 0)
        return float(text) if text else 0.0


def main() -> None:
    """Run the server that the request in the first argument asks for."""
    request = Request.from_json(sys.argv[1])
    if os.fork():
        os._exit(0)  # the command reaps this one; the server's life is no longer tied to the command's
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    layout, report = Layout(Path(request.home)), Report(request.report)
    owner_lock = locks.try_exclusive(layout.owner_lock, patience=0.05)
    if owner_lock is None:
        report.send(Outcome.OWNED)
        return
    journal.bound(layout.log)
    try:
        _serve(request, layout, report, owner_lock)
    except ConfigurationError as error:
        journal.write(str(error))
        failed = isinstance(error, DatabaseUnavailable)
        report.send(Outcome.FAILED if failed else Outcome.MISCONFIGURED, str(error))
    except (OSError, subprocess.SubprocessError) as error:
        journal.write(f"the server cannot be run: {error}")
        report.send(Outcome.FAILED, f"The embedded server cannot be run: {error}. {layout.log} may say more.")


def _serve(request: Request, layout: Layout, report: Report, owner_lock: int) -> None:
    users = Users(layout.users_lock)
    postmaster = _prepare(request, layout, owner_lock)
    postmaster.start()
    report.send(Outcome.READY)
    deaths: list[float] = []
    while True:
        signalled = signal.sigtimedwait(_WAITED_FOR, _TICK_SECONDS)
        if signalled is not None and signalled.si_signo in _STOPPING:
            break
        if not users.any_left(postmaster):
            break
        if postmaster.has_ended():
            deaths = [*(death for death in deaths if time.monotonic() - death < 60), time.monotonic()]
            if len(deaths) > _MOST_DEATHS:
                raise DatabaseUnavailable(f"Postgres died {len(deaths)} times within a minute.")
            _start_again(postmaster, layout)
        journal.bound(layout.log)
    postmaster.stop()


def _start_again(postmaster: Postmaster, layout: Layout) -> None:
    journal.write("Postgres ended by itself; starting it again")
    try:
        postmaster.clear_up()
        cluster.clear_stale_pid(layout.data)
        postmaster.start()
    except ConfigurationError as error:
        journal.write(str(error))  # counted as one more death at the next tick


def _prepare(request: Request, layout: Layout, owner_lock: int) -> Postmaster:
    process.adopt_orphans()
    machine_root = Path(request.machine_root)
    binaries = Binaries(Path(request.install), request.identity)
    account = accounts.for_server(layout.state)
    place = state.settle(layout, account, machine_root)
    install = usable_by(account, binaries, machine_root)
    launcher = process.Launcher(install, account, owner_lock, layout.log)
    cluster.write_access_rules(place, account)
    cluster.initialise(place, launcher, account)
    cluster.check_version(place / "data", binaries.major)
    cluster.clear_stale_pid(place / "data")
    return Postmaster(launcher, place, sockets.settle(place, account), request.tcp_port)


if __name__ == "__main__":
    main()
