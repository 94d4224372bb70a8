"""What the handlers work with."""

from dataclasses import dataclass, field
from functools import cached_property
from threading import BoundedSemaphore

from backend.database.connection import Database
from backend.ratings.loaded import LoadedModels
from backend.recommend.cursors import Cursors
from backend.settings import Settings
from backend.spaces.embedder import Embedder


@dataclass(frozen=True)
class Services:
    """One set for the whole process, shared by its threads."""

    database: Database
    embedder: Embedder
    settings: Settings
    waiting: BoundedSemaphore = field(init=False, repr=False)
    rating_models: LoadedModels = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Requests that may wait for a worker at one time: half of the threads, so that the others go on.
        object.__setattr__(self, "waiting", BoundedSemaphore(max(1, self.settings.threads // 2)))
        object.__setattr__(self, "rating_models", LoadedModels(self.database))

    @cached_property
    def cursors(self) -> Cursors:
        """Cursors of recommendations, whose keys are read when they are first needed."""
        return Cursors(self.database, "recommendations")
