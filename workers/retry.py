"""What becomes of a job that failed."""

import random

from backend.errors import UnreadableImage

LONGEST_DELAY = 600.0


def delay_before_retry(error: Exception, attempts: int, most_attempts: int) -> float | None:
    """Seconds until the next attempt, or None when there must be none.

    ``attempts`` counts the failures before this one. Bytes that are no image stay so: such a job dies at once. Others
    wait 1, 2, 4, ... seconds, spread by half so that jobs which failed together do not come back together.
    """
    if isinstance(error, UnreadableImage) or attempts + 1 >= most_attempts:
        return None
    return min(LONGEST_DELAY, 2.0**attempts) * random.uniform(0.75, 1.25)  # noqa: S311  # Spread, not secrecy.
