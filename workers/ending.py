"""Ending a thread that waits for the database: its statement is cancelled, again and again until it is over."""

from collections.abc import Callable
from threading import Thread

import psycopg

from backend.database.connection import Row
from workers.log import log


def end(thread: Thread, connection: Callable[[], psycopg.Connection[Row] | None]) -> None:
    """Cancel what the thread's present connection does until the thread is over."""
    while thread.is_alive():
        current = connection()
        if current is not None and not current.closed:
            try:
                current.cancel_safe(timeout=2)
            except psycopg.Error as error:
                # The statement ended meanwhile, or its server did: either way the thread is about to end.
                log.debug("cancelling what %s does: %s", thread.name, error)
        thread.join(0.2)
