"""What the admin sees of the queue and the spaces."""

from dataclasses import dataclass

from psycopg.rows import class_row, dict_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.jobs import Job, QueueCounts, SpaceQueue, count_jobs, list_jobs, queue_by_space
from backend.spaces.space import Fill, Space, list_fills

SQL = load_queries("web")

MOST_DEAD = 20


@dataclass(frozen=True)
class Minute:
    """What the workers finished in one of the last 60 minutes; ``place`` 60 is the one until now."""

    place: int
    completed: int
    failed: int
    died: int


@dataclass(frozen=True)
class QueueState:
    """Everything in one look."""

    totals: dict[str, int]
    counts: QueueCounts
    queues: list[SpaceQueue]
    minutes: list[Minute]
    spaces: list[tuple[Space, Fill]]
    dead: list[Job]

    @property
    def per_second(self) -> float:
        """Products embedded in a second, over the last minute and all spaces."""
        return sum(fill.last_minute for _space, fill in self.spaces) / 60

    @property
    def most(self) -> int:
        """Jobs that ended in the busiest of the minutes, at least 1."""
        return max(1, *(minute.completed + minute.failed + minute.died for minute in self.minutes))

    @property
    def ended(self) -> int:
        """Attempts that ended in the last hour."""
        return sum(minute.completed + minute.failed + minute.died for minute in self.minutes)

    @property
    def seconds_left(self) -> float | None:
        """How long the queue lasts at this rate; None when nothing is known."""
        return self.counts.waiting / self.per_second if self.per_second and self.counts.waiting else None


def read_queue_state(database: Database) -> QueueState:
    """The state of now."""
    with database.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
        totals = cursor.execute(SQL["totals"]).fetchone() or {}
    with database.primary() as connection, connection.cursor(row_factory=class_row(Minute)) as cursor:
        minutes = cursor.execute(SQL["minutes"]).fetchall()
    return QueueState(
        totals=totals,
        counts=count_jobs(database),
        queues=queue_by_space(database),
        minutes=minutes,
        spaces=list_fills(database),
        dead=list_jobs(database, state="dead", limit=MOST_DEAD),
    )
