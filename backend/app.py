"""The WSGI application."""

from flask import Flask

from backend import api, web
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder


def create_app(database: Database, embedder: Embedder, settings: Settings) -> Flask:
    """Join the parts: the API under /v1 with what operates it, and the pages under /.

    The app holds no connection and no model of its own; both arrive open and are shared by its threads.
    """
    app = Flask("backend", static_folder=None, template_folder=None)
    services = api.Services(database, embedder, settings)
    api.register(app, services)
    web.register(app, database, embedder, services.rating_models)
    return app
