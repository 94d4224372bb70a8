"""What the handlers work with."""

from dataclasses import dataclass
from functools import cached_property

from backend.database.connection import Database
from backend.recommend.cursors import Cursors
from backend.settings import Settings
from backend.spaces.embedder import Embedder


@dataclass(frozen=True)
class Services:
    """One set for the whole process, shared by its threads."""

    database: Database
    embedder: Embedder
    settings: Settings

    @cached_property
    def cursors(self) -> Cursors:
        """Cursors of recommendations, whose keys are read when they are first needed."""
        return Cursors(self.database, "recommendations")
