"""Spaces that were asked for over HTTP: fitted and made in a thread beside the streams."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Self

import psycopg

from backend.database.connection import Database
from backend.errors import ShelfmateError
from backend.spaces.making import work_plans
from backend.spaces.plans import list_plans
from workers.log import log

SECONDS_TO_STOP = 10.0


class Maker:
    """Makes the spaces that are planned, one at a time in the whole database; leaving the context interrupts it."""

    def __init__(self, database: Database, report: Callable[[str], None]) -> None:
        self._database = database
        self._report = report
        self._stopping = Event()
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        if self._thread is not None:
            # What it leaves over is taken up by the next worker, so that nobody has to wait for a fit to hear of it.
            self._thread.join(SECONDS_TO_STOP)

    def look(self) -> bool:
        """Begin with what is planned, unless that is under way; returns whether something is."""
        if self._thread is not None and self._thread.is_alive():
            return True
        if all(plan.state == "failed" for plan in list_plans(self._database)):
            return False
        self._thread = Thread(target=self._run, name="maker", daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and work_plans(self._database, self._report, self._stopping.is_set):
                pass
        except (ShelfmateError, psycopg.Error) as error:
            log.warning("making a space failed, and is tried again: %s", error)
