"""Waiting for what another thread, process or server does."""

import time
from collections.abc import Callable

# Seconds: far more than any loaded machine needs, so that only what never happens fails.
PATIENCE = 60.0


def eventually(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds:g} s"
        time.sleep(0.01)
