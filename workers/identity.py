"""The name under which a process claims jobs, and whether the process of a name has ended on this machine."""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

# Both change with the machine's start, and with the container: where they agree, a process id means the same process.
BOOT = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")


def worker_name(pid: int | None = None) -> str:
    """Host, process, and where process ids of this machine are known a mark of whose they are; this process's own."""
    return ":".join([socket.gethostname(), str(os.getpid() if pid is None else pid), *_mark()])


def has_ended(worker: str) -> bool:
    """Whether the process of a name is known to have ended; False for one of another machine or container."""
    host, pid, mark = [*worker.split(":"), "", ""][:3]
    if host != socket.gethostname() or not pid.isdecimal() or [mark] != _mark():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@cache
def _mark() -> list[str]:
    try:
        of = BOOT.read_bytes() + bytes(PID_NAMESPACE.readlink())
    except OSError:
        return []
    return [hashlib.sha256(of).hexdigest()[:8]]
