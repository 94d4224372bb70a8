"""The tables as SQLAlchemy models: what Alembic compares the migrations with, and what pandas users may import.

Comments, triggers, functions and partitions are the migrations' alone.
"""

from backend.database.tables.answers import (
    ApiKey,
    CountedPopularity,
    IndexCheck,
    PopularityCounts,
    RankingRule,
    RatingModel,
    RecallAudit,
    Recommendation,
    RetrievalChange,
    SigningKey,
    UpkeepPass,
)
from backend.database.tables.base import SCHEMA, Base, include_name
from backend.database.tables.catalogue import (
    Category,
    Event,
    Product,
    ProductImage,
    ProductWords,
    Review,
)
from backend.database.tables.embeddings import (
    EmbeddingJob,
    EmbeddingSpace,
    ProductEmbedding,
    SpaceModel,
    SpacePlan,
)

__all__ = [
    "SCHEMA",
    "ApiKey",
    "Base",
    "Category",
    "CountedPopularity",
    "EmbeddingJob",
    "EmbeddingSpace",
    "Event",
    "IndexCheck",
    "PopularityCounts",
    "Product",
    "ProductEmbedding",
    "ProductImage",
    "ProductWords",
    "RankingRule",
    "RatingModel",
    "RecallAudit",
    "Recommendation",
    "RetrievalChange",
    "Review",
    "SigningKey",
    "SpaceModel",
    "SpacePlan",
    "UpkeepPass",
    "include_name",
]
