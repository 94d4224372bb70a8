"""What an embedding space is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.encoders.protocols import EncoderSpec
from backend.encoders.registry import describe_image_encoder, describe_text_encoder
from backend.errors import ConfigurationError
from backend.settings import Settings
from backend.spaces.inputs import product_texts
from backend.spaces.models import Modality, Part, SpaceModel, store_models
from backend.spaces.recipe import PLAIN, Recipe, check_dimensions

SQL = load_queries("spaces")

Fitted = Mapping[tuple[Modality, Part], SpaceModel]

# A product's image block is made of so many photographs at most, the first ones by position.
MOST_PHOTOGRAPHS = 8


@dataclass(frozen=True)
class Space:
    """An immutable recipe: the row of ``embedding_spaces``. Weights add up to 1; a missing block has 0 dimensions."""

    id: int
    name: str
    state: str
    text_encoder: str | None
    text_version: str | None
    text_inputs: list[str]
    text_dimensions: int
    text_weight: float
    image_encoder: str | None
    image_version: str | None
    image_dimensions: int
    image_weight: float
    reviews_dimensions: int
    reviews_weight: float
    recipe: str | None = None
    kernel: str = "cosine"
    text_projection: str | None = None
    image_projection: str | None = None
    reviews_encoder: str | None = None
    reviews_version: str | None = None
    reviews_projection: str | None = None
    previous_id: int | None = None
    created_at: datetime | None = None
    activated_at: datetime | None = None
    filled_at: datetime | None = None

    @property
    def dimensions(self) -> tuple[int, int, int]:
        """Lengths of the text, image and reviews blocks, in the order in which they are joined."""
        return self.text_dimensions, self.image_dimensions, self.reviews_dimensions

    @property
    def weights(self) -> tuple[float, float, float]:
        """Weights of the text, image and reviews blocks."""
        return self.text_weight, self.image_weight, self.reviews_weight

    @property
    def reference(self) -> str:
        """Names this space and no other of its name, in a query whose vectors were made for it: ``name#id``."""
        return f"{self.name}#{self.id}"

    def texts_of(
        self, title: str, description: str, brand: str | None, attributes: Mapping[str, Any], price: Decimal | None
    ) -> tuple[str, ...]:
        """The texts that are encoded of a product, one for each of ``text_inputs``."""
        return product_texts(self.text_inputs, title, description, brand, attributes, price)


def list_spaces(database: Database, *, from_primary: bool = False) -> list[Space]:
    """Every space, oldest first; ``from_primary`` where a replica that lags must not hide a new one."""
    source = database.primary if from_primary else database.read
    with source() as connection, connection.cursor(row_factory=class_row(Space)) as cursor:
        return cursor.execute(SQL["list"]).fetchall()


@dataclass(frozen=True)
class Fill:
    """How far a space is filled: products of the catalogue, vectors, those of the last 60 s among them, jobs, and
    whether it is indexed."""

    products: int
    embedded: int
    last_minute: int
    waiting: int
    dead: int
    indexed: bool

    @property
    def share(self) -> float:
        """Embedded products among all of the catalogue, 0 to 1."""
        return min(1.0, self.embedded / self.products) if self.products else 1.0


def list_fills(database: Database, only: str | None = None) -> list[tuple[Space, Fill]]:
    """Every space, or the one of this name, with its fill, oldest first; from the primary, which knows the newest."""
    spaces = [space for space in list_spaces(database, from_primary=True) if only in (None, space.name)]
    with database.primary() as connection, connection.cursor(row_factory=class_row(Fill)) as cursor:
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


def insert_space(connection: Connection[Row], name: str, recipe: Recipe, models: Sequence[SpaceModel] = ()) -> int:
    """Make a space of a recipe whose fitted parts are ``models``, in the caller's transaction; returns its id.

    Nothing is queued for it yet but what is inserted and edited from now on. The first space becomes active.

    Raises:
        InvalidInput: it would have more dimensions than pgvector indexes.
        ConfigurationError: there is no such encoder.
        WeightsMissing: an encoder's weights are not on this machine.
    """
    fitted: Fitted = {(model.modality, model.part): model for model in models}
    text, text_dimensions = describe_block(recipe, "text", fitted)
    image, image_dimensions = describe_block(recipe, "image", fitted)
    reviews, reviews_dimensions = describe_block(recipe, "reviews", fitted)
    check_dimensions(text_dimensions, image_dimensions, reviews_dimensions)
    row = connection.execute(
        SQL["create"],
        {
            "name": name,
            "text_encoder": text and text.name,
            "text_version": text and text.version,
            "text_inputs": list(recipe.text_inputs),
            "text_dimensions": text_dimensions,
            "text_weight": recipe.text_weight,
            "image_encoder": image and image.name,
            "image_version": image and image.version,
            "image_dimensions": image_dimensions,
            "image_weight": recipe.image_weight,
            "recipe": recipe.name,
            "kernel": recipe.kernel,
            "text_projection": _method(recipe.text_projection),
            "image_projection": _method(recipe.image_projection),
            "reviews_encoder": reviews and reviews.name,
            "reviews_version": reviews and reviews.version,
            "reviews_dimensions": reviews_dimensions,
            "reviews_weight": recipe.reviews_weight,
            "reviews_projection": _method(recipe.reviews_projection),
        },
    ).fetchone()
    assert row is not None
    store_models(connection, row[0], models)
    return int(row[0])


def describe_block(recipe: Recipe, modality: Modality, fitted: Fitted) -> tuple[EncoderSpec | None, int]:
    """The encoder of a modality and the length of its block, by what was fitted for it; None and 0 without one.

    Raises:
        ConfigurationError: there is no such encoder, or it has to be fitted and was not.
        WeightsMissing: its weights are not on this machine.
    """
    encoder = recipe.encoders[modality]
    if encoder is None:
        return None, 0
    state = fitted.get((modality, "encoder"))
    describe = describe_image_encoder if modality == "image" else describe_text_encoder
    spec = describe(encoder, None if state is None else state.content)
    projection = fitted.get((modality, "projection"))
    if projection is not None:
        return spec, projection.output_dimensions
    return spec, spec.dimensions * (len(recipe.text_inputs) if modality == "text" else 1)


def _method(projection: str | None) -> str | None:
    return None if projection is None else projection.partition(":")[0]


def ensure_default_space(database: Database, settings: Settings) -> None:
    """Create the default space on a database that has none, by the recipe ``plain``; it becomes active at once.

    A fresh database has nothing to fit a projection on. Half text and half image measured best of .3 to .7
    (docs/decisions/0003).
    """
    if list_spaces(database):
        return
    recipe = replace(PLAIN, text=settings.text_encoder, image=settings.image_encoder)
    if recipe != PLAIN:
        recipe = replace(recipe, name=None)
    with database.write() as connection:
        connection.execute(SQL["serialise_creation"])
        if connection.execute(SQL["list"]).fetchone() is None:
            insert_space(connection, "default", recipe)
    # An empty catalogue is filled at once; otherwise what is inserted next would be looked at twice.
    from backend.spaces.filling import advance_fills

    advance_fills(database)
