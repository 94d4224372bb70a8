"""What the admin sees of the queue and the spaces."""

from dataclasses import dataclass

from psycopg.rows import class_row, dict_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.jobs import Job, QueueCounts, count_jobs, list_jobs

SQL = load_queries("web")

MOST_DEAD = 20


@dataclass(frozen=True)
class SpaceState:
    """An embedding space and how full it is; ``last_minute`` counts the products that entered it in the last 60 s."""

    name: str
    state: str
    text_encoder: str | None
    text_weight: float
    image_encoder: str | None
    image_weight: float
    indexed: bool
    embedded: int
    last_minute: int
    waiting: int
    dead: int

    @property
    def share(self) -> float:
        """Embedded products among those that are, are to be or could not be, 0 to 1."""
        total = self.embedded + self.waiting + self.dead
        return self.embedded / total if total else 1.0


@dataclass(frozen=True)
class QueueState:
    """Everything in one look."""

    totals: dict[str, int]
    counts: QueueCounts
    spaces: list[SpaceState]
    dead: list[Job]

    @property
    def per_second(self) -> float:
        """Products embedded in a second, over the last minute and all spaces."""
        return sum(space.last_minute for space in self.spaces) / 60

    @property
    def seconds_left(self) -> float | None:
        """How long the queue lasts at this rate; None when nothing is known."""
        return self.counts.waiting / self.per_second if self.per_second and self.counts.waiting else None


def read_queue_state(database: Database) -> QueueState:
    """The state of now."""
    with database.read() as connection:
        with connection.cursor(row_factory=dict_row) as totals_cursor:
            totals = totals_cursor.execute(SQL["totals"]).fetchone() or {}
        with connection.cursor(row_factory=class_row(SpaceState)) as cursor:
            spaces = cursor.execute(SQL["fill"]).fetchall()
    return QueueState(totals, count_jobs(database), spaces, list_jobs(database, state="dead", limit=MOST_DEAD))
