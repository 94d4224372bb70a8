"""Upkeep: a pass deletes what has expired, measures recall, tunes ef_search and rebuilds indexes that are at fault."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread
from typing import Self

import psycopg

from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.errors import ShelfmateError
from backend.recommend.audit_pass import audit_space
from backend.settings import Settings
from backend.spaces.health import mend_indexes
from backend.spaces.space import list_spaces
from workers.ending import end
from workers.identity import worker_name
from workers.log import log
from workers.rated import follow_prior, store_words

SQL = load_queries("upkeep")

EXPIRED_AT_ONCE = 1_000
# How often it looks whether a pass is due, and whether products have come that wait to be embedded.
LONGEST_PAUSE = 5.0
SECONDS_BETWEEN_LOOKS = 1.0


@dataclass
class Outcome:
    """What one pass did: lines for people, and how many rows it deleted and queries it compared."""

    changes: list[str] = field(default_factory=list)
    expired: int = 0
    audited: int = 0


class Upkeep:
    """Runs passes in a thread of its own, one at a time in the whole database; leaving the context ends a pass."""

    def __init__(self, database: Database, settings: Settings, report: Callable[[str], None]) -> None:
        self._database = database
        self._settings = settings
        self._report = report
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="upkeep", daemon=True)
        self._connection: psycopg.Connection[Row] | None = None
        self._looked = 0.0
        self._gives_way = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        end(self._thread, lambda: self._connection)

    def run_now(self) -> Outcome | None:
        """One whole pass in this thread, due or not, whatever waits; None when another process is at one."""
        self._gives_way = False
        return self._pass_alone(measuring=True)

    def _run(self) -> None:
        interval = timedelta(seconds=self._settings.upkeep_seconds)
        while not self._stopping.wait(min(LONGEST_PAUSE, self._settings.upkeep_seconds)):
            try:
                with self._database.primary() as connection:
                    # Whoever looks for what an import brought should not have to wait for a pass.
                    store_words(connection, self._stopping.is_set)
                    row = connection.execute(SQL["due"], {"interval": interval}).fetchone()
                due, measuring_due, idle = row or (False, False, False)
                if due or (measuring_due and idle):
                    self._pass_alone(measuring=idle)
            except (ShelfmateError, psycopg.Error) as error:
                if not self._stopping.is_set():
                    log.warning("upkeep failed, and is tried again when it is due: %s", error)

    def _pass_alone(self, *, measuring: bool) -> Outcome | None:
        # The lock is the connection's: it ends with it, however this process ends.
        with self._database.alone() as lock:
            row = lock.execute(SQL["lock"]).fetchone()
            if row is None or not row[0]:
                return None
            begun = lock.execute(SQL["begin"], {"worker": worker_name(), "measured": measuring}).fetchone()
            assert begun is not None
            outcome = Outcome()
            error: str | None = "it was ended before it was through"
            try:
                if measuring:
                    self._pass(outcome)
                else:
                    self._tidy(outcome)
                if not self._stopping.is_set():
                    error = None
            except (ShelfmateError, psycopg.Error) as failure:
                error = str(failure)
                raise
            finally:
                if not lock.closed:
                    lock.execute(
                        SQL["end"],
                        {"id": begun[0], "audited": outcome.audited, "expired": outcome.expired, "error": error},
                    )
            return outcome

    def _pass(self, outcome: Outcome) -> None:
        for space in list_spaces(self._database, from_primary=True):
            if space.state == "retired" or self._interrupted():
                continue
            with self._working() as connection:
                outcome.changes += mend_indexes(connection, space, self._report, self._interrupted)
            with self._working() as connection:
                audited = audit_space(
                    connection,
                    space,
                    sample=self._settings.audit_sample,
                    target=self._settings.target_recall,
                    interrupted=self._interrupted,
                )
            outcome.audited += audited.queries
            if audited.change is not None:
                outcome.changes.append(audited.change)
                self._report(audited.change)
        # After the audit, which samples what people asked.
        self._tidy(outcome)

    def _tidy(self, outcome: Outcome) -> None:
        with self._working() as connection:
            store_words(connection, self._stopping.is_set)
            follow_prior(connection, self._stopping.is_set)
            while not self._stopping.is_set():
                deleted = connection.execute(SQL["expire"], {"batch": EXPIRED_AT_ONCE}).rowcount
                outcome.expired += deleted
                if deleted < EXPIRED_AT_ONCE:
                    break
            counted = ("popularity", "interest", "bought_together")
            for name in (*counted, "forget_audits", "forget_checks", "forget_passes", "forget_log"):
                if not self._stopping.is_set():
                    connection.execute(SQL[name])

    @contextmanager
    def _working(self) -> Iterator[psycopg.Connection[Row]]:
        """A connection whose statement is cancelled when the thread has to end."""
        with self._database.alone() as connection:
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    def _interrupted(self) -> bool:
        """Whether a pass has to end: it is told to stop, or a batch of products waits to be embedded."""
        if self._stopping.is_set() or not self._gives_way:
            return self._stopping.is_set()
        if time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
            return False
        self._looked = time.monotonic()
        with self._database.primary() as connection:
            row = connection.execute(SQL["busy"], {"batch": self._settings.batch_size}).fetchone()
        return bool(row and row[0])
