"""How much memory a process took at most."""

from pathlib import Path


def peak_megabytes() -> int:
    """Greatest resident size of this process, in MiB, from proc_pid_status(5).

    Not ``ru_maxrss``, which a child inherits from the process that forked it.
    """
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024
