"""What upkeep has measured and changed, for people and for metrics."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from psycopg import Connection
from psycopg.rows import class_row

from backend.database.connection import Database, Row
from backend.database.queries import load_queries

SQL = load_queries("upkeep")

# In the order in which they are shown, with what they mean to people.
FILTER_CLASSES = {
    "none": "no filter",
    ">=20%": "20 % or more match",
    "5-20%": "5 to 20 % match",
    "1-5%": "1 to 5 % match",
    "<1%": "less than 1 % match",
}


@dataclass(frozen=True)
class ClassRecall:
    """Recall of one space and class of filters over every k: of ``n`` queries the mean and all but the worst 5 %."""

    space: str
    filter_class: str
    n: int
    recall: float
    p5: float


@dataclass(frozen=True)
class Recall(ClassRecall):
    """The same for one k; ``live`` of the n queries were asked by somebody."""

    k: int
    live: int
    last_audited: datetime


@dataclass(frozen=True)
class DayRecall:
    """Recall of one space on one day (UTC), whatever it was set to."""

    space: str
    day: date
    n: int
    live: int
    recall: float
    p5: float


@dataclass(frozen=True)
class SpaceState:
    """What a space is set to; ``last_audited`` is None when it never was."""

    space: str
    state: str
    ef_search: int
    indexed: bool
    last_audited: datetime | None


@dataclass(frozen=True)
class IndexHealth:
    """An index as it was last found: sizes in bytes, shares 0 to 1; a row of the view ``index_health``."""

    space: str
    index_name: str
    products: int
    bytes: int
    dead_share: float
    growth: float
    asked: int
    lost: int
    lost_share: float
    first_seen: datetime
    rebuilt_at: datetime | None
    checked_at: datetime


@dataclass(frozen=True)
class Change:
    """What upkeep changed, and why; the measures are recall, or the share of products that an index reached."""

    space: str
    action: str
    index_name: str | None
    old_value: str
    new_value: str
    measured_before: float
    measured_after: float
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class LastPass:
    """The last pass that measured; ``finished_at`` is None while it runs, or when its process died."""

    started_at: datetime
    finished_at: datetime | None
    audited: int
    expired: int
    error: str | None


@dataclass(frozen=True)
class RetrievalState:
    """Everything in one look; each part is empty as long as nothing was measured."""

    spaces: list[SpaceState]
    recall: list[Recall]
    days: list[DayRecall]
    indexes: list[IndexHealth]
    changes: list[Change]
    last_pass: LastPass | None


@dataclass(frozen=True)
class Gauges:
    """What a scrape of the metrics shows of it."""

    spaces: list[SpaceState]
    recall: list[ClassRecall]
    indexes: list[IndexHealth]
    last_pass: LastPass | None


T = TypeVar("T")


def read_retrieval_state(database: Database) -> RetrievalState:
    """The state of now; of the primary, since a replica lags behind what was just measured."""
    with database.primary() as connection:
        order = list(FILTER_CLASSES)
        recall = _rows(connection, "recall", Recall)
        return RetrievalState(
            spaces=_rows(connection, "spaces", SpaceState),
            recall=sorted(recall, key=lambda item: (item.space, order.index(item.filter_class), item.k)),
            days=_rows(connection, "recall_by_day", DayRecall),
            indexes=_rows(connection, "health", IndexHealth),
            changes=_rows(connection, "changes", Change),
            last_pass=next(iter(_rows(connection, "last_pass", LastPass)), None),
        )


def read_gauges(database: Database) -> Gauges:
    """The part of the state that is a number."""
    with database.primary() as connection:
        return Gauges(
            spaces=_rows(connection, "spaces", SpaceState),
            recall=_rows(connection, "recall_of_classes", ClassRecall),
            indexes=_rows(connection, "health", IndexHealth),
            last_pass=next(iter(_rows(connection, "last_pass", LastPass)), None),
        )


def _rows(connection: Connection[Row], statement: str, kind: type[T]) -> list[T]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(SQL[statement]).fetchall()
