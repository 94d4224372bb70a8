"""The log of the supervisor and of Postgres: bounded, and quoted in errors."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

LIMIT_BYTES = 16 * 2**20
_QUOTED_LINES = 12
_QUOTED_BYTES = 8192


def open_for_append(path: Path) -> int:
    """A descriptor that appends to the log."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def bound(path: Path) -> None:
    """Move the log's text to ``<name>.1`` once it is larger than ``LIMIT_BYTES``.

    Copied and cut, not renamed: running processes have it open, and append.
    """
    if size(path) <= LIMIT_BYTES:
        return
    older = path.with_name(path.name + ".1")
    older.unlink(missing_ok=True)
    # Neither name is followed if it is a link: root may write here in somebody else's home.
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    with (
        os.fdopen(os.open(path, os.O_RDWR | flags), "r+b") as log,
        os.fdopen(os.open(older, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600), "wb") as copy,
    ):
        shutil.copyfileobj(log, copy)
        os.ftruncate(log.fileno(), 0)


def write(message: str) -> None:
    """Add a line to the log, which is the supervisor's standard error."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    os.write(2, f"{stamp} UTC [{os.getpid()}] shelfmate: {message}\n".encode())


def size(path: Path) -> int:
    """The log's length in bytes now."""
    return path.stat().st_size if path.exists() else 0


def tail(path: Path, since: int = 0) -> str:
    """The last lines of the log after the byte ``since``."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(since, size(path) - _QUOTED_BYTES))
        lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_QUOTED_LINES:])
