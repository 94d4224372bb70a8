"""Whether this machine can run the wheel's binaries at all."""

import platform
import sys
from pathlib import Path

from backend.errors import ConfigurationError

CPUINFO = Path("/proc/cpuinfo")

# vector.so is built with these (found by running it without): lacking one, it dies of SIGILL in the middle of a query.
REQUIRED = {"x86_64": {"avx2", "fma", "f16c"}, "aarch64": {"sve"}}


def require() -> None:
    """Check that the embedded server can run here.

    Raises:
        ConfigurationError: not Linux, or the processor lacks instructions that the binaries are built with.
    """
    if sys.platform != "linux":
        raise ConfigurationError("The embedded server runs on Linux only: set DATABASE_URL to use another server.")
    missing = REQUIRED.get(platform.machine(), set()) - _features(CPUINFO.read_text())
    if missing:
        raise ConfigurationError(
            f"This processor lacks {', '.join(sorted(missing)).upper()}, which the embedded Postgres is built with: "
            "set DATABASE_URL to use another server (with pgvector >= 0.8.4)."
        )


def _features(cpuinfo: str) -> set[str]:
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"flags", "Features"}:  # x86 and ARM
            return set(value.split())
    return set()
