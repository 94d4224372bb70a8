"""Filling a space beside the active one: products are queued a few at a time, behind what people insert and edit."""

from dataclasses import dataclass
from typing import Literal

from psycopg.errors import LockNotAvailable
from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.indexes import are_indexes_whole
from backend.spaces.space import Space, list_spaces

SQL = load_queries("spaces")

# So many jobs of a fill wait at a time: the queue stays short, and a space that is dropped leaves little behind.
MOST_WAITING = 20_000
# Queued in one transaction, which holds their rows as briefly.
CHUNK = 2_000


@dataclass(frozen=True)
class Blocker:
    """A transaction that may edit products without knowing the space; the fill begins when it has ended."""

    pid: int | None
    login: str
    seconds: float | None

    def __str__(self) -> str:
        where = self.login if self.pid is None else f"process {self.pid} of {self.login}"
        return where if self.seconds is None else f"{where}, for {self.seconds:.0f} s"


@dataclass(frozen=True)
class FillStep:
    """Where a fill stands.

    ``waiting`` for older transactions to end (``blockers``), ``queueing`` (``queued`` products were, just now),
    ``embedding`` what is queued, ``indexing`` what is embedded, ``filled``; ``busy`` while another process goes on
    with it, or somebody holds what it needs for a moment.
    """

    stage: Literal["waiting", "queueing", "embedding", "indexing", "filled", "busy"]
    queued: int = 0
    blockers: tuple[Blocker, ...] = ()


def advance_fill(database: Database, space: Space) -> FillStep:
    """Go on with the fill of a space as far as is possible now; quick, to be called every second or so.

    Indexes are not built here: at ``indexing`` a worker does that. Any number of processes may call at once.
    """
    with database.write() as connection:
        connection.execute(SQL["begin_fill"], {"space_id": space.id})
        connection.execute(SQL["reset_horizon"], {"space_id": space.id})
    try:
        with database.primary() as connection, connection.cursor(row_factory=class_row(Blocker)) as cursor:
            blockers = cursor.execute(SQL["fill_blockers"], {"space_id": space.id}).fetchall()
        return _queue(database, space, blockers)
    except LockNotAvailable:
        return FillStep("busy")


def advance_fills(database: Database) -> list[tuple[Space, FillStep]]:
    """Go on with the fills of all spaces that are being filled; the active one first."""
    with database.primary() as connection:
        unfilled = [row[0] for row in connection.execute(SQL["unfilled"]).fetchall()]
    if not unfilled:
        return []
    spaces = {space.id: space for space in list_spaces(database, from_primary=True)}
    return [(spaces[space_id], advance_fill(database, spaces[space_id])) for space_id in unfilled if space_id in spaces]


def _queue(database: Database, space: Space, blockers: list[Blocker]) -> FillStep:
    arguments = {"space_id": space.id, "most": CHUNK}
    queued = 0
    # One chunk a transaction: each sees what was committed before it.
    while True:
        with database.write() as connection:
            locked = connection.execute(SQL["lock_fill"], arguments).fetchone()
            if locked is None or not locked[0]:
                return FillStep("busy", queued)
            state = connection.execute(SQL["fill_state"], arguments).fetchone()
            if state is None:
                return FillStep("filled")
            if blockers:
                return FillStep("waiting", blockers=tuple(blockers))
            if state[1]:
                break
            waiting = connection.execute(SQL["waiting_of_space"], arguments | {"most": MOST_WAITING}).fetchone()
            if waiting is not None and waiting[0] >= MOST_WAITING:
                return FillStep("queueing", queued)
            row = connection.execute(SQL["queue_fill"], arguments).fetchone()
            queued += row[0] if row else 0
            if row is None or row[0] < CHUNK:
                connection.execute(SQL["end_queueing"], arguments)
    if queued:
        return FillStep("queueing", queued)
    return _finish(database, space)


def _finish(database: Database, space: Space) -> FillStep:
    arguments = {"space_id": space.id}
    with database.write() as connection:
        locked = connection.execute(SQL["lock_fill"], arguments).fetchone()
        if locked is None or not locked[0]:
            return FillStep("busy")
        embedding = connection.execute(SQL["is_embedding"], arguments).fetchone()
        if embedding is not None and embedding[0]:
            return FillStep("embedding")
        # A product that somebody holds is come back to.
        connection.execute(SQL["hurry"])
        forgotten = connection.execute(SQL["queue_forgotten"], arguments).fetchone()
        if forgotten is not None and forgotten[0]:
            connection.execute(SQL["end_queueing"], arguments)
            return FillStep("queueing", forgotten[0])
        if not are_indexes_whole(connection, space):
            return FillStep("indexing")
        ended = connection.execute(SQL["end_fill"], arguments).fetchone()
    return FillStep("filled" if ended else "busy")
