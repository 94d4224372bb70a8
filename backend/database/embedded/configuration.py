"""The server's settings, given on its command line so that they hold whatever the data directory says."""

import os
from pathlib import Path

_MIB = 2**20


def settings(sockets: Path, state: Path, tcp_port: int | None) -> dict[str, str]:
    """Postgres settings by name, sized for this machine's memory."""
    memory = memory_bytes()
    maintenance = _between(64 * _MIB, memory // 16, 512 * _MIB)
    return {
        # Reached by nobody but this machine, and over TCP only when asked for.
        "listen_addresses": "" if tcp_port is None else "127.0.0.1",
        "port": str(tcp_port or 5432),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "hba_file": str(state / "pg_hba.conf"),
        "ident_file": str(state / "pg_ident.conf"),
        # A pool for each command, several commands: the default of 100 is soon used up.
        "max_connections": "200",
        # An eighth of the memory: Postgres shares the machine with the encoders.
        "shared_buffers": _mib(_between(128 * _MIB, memory // 8, 1024 * _MIB)),
        # What the page cache can hold beside the encoders; only a hint to the planner.
        "effective_cache_size": _mib(memory // 2),
        # An HNSW graph that fits in here is built several times faster than one that does not.
        "maintenance_work_mem": _mib(maintenance),
        # Parallel index builds take this much shared memory; containers often have only 64 MB of /dev/shm.
        "dynamic_shared_memory_type": "posix" if _shm_bytes() > 2 * maintenance else "sysv",
        # With a cgroup limit on huge pages, touching them is a SIGBUS.
        "huge_pages": "off",
        # Disks without a seek, and a planner that would otherwise prefer to scan everything (design, 7).
        "random_page_cost": "1.1",
        # Queries here take milliseconds; compiling one takes hundreds.
        "jit": "off",
        # Imports write gigabytes: fewer checkpoints, smaller log.
        "max_wal_size": "4GB",
        "wal_compression": "on",
        # What was committed survives a power cut: said here, so that no file in the data directory unsays it.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # To standard error, which the supervisor points at a log that it bounds.
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] ",
        "log_timezone": "UTC",
        "timezone": "UTC",
        # Seen in the process list.
        "cluster_name": "shelfmate",
    }


def memory_bytes() -> int:
    """The memory that this process may use: the machine's, or the control group's limit."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()) != "max":
        memory = min(memory, int(text))
    return memory


def _shm_bytes() -> int:
    try:
        status = os.statvfs("/dev/shm")  # noqa: S108 - measured, not written to
    except FileNotFoundError:
        return 0
    return status.f_bavail * status.f_frsize


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def _mib(size: int) -> str:
    return f"{size // _MIB}MB"
