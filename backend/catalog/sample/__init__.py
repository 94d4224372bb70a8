"""A catalogue of our own to try Shelfmate with: products, pictures and reviews, drawn by code from a seed."""

from backend.catalog.sample.catalogue import generate
from backend.catalog.sample.model import SampleProduct, SampleReview

__all__ = ["SampleProduct", "SampleReview", "generate"]
