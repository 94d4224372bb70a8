"""The storefront and the admin pages: rendered on the server, readable without JavaScript, nothing from other hosts."""

from flask import Flask

from backend.database.connection import Database
from backend.spaces.embedder import Embedder
from backend.web import admin, media, product, retrieval, rules, search, shop, spaces
from backend.web.blueprint import Services, add_to
from backend.web.thumbnails import Thumbnails
from backend.web.trial import keep_on_trial

__all__ = ["register"]


def register(app: Flask, database: Database, embedder: Embedder) -> None:
    """Serve the pages at ``/``, and answer every unknown address outside ``/v1`` by a page."""
    services = Services(database, embedder, Thumbnails())
    keep_on_trial(app)
    shelves = [shop.views, search.views, product.views, media.views]
    add_to(app, services, [*shelves, admin.views, spaces.views, retrieval.views, rules.views])
