"""Spaces as people watch them: how far a fill is, what it waits for, how far an index is built, what it all takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.filling import Blocker
from backend.spaces.indexes import FEWEST_INDEXED, review_index, wanted_indexes
from backend.spaces.space import Fill, Space, list_fills

SQL = load_queries("spaces")


@dataclass(frozen=True)
class IndexState:
    """One HNSW index that a space should have.

    ``built`` is None where nobody builds it, else the share of the table that the build has read, 0 to 1; ``phase`` is
    Postgres's own word for what the build does.
    """

    name: str
    column: str
    whole: bool
    bytes: int
    phase: str | None
    built: float | None


@dataclass(frozen=True)
class Overview:
    """A space with its fill, its indexes, its size on disk in bytes (indexes and TOAST included) and its blockers.

    ``reviews`` are how many have been encoded, of how many there are; None where the space has none.
    """

    space: Space
    fill: Fill
    indexes: Sequence[IndexState]
    bytes: int
    blockers: Sequence[Blocker] = ()
    reviews: tuple[int, int] | None = None

    @property
    def note(self) -> str:
        """What goes on with it, in a few words; empty when all is well."""
        if self.space.state == "retired":
            return "not kept up"
        parts = []
        if self.space.filled_at is None:
            parts.append(self._filling())
        if self.fill.dead:
            parts.append(f"{self.fill.dead:,} dead")
        building = [index for index in self.indexes if index.phase is not None]
        parts += [
            f"building the index on {index.column}" + ("" if index.built is None else f", {index.built:.0%}")
            for index in building
        ]
        return "; ".join(parts)

    def _filling(self) -> str:
        if self.blockers:
            return f"waits for {self.blockers[0]} to end its transaction"
        if self.fill.embedded < self.fill.products - self.fill.dead:
            rate = f", {self.fill.last_minute / 60:.0f}/s" if self.fill.last_minute else ""
            return f"filling, {self.fill.share:.0%}{rate}"
        if self.fill.waiting:
            return f"{self.fill.waiting:,} left to embed"
        missing = [index.column for index in self.indexes if not index.whole]
        if missing and self.fill.embedded >= FEWEST_INDEXED:
            return f"filled, without the index on {', '.join(missing)} yet"
        return "filled; a worker is about to say so"


def list_overviews(database: Database, only: str | None = None) -> list[Overview]:
    """Every space, oldest first, or the one of this name."""
    return [_overview(database, space, fill) for space, fill in list_fills(database, only)]


def _overview(database: Database, space: Space, fill: Fill) -> Overview:
    arguments = {"space_id": space.id}
    with database.primary() as connection:
        present = {row[0]: row[1:] for row in connection.execute(SQL["index_progress"], arguments)}
        row = connection.execute(SQL["bytes"], arguments).fetchone()
        reviews = connection.execute(SQL["reviews"], arguments).fetchone() if space.reviews_encoder else None
        blockers: list[Blocker] = []
        if space.filled_at is None and space.state != "retired":
            with connection.cursor(row_factory=class_row(Blocker)) as cursor:
                blockers = cursor.execute(SQL["fill_blockers"], arguments).fetchall()
    indexes = [
        IndexState(index.name, index.column, *present.get(index.name, (False, 0, None, None)))
        for index in [*wanted_indexes(space), *filter(None, [review_index(space)])]
    ]
    return Overview(space, fill, indexes, int(row[0]) if row else 0, blockers, reviews and (reviews[0], reviews[1]))
