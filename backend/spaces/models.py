"""What was fitted for a space and is stored with it: encoders that learn from the catalogue, and projections."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from backend.database.connection import Database, Row
from backend.database.queries import load_queries

SQL = load_queries("spaces")

Modality = Literal["text", "image", "reviews"]
Part = Literal["encoder", "projection"]


@dataclass(frozen=True)
class SpaceModel:
    """A fitted encoder, or the projection that follows one.

    ``content`` holds its arrays in safetensors' form, never a pickle; ``input_dimensions`` is 0 for an encoder, which
    takes no vector; ``report`` says for people what it was fitted on and how it measured.
    """

    modality: Modality
    part: Part
    method: str
    content: bytes = field(repr=False)
    input_dimensions: int
    output_dimensions: int
    report: dict[str, Any] = field(default_factory=dict)


def store_models(connection: Connection[Row], space_id: int, models: Sequence[SpaceModel]) -> None:
    """Store what was fitted, in the transaction that makes the space."""
    for model in models:
        connection.execute(
            SQL["store_model"], vars(model) | {"space_id": space_id, "report": Jsonb(model.report)}, binary=True
        )


def load_models(database: Database, space_id: int) -> list[SpaceModel]:
    """What was fitted for a space, text first, encoders before projections."""
    with database.primary() as connection, connection.cursor(row_factory=class_row(SpaceModel), binary=True) as cursor:
        return cursor.execute(SQL["load_models"], {"space_id": space_id}).fetchall()


@dataclass(frozen=True)
class ModelSummary:
    """A stored model without its content; ``bytes`` is its length."""

    modality: Modality
    part: Part
    method: str
    input_dimensions: int
    output_dimensions: int
    bytes: int
    report: dict[str, Any]


def list_models(database: Database, space_id: int) -> list[ModelSummary]:
    """What was fitted for a space, for people."""
    with database.primary() as connection, connection.cursor(row_factory=class_row(ModelSummary)) as cursor:
        return cursor.execute(SQL["list_models"], {"space_id": space_id}).fetchall()
