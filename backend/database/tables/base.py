"""What all models share: the schema, how types map, and columns that many have."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    MetaData,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase

SCHEMA = "shelfmate"

CPATH = Text(collation="C")
NOW = text("now()")
CLOCK = text("clock_timestamp()")
RANDOM_KEY = text("sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))")


def of_product() -> ForeignKey:
    return ForeignKey(f"{SCHEMA}.products.id", ondelete="CASCADE")


def of_space() -> ForeignKey:
    return ForeignKey(f"{SCHEMA}.embedding_spaces.id", ondelete="CASCADE")


class Base(DeclarativeBase):
    """All models; text is ``text`` and times have a zone."""

    metadata = MetaData(schema=SCHEMA)
    type_annotation_map = {str: Text(), int: BigInteger(), datetime: DateTime(timezone=True), float: Double()}


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Which reflected names Alembic compares: our schema, without the partitions, which spaces create."""
    if kind == "schema":
        return name == SCHEMA
    if kind == "table":
        return not (name or "").startswith(("product_embeddings_", "review_embeddings_")) and name != "alembic_version"
    return True


def identity() -> Identity:
    return Identity(always=False)
