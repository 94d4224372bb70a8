"""``shelfmate bench``: the programs of the checkout's benchmarks/ directory."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.errors import ConfigurationError, NotFound

DIRECTORY = Path(__file__).parents[1] / "benchmarks"


def list_benchmarks() -> list[tuple[str, str]]:
    """Name and first docstring line of each benchmark.

    Raises:
        ConfigurationError: this installation has no checkout beside it.
    """
    if not DIRECTORY.is_dir():
        raise ConfigurationError(f"benchmarks are run from a checkout, and {DIRECTORY} is missing")
    return [
        (path.stem, path.read_text(encoding="utf-8").split('"""')[1].splitlines()[0])
        for path in sorted(DIRECTORY.glob("[a-z]*.py"))
    ]


def run(name: str, arguments: Sequence[str]) -> int:
    """Run one benchmark in a process of its own; returns its exit status.

    Raises:
        NotFound: there is none of that name; the message lists those there are.
    """
    known = [item for item, _ in list_benchmarks()]
    if name not in known:
        raise NotFound(f"there is no benchmark {name}; there are: {', '.join(known)}")
    # As a module of the checkout and with nothing else put in front: a benchmark may be named as a standard module is.
    path = os.pathsep.join(filter(None, [str(DIRECTORY.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-P", "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": path}).returncode
