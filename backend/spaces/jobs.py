"""The embedding queue as people see it: how long it is, what is in it, what died and why."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("jobs")


@dataclass(frozen=True)
class QueueCounts:
    """Jobs in each state; ``oldest`` is the age in seconds of the longest waiting one that is not dead."""

    queued: int
    leased: int
    dead: int
    oldest: float

    @property
    def waiting(self) -> int:
        """Jobs that a worker has yet to finish."""
        return self.queued + self.leased


@dataclass(frozen=True)
class SpaceQueue:
    """The queue of one space, and what the workers made of it in the last minute and hour.

    ``interactive`` and ``backfill`` wait, ``leased`` are being worked; ``oldest`` is for how many seconds the longest
    due one of them has been due. What ended well is ``completed``, attempts that will be made again ``failed``, jobs
    that were given up ``died``; each is written down within a few seconds.
    """

    space: str
    state: str
    interactive: int
    backfill: int
    leased: int
    dead: int
    oldest: float
    completed_minute: int
    completed_hour: int
    failed_minute: int
    failed_hour: int
    died_minute: int
    died_hour: int


@dataclass(frozen=True)
class Job:
    """One product to embed in one space."""

    sku: str
    space: str
    state: str
    priority: int
    attempts: int
    losses: int
    queued_at: datetime
    available_at: datetime
    worker: str | None
    leased_until: datetime | None
    last_error: str | None


def count_jobs(database: Database) -> QueueCounts:
    """How many jobs there are in each state."""
    with database.primary() as connection, connection.cursor(row_factory=class_row(QueueCounts)) as cursor:
        counts = cursor.execute(SQL["count"]).fetchone()
    assert counts is not None
    return counts


def queue_by_space(database: Database) -> list[SpaceQueue]:
    """The queue of every space that is kept up or has jobs, oldest space first, in one pass over all jobs."""
    with database.primary() as connection, connection.cursor(row_factory=class_row(SpaceQueue)) as cursor:
        return cursor.execute(SQL["by_space"]).fetchall()


def list_jobs(database: Database, *, state: str | None = None, sku: str | None = None, limit: int = 50) -> list[Job]:
    """Jobs, the dead first, then in the order in which they will be claimed."""
    with database.primary() as connection, connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(SQL["list"], {"state": state, "sku": sku, "limit": limit}).fetchall()


def retry_dead(database: Database, *, sku: str | None = None) -> int:
    """Queue the dead jobs again, all or those of one product; returns how many."""
    with database.write() as connection:
        row = connection.execute(SQL["retry"], {"sku": sku}).fetchone()
    return int(row[0]) if row else 0
