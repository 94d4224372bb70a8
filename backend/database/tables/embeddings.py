"""Embedding spaces, what was fitted for them, the queue and the vectors."""

from datetime import datetime
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.database.tables.base import NOW, SCHEMA, Base, identity, of_product, of_space


class EmbeddingSpace(Base):
    __tablename__ = "embedding_spaces"
    id: Mapped[int] = mapped_column(Integer, identity(), primary_key=True)
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="building")
    text_encoder: Mapped[str | None]
    text_version: Mapped[str | None]
    text_inputs: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{title}")
    text_dimensions: Mapped[int] = mapped_column(Integer)
    text_weight: Mapped[float]
    image_encoder: Mapped[str | None]
    image_version: Mapped[str | None]
    image_dimensions: Mapped[int] = mapped_column(Integer)
    image_weight: Mapped[float]
    reviews_dimensions: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    reviews_weight: Mapped[float] = mapped_column(server_default=text("0"))
    fused_dimensions: Mapped[int] = mapped_column(
        Integer, Computed("text_dimensions + image_dimensions + reviews_dimensions", persisted=True)
    )
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    activated_at: Mapped[datetime | None]
    ef_search: Mapped[int] = mapped_column(Integer, server_default=text("60"))
    recipe: Mapped[str | None]
    kernel: Mapped[str] = mapped_column(server_default="cosine")
    text_projection: Mapped[str | None]
    image_projection: Mapped[str | None]
    reviews_encoder: Mapped[str | None]
    reviews_version: Mapped[str | None]
    reviews_projection: Mapped[str | None]
    previous_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey(f"{SCHEMA}.embedding_spaces.id", ondelete="SET NULL")
    )
    fill_horizon: Mapped[int | None]
    fill_cursor: Mapped[int | None]
    fill_queued_at: Mapped[datetime | None]
    filled_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("name", name="embedding_spaces_name_key"),
        Index("embedding_spaces_one_active", "state", unique=True, postgresql_where=text("state = 'active'")),
    )


class SpaceModel(Base):
    __tablename__ = "space_models"
    space_id: Mapped[int] = mapped_column(Integer, of_space(), primary_key=True)
    modality: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str]
    content: Mapped[bytes]
    sha256: Mapped[bytes] = mapped_column(Computed("sha256(content)", persisted=True))
    input_dimensions: Mapped[int] = mapped_column(Integer)
    output_dimensions: Mapped[int] = mapped_column(Integer)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    fitted_at: Mapped[datetime] = mapped_column(server_default=NOW)


class SpacePlan(Base):
    __tablename__ = "space_plans"
    name: Mapped[str] = mapped_column(primary_key=True)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="waiting")
    progress: Mapped[str | None]
    error: Mapped[str | None]
    requested_at: Mapped[datetime] = mapped_column(server_default=NOW)
    started_at: Mapped[datetime | None]


class EmbeddingJob(Base):
    __tablename__ = "embedding_jobs"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    space_id: Mapped[int] = mapped_column(
        Integer, ForeignKey(f"{SCHEMA}.embedding_spaces.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str] = mapped_column(server_default="queued")
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    available_at: Mapped[datetime] = mapped_column(server_default=NOW)
    queued_at: Mapped[datetime] = mapped_column(server_default=NOW)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    losses: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    lease_token: Mapped[int | None]
    leased_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    last_error: Mapped[str | None]
    __table_args__ = (
        Index(
            "embedding_jobs_interactive_idx",
            "available_at",
            "product_id",
            postgresql_where=text("state = 'queued' AND losses < 2 AND priority = 0"),
        ),
        Index(
            "embedding_jobs_backfill_idx",
            "space_id",
            "available_at",
            "product_id",
            postgresql_where=text("state = 'queued' AND losses < 2 AND priority > 0"),
        ),
        Index("embedding_jobs_suspect_idx", "available_at", postgresql_where=text("state = 'queued' AND losses >= 2")),
        Index("embedding_jobs_lease_idx", "leased_until", postgresql_where=text("state = 'leased'")),
    )


# Without a key, so that no mapped class: rows are only added and counted.
embedding_log = Table(
    "embedding_log",
    Base.metadata,
    Column("finished_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("space_id", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    *(Column(name, Integer, nullable=False, server_default=text("0")) for name in ("completed", "failed", "died")),
    Index("embedding_log_finished_at_idx", "finished_at"),
)


class ProductEmbedding(Base):
    __tablename__ = "product_embeddings"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    space_id: Mapped[int] = mapped_column(Integer, ForeignKey(f"{SCHEMA}.embedding_spaces.id"), primary_key=True)
    text: Mapped[Any | None] = mapped_column(HALFVEC)
    image: Mapped[Any | None] = mapped_column(HALFVEC)
    reviews: Mapped[Any | None] = mapped_column(HALFVEC)
    fused: Mapped[Any] = mapped_column(HALFVEC, nullable=False)
    text_hash: Mapped[bytes | None]
    image_hash: Mapped[bytes | None]
    embedded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (
        Index(
            "product_embeddings_embedded_at_idx",
            "embedded_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16},
        ),
        {"postgresql_partition_by": "LIST (space_id)"},
    )


class ReviewEmbedding(Base):
    __tablename__ = "review_embeddings"
    product_id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(Integer, ForeignKey(f"{SCHEMA}.embedding_spaces.id"), primary_key=True)
    embedding: Mapped[Any | None] = mapped_column(HALFVEC)
    text_hash: Mapped[bytes]
    embedded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = ({"postgresql_partition_by": "LIST (space_id)"},)
