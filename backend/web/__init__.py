"""The storefront and the admin pages: rendered on the server, readable without JavaScript, nothing from other hosts."""

from flask import Flask

from backend.database.connection import Database
from backend.ratings.loaded import LoadedModels
from backend.spaces.embedder import Embedder
from backend.web import admin, media, people, product, ratings, retrieval, rules, search, shop, spaces, you
from backend.web.blueprint import Services, add_to
from backend.web.thumbnails import Thumbnails
from backend.web.trial import keep_on_trial
from backend.web.visitor import welcome

__all__ = ["register"]


def register(app: Flask, database: Database, embedder: Embedder, rating_models: LoadedModels) -> None:
    """Serve the pages at ``/``, and answer every unknown address outside ``/v1`` by a page."""
    services = Services(database, embedder, Thumbnails(), rating_models)
    keep_on_trial(app)
    welcome(app)
    shelves = [shop.views, search.views, product.views, you.views, media.views]
    offices = [admin.views, people.views, spaces.views, retrieval.views, ratings.views, rules.views]
    add_to(app, services, [*shelves, *offices])
