"""The storefront and the admin pages: rendered on the server, readable without JavaScript, nothing from other hosts."""

from flask import Flask

from backend.database.connection import Database
from backend.spaces.embedder import Embedder
from backend.web import admin, media, product, retrieval, rules, search, shop
from backend.web.blueprint import Services, add_to
from backend.web.thumbnails import Thumbnails

__all__ = ["register"]


def register(app: Flask, database: Database, embedder: Embedder) -> None:
    """Serve the pages at ``/``, and answer every unknown address outside ``/v1`` by a page."""
    services = Services(database, embedder, Thumbnails())
    add_to(
        app, services, [shop.views, search.views, product.views, media.views, admin.views, retrieval.views, rules.views]
    )
