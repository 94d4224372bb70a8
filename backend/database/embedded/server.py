"""The embedded server as commands see it."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from backend.database.embedded import locks, sockets, start
from backend.database.embedded.layout import Layout
from backend.errors import ConfigurationError, DatabaseUnavailable

if TYPE_CHECKING:
    from backend.database.embedded.session import Answer

_SUPERUSER = "shelfmate"
_START_SECONDS = 300  # replaying 4 GB of write-ahead log after a power cut takes its time
_REFUSED_SECONDS = 5
_WATCH_SECONDS = 1.0
_LEAVE_SECONDS = 5.0  # a restart in progress does not keep a command from ending

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server; made by ``running``."""

    layout: Layout
    tcp_port: int | None

    def dsn(self, database: str = "shelfmate") -> str:
        """A connection URI of ``database`` by unix socket; the database is created when missing."""
        return self._created(database, self._address(database))

    def tcp_dsn(self, database: str = "shelfmate") -> str:
        """A connection URI of ``database`` over TCP, with the password; the database is created when missing.

        Raises:
            ConfigurationError: the server was not started with ``tcp_port``.
        """
        if self.tcp_port is None:
            raise ConfigurationError("The embedded server listens on no TCP port: start it with tcp_port.")
        password = self.layout.password.read_text().strip()
        address = f"postgresql://{_SUPERUSER}:{quote(password)}@127.0.0.1:{self.tcp_port}/{quote(database, safe='')}"
        return self._created(database, address)

    def _created(self, database: str, address: str) -> str:
        from backend.database.embedded import session

        session.create_database(self._address("postgres"), database)
        return address

    def _address(self, database: str) -> str:
        return _address(self.layout, database)


@contextmanager
def running(home: Path, *, tcp_port: int | None = None, linger: float = 0.0) -> Iterator[EmbeddedServer]:
    """Use the server of ``home``, started if none runs; it lives at least until the block ends.

    Args:
        home: Shelfmate's directory; made when missing. All commands that name it share one server.
        tcp_port: listen on this port of 127.0.0.1 too.
        linger: seconds that the server waits for a client after its last command or client has left.

    Raises:
        ConfigurationError: the machine cannot run it, the port is taken, or it runs already without the port.
        DatabaseUnavailable: it does not start; the message says why.
    """
    layout = _make_home(home)
    with ExitStack() as held:
        with _os_errors_explained(layout):
            lease = locks.shared(layout.users_lock)
            # Closed, not unlocked: a process forked meanwhile may still use the server through its copy.
            held.callback(os.close, lease)
            port = _ensure(layout, tcp_port, linger)
        if tcp_port not in {None, port}:
            raise ConfigurationError(
                f"The embedded server of {layout.home} runs already, without TCP port {tcp_port}: "
                "end the commands that use it first."
            )
        server = EmbeddedServer(layout, port)
        over = threading.Event()
        watch = threading.Thread(target=_watch, args=(layout, port, linger, over), daemon=True)
        watch.start()
        held.callback(watch.join, _LEAVE_SECONDS)
        held.callback(over.set)
        yield server


def wait_until_stopped(home: Path, timeout: float) -> bool:
    """Wait until no server of ``home`` runs any more; False if one still does after ``timeout`` seconds."""
    layout = Layout.of(home)
    deadline = time.monotonic() + timeout
    while layout.owner_lock.exists() and locks.held(layout.owner_lock):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _make_home(home: Path) -> Layout:
    layout = Layout.of(home)
    try:
        layout.home.mkdir(parents=True, exist_ok=True)
        if not os.access(layout.home, os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write in {layout.home}")
    except OSError as error:
        raise ConfigurationError(
            f"{layout.home} cannot be used ({error}): set SHELFMATE_HOME to a directory of yours."
        ) from error
    return layout


@contextmanager
def _os_errors_explained(layout: Layout) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseUnavailable(
            f"The embedded server of {layout.home} cannot be used ({error}): repair that, "
            "or set SHELFMATE_HOME or DATABASE_URL."
        ) from error


def _ensure(layout: Layout, tcp_port: int | None, linger: float) -> int | None:
    """Have a server that answers, started with ``tcp_port`` if none runs; the TCP port that it listens on."""
    deadline = time.monotonic() + _START_SECONDS
    refused_since: float | None = None
    while True:
        if not locks.held(layout.owner_lock):
            start.supervisor(layout, tcp_port)
        answer = _first_answer(layout)
        if answer.refusal is None:
            break
        now = time.monotonic()
        refused_since = (refused_since or now) if answer.refusal else None
        if refused_since and now - refused_since > _REFUSED_SECONDS:
            raise DatabaseUnavailable(f"The embedded server refuses the connection: {answer.refusal}")
        if now > deadline:
            raise DatabaseUnavailable(
                f"The embedded server of {layout.home} did not answer within {_START_SECONDS} s; see {layout.log}."
            )
        time.sleep(0.02)
    if linger:
        start.remember_linger(layout, linger)
    return answer.tcp_port


def _first_answer(layout: Layout) -> "Answer":
    from backend.database.embedded import session

    if not layout.sockets.exists():
        return session.Answer("")
    try:
        return session.first_answer(_address(layout, "postgres"))
    except DatabaseUnavailable as error:
        return session.Answer(str(error))


def _watch(layout: Layout, tcp_port: int | None, linger: float, over: threading.Event) -> None:
    # The supervisor starts Postgres again when that dies; this does it when the supervisor itself was killed.
    while not over.wait(_WATCH_SECONDS):
        if not locks.held(layout.owner_lock):
            _log.warning("The embedded server of %s is gone; starting it again.", layout.home)
            try:
                with _os_errors_explained(layout):
                    _ensure(layout, tcp_port, linger)
            except ConfigurationError:
                _log.exception("The embedded server of %s cannot be started again.", layout.home)
                return


def _address(layout: Layout, database: str) -> str:
    directory = layout.sockets.resolve()
    if not sockets.private(directory, layout.state.stat().st_uid):
        raise DatabaseUnavailable(f"{directory} is open to other users: remove it and run the command again.")
    return f"postgresql://{_SUPERUSER}@/{quote(database, safe='')}?host={quote(str(directory), safe='')}"
