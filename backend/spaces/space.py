"""What an embedding space is."""

from dataclasses import dataclass

from psycopg.rows import class_row

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.encoders.registry import describe_image_encoder, describe_text_encoder
from backend.errors import ConfigurationError
from backend.settings import Settings

SQL = load_queries("spaces")


@dataclass(frozen=True)
class Space:
    """An immutable recipe: the row of ``embedding_spaces``. Weights add up to 1; a missing block has 0 dimensions."""

    id: int
    name: str
    state: str
    text_encoder: str | None
    text_version: str | None
    text_fields: list[str]
    text_dimensions: int
    text_weight: float
    image_encoder: str | None
    image_version: str | None
    image_dimensions: int
    image_weight: float
    reviews_dimensions: int
    reviews_weight: float

    @property
    def dimensions(self) -> tuple[int, int, int]:
        """Lengths of the text, image and reviews blocks, in the order in which they are joined."""
        return self.text_dimensions, self.image_dimensions, self.reviews_dimensions

    @property
    def weights(self) -> tuple[float, float, float]:
        """Weights of the text, image and reviews blocks."""
        return self.text_weight, self.image_weight, self.reviews_weight


def list_spaces(database: Database, *, from_primary: bool = False) -> list[Space]:
    """Every space, oldest first; ``from_primary`` where a replica that lags must not hide a new one."""
    source = database.write if from_primary else database.read
    with source() as connection, connection.cursor(row_factory=class_row(Space)) as cursor:
        return cursor.execute(SQL["list"]).fetchall()


@dataclass(frozen=True)
class Fill:
    """How far a space is filled: vectors, those of the last 60 s among them, jobs, and whether it is indexed."""

    embedded: int
    last_minute: int
    waiting: int
    dead: int
    indexed: bool

    @property
    def share(self) -> float:
        """Embedded products among those that are, are to be or could not be, 0 to 1."""
        total = self.embedded + self.waiting + self.dead
        return self.embedded / total if total else 1.0


def list_fills(database: Database) -> list[tuple[Space, Fill]]:
    """Every space with its fill, oldest first."""
    spaces = list_spaces(database)
    with database.read() as connection, connection.cursor(row_factory=class_row(Fill)) as cursor:
        return [
            (space, fill) for space in spaces for fill in cursor.execute(SQL["fill"], {"space_id": space.id}).fetchall()
        ]


def active_space(database: Database) -> Space:
    """The space that answers queries.

    Raises:
        ConfigurationError: none is active.
    """
    for space in list_spaces(database):
        if space.state == "active":
            return space
    raise ConfigurationError("no embedding space is active: run shelfmate migrate, which creates the default one")


def ensure_default_space(database: Database, settings: Settings) -> None:
    """Create the default space on a database that has none; it becomes active at once.

    Half text and half image measured best of .3 to .7 (docs/decisions/0003).
    """
    if list_spaces(database):
        return
    text = describe_text_encoder(settings.text_encoder)
    image = describe_image_encoder(settings.image_encoder)
    with database.write() as connection:
        connection.execute(SQL["serialise_creation"])
        if connection.execute(SQL["list"]).fetchone() is not None:
            return
        connection.execute(
            SQL["create"],
            {
                "name": "default",
                "text_encoder": settings.text_encoder,
                "text_version": text.version,
                "text_fields": ["title"],
                "text_dimensions": text.dimensions,
                "text_weight": 0.5,
                "image_encoder": settings.image_encoder,
                "image_version": image.version,
                "image_dimensions": image.dimensions,
                "image_weight": 0.5,
            },
        )
