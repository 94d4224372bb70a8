"""Photographs fetched from addresses that others wrote down: politely to their hosts, and safely for this machine."""

from backend.catalog.downloads.download import download_images
from backend.catalog.downloads.fetching import Limits
from backend.catalog.downloads.politeness import Politeness

__all__ = ["Limits", "Politeness", "download_images"]
