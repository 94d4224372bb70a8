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
    with database.write() as connection, connection.cursor(row_factory=class_row(QueueCounts)) as cursor:
        counts = cursor.execute(SQL["count"]).fetchone()
    assert counts is not None
    return counts


def list_jobs(database: Database, *, state: str | None = None, sku: str | None = None, limit: int = 50) -> list[Job]:
    """Jobs, the dead first, then in the order in which they will be claimed."""
    with database.write() as connection, connection.cursor(row_factory=class_row(Job)) as cursor:
        return cursor.execute(SQL["list"], {"state": state, "sku": sku, "limit": limit}).fetchall()


def retry_dead(database: Database, *, sku: str | None = None) -> int:
    """Queue the dead jobs again, all or those of one product; returns how many."""
    with database.write() as connection:
        row = connection.execute(SQL["retry"], {"sku": sku}).fetchone()
    return int(row[0]) if row else 0
