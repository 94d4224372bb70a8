"""What the admin sees of the queue and the spaces."""

from dataclasses import dataclass

from psycopg.rows import dict_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.jobs import Job, QueueCounts, count_jobs, list_jobs
from backend.spaces.space import Fill, Space, list_fills

SQL = load_queries("web")

MOST_DEAD = 20


@dataclass(frozen=True)
class QueueState:
    """Everything in one look."""

    totals: dict[str, int]
    counts: QueueCounts
    spaces: list[tuple[Space, Fill]]
    dead: list[Job]

    @property
    def per_second(self) -> float:
        """Products embedded in a second, over the last minute and all spaces."""
        return sum(fill.last_minute for _space, fill in self.spaces) / 60

    @property
    def seconds_left(self) -> float | None:
        """How long the queue lasts at this rate; None when nothing is known."""
        return self.counts.waiting / self.per_second if self.per_second and self.counts.waiting else None


def read_queue_state(database: Database) -> QueueState:
    """The state of now."""
    with database.read() as connection, connection.cursor(row_factory=dict_row) as cursor:
        totals = cursor.execute(SQL["totals"]).fetchone() or {}
    return QueueState(
        totals, count_jobs(database), list_fills(database), list_jobs(database, state="dead", limit=MOST_DEAD)
    )
