"""What the sample catalogue is made of."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SampleReview:
    """One review: ``rating`` 1-5, ``created_at`` in UTC."""

    rating: int
    title: str
    body: str
    author: str
    helpful_votes: int
    verified: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """One product. ``category`` has three levels; ``image`` is a JPEG of 320x400 px, or None where there is none.

    ``variant_group`` is shared by the same product in other colours, and None where it comes in one.
    """

    sku: str
    title: str
    description: str
    brand: str
    category: str
    price: Decimal
    currency: str
    in_stock: bool
    variant_group: str | None
    attributes: dict[str, str | int]
    image: bytes | None
    reviews: list[SampleReview] = field(default_factory=list)
