"""What answers were given, rules and upkeep; rating models and keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ARRAY,
    REAL,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.database.tables.base import CLOCK, NOW, RANDOM_KEY, SCHEMA, Base, identity, of_product, of_space


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
    format: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    digest: Mapped[bytes] = mapped_column(server_default="")
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    __table_args__ = (
        UniqueConstraint("name", name="rating_models_name_key"),
        Index(
            "rating_models_one_default",
            text("(form = 'product-ridge'::text)"),
            unique=True,
            postgresql_where=text("is_default"),
        ),
    )


class ProductRatingPrediction(Base):
    __tablename__ = "product_rating_predictions"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    model_id: Mapped[int] = mapped_column(Integer, ForeignKey(f"{SCHEMA}.rating_models.id", ondelete="CASCADE"))
    space_id: Mapped[int] = mapped_column(Integer)
    embedded_at: Mapped[datetime]
    expected: Mapped[float] = mapped_column(REAL)
    probabilities: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    predicted_at: Mapped[datetime] = mapped_column(server_default=NOW)
    __table_args__ = (Index("product_rating_predictions_model_id_idx", "model_id"),)


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
