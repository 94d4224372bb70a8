"""How a fit ends before its end."""

from collections.abc import Callable

from backend.errors import NotReady


def check(interrupted: Callable[[], bool]) -> None:
    """Raise NotReady once ``interrupted`` says so: nothing was stored, and the fit can be asked for again."""
    if interrupted():
        raise NotReady("fitting was interrupted, and nothing of it is kept: ask for the space again", retry_after=None)
