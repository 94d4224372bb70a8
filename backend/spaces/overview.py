"""Everything that people are shown of a space: how far it is, and what was fitted for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend.database.connection import Database
from backend.spaces.indexes import FEWEST_INDEXED
from backend.spaces.life import unknown_space
from backend.spaces.models import ModelSummary, list_models
from backend.spaces.space import Fill, Space, list_spaces
from backend.spaces.watching import Overview, list_overviews

Stage = Literal["waiting", "filling", "indexing", "ready", "idle"]


@dataclass(frozen=True)
class SpaceReport:
    """A space as it is watched, the name of the one that was active before it, and its fitted models."""

    watched: Overview
    previous: str | None
    models: Sequence[ModelSummary]

    @property
    def space(self) -> Space:
        """The space itself."""
        return self.watched.space

    @property
    def fill(self) -> Fill:
        """How far it is filled."""
        return self.watched.fill

    @property
    def stage(self) -> Stage:
        """What it does: waiting for older transactions, filling, indexing; ready, or idle where it is retired."""
        if self.space.state == "retired":
            return "idle"
        if self.space.filled_at is not None:
            return "ready"
        if self.watched.blockers:
            return "waiting"
        all_embedded = self.fill.embedded + self.fill.dead >= self.fill.products
        missing = self.fill.embedded >= FEWEST_INDEXED and not all(index.whole for index in self.watched.indexes)
        return "indexing" if all_embedded and missing else "filling"

    @property
    def per_second(self) -> float:
        """Products embedded in a second, over the last minute."""
        return self.fill.last_minute / 60

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None when nothing is left or no rate is known."""
        left = self.fill.products - self.fill.embedded - self.fill.dead
        return left / self.per_second if left > 0 and self.per_second > 0 else None

    @property
    def index_bytes(self) -> int:
        """Bytes of its HNSW indexes."""
        return sum(index.bytes for index in self.watched.indexes)


def list_reports(database: Database, only: str | None = None) -> list[SpaceReport]:
    """Every space, oldest first, or the one of this name."""
    names = {space.id: space.name for space in list_spaces(database, from_primary=True)}
    return [
        SpaceReport(watched, names.get(watched.space.previous_id or 0), list_models(database, watched.space.id))
        for watched in list_overviews(database, only)
    ]


def find_report(database: Database, name: str) -> SpaceReport:
    """The space of this name.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    reports = list_reports(database, name)
    if not reports:
        raise unknown_space(name, list_spaces(database, from_primary=True))
    return reports[0]
