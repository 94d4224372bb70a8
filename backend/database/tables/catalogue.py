"""The catalogue, its photographs and reviews, and what people did with it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from backend.database.tables.base import CPATH, NOW, SCHEMA, Base, identity, of_product


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
    rating_sum: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    bayesian_rating: Mapped[float | None] = mapped_column(REAL)
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
    user_id: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("product_id", "fingerprint"),
        Index("reviews_user_id_idx", "user_id", "written_at", postgresql_where=text("user_id IS NOT NULL")),
        Index("reviews_written_at_idx", text("COALESCE(written_at, created_at)"), postgresql_using="brin"),
    )


class ReviewWords(Base):
    __tablename__ = "review_words"
    product_id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[Any] = mapped_column(TSVECTOR)
    __table_args__ = (Index("review_words_words_idx", "words", postgresql_using="gin"),)


# Without a key, so that no mapped class.
review_words_due = Table("review_words_due", Base.metadata, Column("product_id", BigInteger, nullable=False))


class RatingPrior(Base):
    __tablename__ = "rating_prior"
    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    prior_mean: Mapped[float] = mapped_column(server_default=text("4"))
    prior_weight: Mapped[float] = mapped_column(server_default=text("10"))
    counted_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]


class Event(Base):
    __tablename__ = "events"
    product_id: Mapped[int] = mapped_column(of_product(), primary_key=True)
    id: Mapped[int] = mapped_column(identity(), primary_key=True)
    user_id: Mapped[str]
    kind: Mapped[str]
    value: Mapped[float | None] = mapped_column(REAL)
    occurred_at: Mapped[datetime] = mapped_column(server_default=NOW)
    recommendation_id: Mapped[UUID | None]
    source_id: Mapped[str | None]
    __table_args__ = (
        Index("events_user_id_idx", "user_id", "occurred_at"),
        Index(
            "events_source_id_idx",
            "product_id",
            "source_id",
            unique=True,
            postgresql_where=text("source_id IS NOT NULL"),
        ),
        Index("events_occurred_at_idx", "occurred_at", postgresql_using="brin"),
        Index("events_owner_idx", "user_id", "product_id", postgresql_where=text("kind IN ('purchase', 'rating')")),
        Index("events_owned_idx", "product_id", "user_id", postgresql_where=text("kind IN ('purchase', 'rating')")),
    )
