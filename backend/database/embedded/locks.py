"""Locks on files (flock): the kernel gives them back when a process ends, even by kill -9."""

import fcntl
import os
import time
from pathlib import Path

_MODE = 0o600


def shared(path: Path) -> int:
    """Wait for a shared lock on ``path`` and return its file descriptor; closing it gives the lock back."""
    while True:
        descriptor = open_file(path)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        # Whoever deleted the file while we waited has made this lock worth nothing.
        if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
        os.close(descriptor)


def try_exclusive(path: Path, *, patience: float = 0.0) -> int | None:
    """The descriptor of an exclusive lock on ``path``, or None if another still holds it after ``patience`` seconds."""
    descriptor = open_file(path)
    deadline = time.monotonic() + patience
    while not upgrade(descriptor):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            return None
        time.sleep(0.005)
    return descriptor


def upgrade(descriptor: int) -> bool:
    """Take an exclusive lock on an open file if nobody else holds one of any kind."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release(descriptor: int) -> None:
    """Give the lock back and keep the file open."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def held(path: Path) -> bool:
    """Whether some process holds ``path`` exclusively."""
    descriptor = open_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def open_file(path: Path) -> int:
    """Open ``path`` for locking, creating it when missing."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
