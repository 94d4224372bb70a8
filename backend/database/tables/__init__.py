"""The tables as SQLAlchemy models: what Alembic compares the migrations with, and what pandas users may import.

Comments, triggers, functions and partitions are the migrations' alone.
"""

from backend.database.tables.answers import (
    ApiKey,
    CountedPopularity,
    IndexCheck,
    PopularityCounts,
    ProductRatingPrediction,
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
    RatingPrior,
    Review,
    ReviewWords,
)
from backend.database.tables.downloads import ImageDownload
from backend.database.tables.embeddings import (
    EmbeddingJob,
    EmbeddingSpace,
    ProductEmbedding,
    ReviewEmbedding,
    SpaceModel,
    SpacePlan,
)
from backend.database.tables.people import BoughtCounts, BoughtPair, CountedInterest, DailyInterest, InterestCounts

__all__ = [
    "SCHEMA",
    "ApiKey",
    "Base",
    "BoughtCounts",
    "BoughtPair",
    "Category",
    "CountedInterest",
    "CountedPopularity",
    "DailyInterest",
    "EmbeddingJob",
    "EmbeddingSpace",
    "Event",
    "ImageDownload",
    "IndexCheck",
    "InterestCounts",
    "PopularityCounts",
    "Product",
    "ProductEmbedding",
    "ProductImage",
    "ProductRatingPrediction",
    "ProductWords",
    "RankingRule",
    "RatingModel",
    "RatingPrior",
    "RecallAudit",
    "Recommendation",
    "RetrievalChange",
    "Review",
    "ReviewEmbedding",
    "ReviewWords",
    "SigningKey",
    "SpaceModel",
    "SpacePlan",
    "UpkeepPass",
    "include_name",
]
