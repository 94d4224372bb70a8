"""The tables as SQLAlchemy models: what Alembic compares the migrations with, and what pandas users may import.

Comments, triggers, functions and partitions are the migrations' alone.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

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
        return not (name or "").startswith("product_embeddings_") and name != "alembic_version"
    return True


def identity() -> Identity:
    return Identity(always=False)


class Category(Base):
    __tablename__ = "categories"
    path: Mapped[str] = mapped_column(CPATH, primary_key=True)
    parent: Mapped[str | None] = mapped_column(
        CPATH,
        Computed("NULLIF(regexp_replace(path, '/?[^/]*$', ''), '')", persisted=True),
        ForeignKey(f"{SCHEMA}.categories.path"),
    )
    name: Mapped[str] = mapped_column(Computed(r"COALESCE(substring(path FROM '[^/]+$'), '')", persisted=True))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (Index("categories_parent_idx", "parent"),)


class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    sku: Mapped[str]
    title: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    brand: Mapped[str | None]
    category: Mapped[str | None] = mapped_column(CPATH, ForeignKey(f"{SCHEMA}.categories.path", onupdate="CASCADE"))
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    currency: Mapped[str | None]
    in_stock: Mapped[bool] = mapped_column(server_default=text("true"))
    variant_group: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    rating: Mapped[float | None] = mapped_column(REAL)
    review_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    __table_args__ = (
        UniqueConstraint("sku", name="products_sku_key"),
        Index("products_category_idx", "category", "id"),
        Index("products_price_idx", "price", "id"),
        Index("products_brand_idx", "brand", "id"),
        Index("products_variant_group_idx", "variant_group"),
        Index("products_created_at_idx", text("created_at DESC"), "id"),
        Index(
            "products_attributes_idx",
            "attributes",
            postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"},
        ),
    )


class ProductWords(Base):
    __tablename__ = "product_words"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    words: Mapped[Any] = mapped_column(TSVECTOR)
    __table_args__ = (Index("product_words_words_idx", "words", postgresql_using="gin"),)


class ProductImage(Base):
    __tablename__ = "product_images"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, server_default=text("0"))
    sha256: Mapped[bytes]
    media_type: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    byte_size: Mapped[int] = mapped_column(Integer, Computed("octet_length(content)", persisted=True))
    content: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (Index("product_images_sha256_idx", "sha256", "product_id"),)


class Review(Base):
    __tablename__ = "reviews"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    rating: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(server_default="")
    body: Mapped[str] = mapped_column(server_default="")
    author: Mapped[str | None]
    helpful_votes: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    verified: Mapped[bool] = mapped_column(server_default=text("false"))
    written_at: Mapped[datetime | None]
    fingerprint: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (UniqueConstraint("product_id", "fingerprint"),)


class Event(Base):
    __tablename__ = "events"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    user_id: Mapped[str]
    kind: Mapped[str]
    value: Mapped[float | None] = mapped_column(REAL)
    occurred_at: Mapped[datetime] = mapped_column(server_default=NOW)
    recommendation_id: Mapped[UUID | None]
    __table_args__ = (
        Index("events_user_id_idx", "user_id", "occurred_at"),
        Index("events_occurred_at_idx", "occurred_at", postgresql_using="brin"),
    )


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


class Recommendation(Base):
    __tablename__ = "recommendations"
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    kind: Mapped[str]
    space_id: Mapped[int] = mapped_column(Integer)
    query: Mapped[dict[str, Any]] = mapped_column(JSONB)
    vectors: Mapped[list[Any]] = mapped_column(ARRAY(HALFVEC))
    items: Mapped[list[Any]] = mapped_column(JSONB)
    mode: Mapped[str]
    complete: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    __table_args__ = (Index("recommendations_expires_at_idx", "expires_at"),)


class SigningKey(Base):
    __tablename__ = "signing_keys"
    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    key: Mapped[bytes] = mapped_column(server_default=RANDOM_KEY)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RankingRule(Base):
    __tablename__ = "ranking_rules"
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    name: Mapped[str]
    action: Mapped[str]
    filter: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    amount: Mapped[float | None]
    sku: Mapped[str | None]
    position: Mapped[int | None] = mapped_column(Integer)
    placement: Mapped[str | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    note: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (UniqueConstraint("name", name="ranking_rules_name_key"),)


class CountedPopularity(Base):
    __tablename__ = "counted_popularity"
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    popularity: Mapped[float]
    __table_args__ = (Index("counted_popularity_popularity_idx", text("popularity DESC"), "product_id"),)


class PopularityCounts(Base):
    __tablename__ = "popularity_counts"
    only_one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    counted_at: Mapped[datetime]


class UpkeepPass(Base):
    __tablename__ = "upkeep_passes"
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    worker: Mapped[str]
    measured: Mapped[bool]
    started_at: Mapped[datetime] = mapped_column(server_default=CLOCK)
    finished_at: Mapped[datetime | None]
    audited: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    expired: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[str | None]
    __table_args__ = (Index("upkeep_passes_started_at_idx", "started_at"),)


class RecallAudit(Base):
    __tablename__ = "recall_audits"
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    space_id: Mapped[int] = mapped_column(Integer, of_space())
    kind: Mapped[str]
    recommendation_id: Mapped[UUID | None]
    filter_class: Mapped[str]
    match_share: Mapped[float | None]
    k: Mapped[int] = mapped_column(Integer)
    ef_search: Mapped[int] = mapped_column(Integer)
    recall: Mapped[float]
    audited_at: Mapped[datetime] = mapped_column(server_default=CLOCK)
    __table_args__ = (
        Index("recall_audits_space_id_idx", "space_id", "audited_at"),
        Index("recall_audits_recommendation_id_idx", "recommendation_id"),
    )


class IndexCheck(Base):
    __tablename__ = "index_checks"
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    space_id: Mapped[int] = mapped_column(Integer, of_space())
    index_name: Mapped[str]
    build: Mapped[int]
    products: Mapped[int]
    bytes: Mapped[int]
    dead_share: Mapped[float]
    growth: Mapped[float]
    asked: Mapped[int] = mapped_column(Integer)
    lost: Mapped[int] = mapped_column(Integer)
    checked_at: Mapped[datetime] = mapped_column(server_default=CLOCK)
    __table_args__ = (Index("index_checks_index_name_idx", "index_name", "checked_at"),)


class RetrievalChange(Base):
    __tablename__ = "retrieval_changes"
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    space_id: Mapped[int] = mapped_column(Integer, of_space())
    action: Mapped[str]
    index_name: Mapped[str | None]
    old_value: Mapped[str]
    new_value: Mapped[str]
    measured_before: Mapped[float]
    measured_after: Mapped[float]
    reason: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=CLOCK)
    __table_args__ = (Index("retrieval_changes_space_id_idx", "space_id", "created_at"),)


class RatingModel(Base):
    __tablename__ = "rating_models"
    id: Mapped[int] = mapped_column(Integer, identity(), primary_key=True)
    name: Mapped[str]
    form: Mapped[str]
    fingerprint: Mapped[bytes]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    weights: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (UniqueConstraint("name", name="rating_models_name_key"),)


class ApiKey(Base):
    __tablename__ = "api_keys"
    id: Mapped[int] = mapped_column(Integer, identity(), primary_key=True)
    name: Mapped[str]
    key_hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("name", name="api_keys_name_key"),
        UniqueConstraint("key_hash", name="api_keys_key_hash_key"),
    )
