"""What people did with products: views, clicks, likes, carts, purchases and ratings, stored in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from psycopg import errors
from psycopg.rows import class_row

from backend.catalog.cursors import LARGEST_KEY, from_moment_cursor, to_moment_cursor
from backend.catalog.refusals import named_refusals
from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.errors import Conflict

SQL = load_queries("events")

Kind = Literal["view", "click", "like", "cart", "purchase", "rating"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LONGEST_KEY = 200
# What a real keeps without becoming 0 or infinite, with room to be summed up.
LEAST_VALUE, MOST_VALUE = 1e-6, 1e9
# Clocks differ; a time further ahead is a mistake, as a rule one of time zones.
AHEAD = timedelta(minutes=10)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

_ATTEMPTS = 5
_LIST = "events"


@dataclass(frozen=True, slots=True)
class EventData:
    """What somebody did with a product.

    ``value`` is the stars of a rating, 1 to 5, and of other kinds how often or how much, if the shop says so; without
    ``occurred_at`` it is now. ``recommendation_id`` names the list that led there, ``source_id`` is the shop's own key.
    """

    user_id: str
    kind: str
    sku: str
    value: float | None = None
    occurred_at: datetime | None = None
    recommendation_id: UUID | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class EventProblem:
    """What is wrong with the event at a place of a request, from 0, and what would be accepted."""

    index: int
    field: str
    message: str


@dataclass(frozen=True)
class EventOutcome:
    """How many events were stored, how many were there already by their key, and what was wrong with the others."""

    stored: int
    repeated: int
    problems: list[EventProblem] = field(default_factory=list)


@dataclass(frozen=True)
class Event:
    """A stored event."""

    id: int
    sku: str
    kind: Kind
    value: float | None
    occurred_at: datetime
    recommendation_id: UUID | None
    source_id: str | None


@dataclass(frozen=True)
class EventPage:
    """A page of what a person did, the latest first."""

    items: list[Event]
    next_cursor: str | None


def add_events(database: Database, events: Sequence[EventData]) -> EventOutcome:
    """Store events in one statement; one that does not fit, or whose product does not exist, costs the others nothing.

    An event with a ``source_id`` that an event of its product has already is not stored again.

    Raises:
        Conflict: products among them were being deleted all the while; sending all again is safe where they have keys.
        DatabaseUnavailable: the server went away; the same holds.
    """
    now = datetime.now(UTC)
    problems = [
        EventProblem(index, name, message)
        for index, event in enumerate(events)
        for name, message in find_faults(event, now)
    ]
    faulty = {problem.index for problem in problems}
    places = [index for index in range(len(events)) if index not in faulty]
    if not places:
        return EventOutcome(0, 0, problems)
    stored, unknown = _store(database, [events[index] for index in places])
    problems += [EventProblem(places[place], "sku", no_product(events[places[place]].sku)) for place in unknown]
    problems.sort(key=lambda problem: problem.index)
    return EventOutcome(stored, len(places) - len(unknown) - stored, problems)


def find_faults(event: EventData, now: datetime) -> Iterator[tuple[str, str]]:
    """What is wrong with an event by itself: field and remedy."""
    for name, key in (("user_id", event.user_id), ("id", event.source_id)):
        if key is not None and (not key.strip() or len(key) > LONGEST_KEY or not _is_storable(key)):
            yield name, f"must have 1 to {LONGEST_KEY} characters that can be stored, and not be blank"
    if not _is_storable(event.sku):
        yield "sku", no_product(event.sku)
    if event.kind not in KINDS:
        yield "kind", f"must be one of {', '.join(KINDS)}"
    elif event.kind == "rating":
        if event.value is None or not 1 <= event.value <= 5:
            yield "value", "must be the stars of the rating, a number from 1 to 5"
    elif event.value is not None and not LEAST_VALUE <= event.value <= MOST_VALUE:
        yield "value", f"must be above 0 and at most {MOST_VALUE:,.0f}, or be left out"
    if event.occurred_at is not None and not EARLIEST <= event.occurred_at <= now + AHEAD:
        yield "occurred_at", "must not lie ahead, nor before 1970: give the time at which it happened, with its offset"


def no_product(sku: str) -> str:
    """What is said of an event with a product that there is not."""
    return f"no product with sku {sku if _is_storable(sku) else ascii(sku)}: put the product first, or mend the sku"


def list_events(database: Database, user_id: str, *, limit: int = 50, cursor: str | None = None) -> EventPage:
    """What a person did, the latest first; empty for somebody unknown.

    Raises:
        InvalidInput: the cursor is none of ours.
    """
    moment, key = from_moment_cursor(_LIST, cursor) if cursor is not None else (None, LARGEST_KEY)
    arguments = {"user": user_id, "time": moment or "infinity", "id": key, "limit": limit + 1}
    with named_refusals(), database.read() as connection, connection.cursor(row_factory=class_row(Event)) as rows:
        found = rows.execute(SQL["list"], arguments).fetchall()
    last = found[limit - 1] if len(found) > limit else None
    return EventPage(found[:limit], None if last is None else to_moment_cursor(_LIST, last.occurred_at, last.id))


def is_stored(database: Database, sku: str, source_id: str) -> bool:
    """Whether a product has the event of this key, by the primary."""
    with named_refusals(), database.primary() as connection:
        row = connection.execute(SQL["is_stored"], {"sku": sku, "key": source_id}).fetchone()
    return row is not None and bool(row[0])


def take_back(database: Database, sku: str, source_id: str) -> bool:
    """Delete a product's event of this key; returns whether there was one."""
    with named_refusals(), database.write() as connection:
        return connection.execute(SQL["take_back"], {"sku": sku, "key": source_id}).rowcount > 0


def count_last_hour(database: Database) -> dict[Kind, int]:
    """How many events of each kind happened within the last hour."""
    with database.read() as connection:
        return dict.fromkeys(KINDS, 0) | dict(connection.execute(SQL["last_hour"]).fetchall())


def _store(database: Database, events: Sequence[EventData]) -> tuple[int, list[int]]:
    """How many were stored, and the places of those whose products do not exist."""
    columns: dict[str, Any] = {
        "users": [event.user_id for event in events],
        "kinds": [event.kind for event in events],
        "skus": [event.sku for event in events],
        "values": [event.value for event in events],
        "times": [event.occurred_at for event in events],
        "lists": [event.recommendation_id for event in events],
        "keys": [event.source_id for event in events],
    }
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with database.write() as connection:
                row = connection.execute(SQL["add"], columns).fetchone()
        except (errors.ForeignKeyViolation, errors.DeadlockDetected, errors.SerializationFailure) as error:
            # A product went while its event was being stored: it is among the unknown ones the next time.
            if attempt == _ATTEMPTS:
                raise Conflict("products of these events are being deleted: send the events again") from error
        else:
            assert row is not None, "the statement returns one row"
            return row[0], row[1]
    raise AssertionError("unreachable")


def _is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
