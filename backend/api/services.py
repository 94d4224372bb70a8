"""What the handlers work with."""

from dataclasses import dataclass

from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder


@dataclass(frozen=True)
class Services:
    """One set for the whole process, shared by its threads."""

    database: Database
    embedder: Embedder
    settings: Settings
