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
    api.register(app, api.Services(database, embedder, settings))
    web.register(app, database, embedder)
    return app
