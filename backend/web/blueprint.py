"""What all pages share: what they work with, their headers, their filters, their errors."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, abort, current_app
from werkzeug.routing import PathConverter

from backend.database.connection import Database
from backend.ratings.loaded import LoadedModels
from backend.spaces.embedder import Embedder
from backend.web import errors, wording
from backend.web.thumbnails import Thumbnails

EXTENSION = "shelfmate.web"

# No inline script or style, nothing from elsewhere, no frame around the admin's buttons.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Services:
    """One set for the whole process, shared by its threads."""

    database: Database
    embedder: Embedder
    thumbnails: Thumbnails
    rating_models: LoadedModels


class UnknownPage(PathConverter):
    """Any path that is not the API's, which answers its unknown paths by problem+json."""

    regex = "(?!v1(?:/|$))[^/].*?"


def services() -> Services:
    """What the pages of the current app work with."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Services)
    return found


def add_to(app: Flask, provided: Services, views: Sequence[Blueprint]) -> None:
    """Add the views to the app under one roof."""
    app.extensions[EXTENSION] = provided
    app.url_map.converters["unknown_page"] = UnknownPage
    # Named shelf, so that url_for reads shelf.shop.home: the pages' own templates and files lie under one name.
    roof = Blueprint("shelf", __name__, template_folder="templates", static_folder="static", static_url_path="/assets")
    roof.after_request(_secure)
    for name, filter_ in wording.FILTERS.items():
        roof.add_app_template_filter(filter_, name)
    errors.register(roof)
    for part in views:
        roof.register_blueprint(part)
    roof.add_url_rule("/<unknown_page:_path>", "unknown", _unknown, methods=["GET"])
    app.register_blueprint(roof)


def _unknown(_path: str) -> Response:
    abort(404)


def _secure(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    # A page shows prices and stock, so that it is asked for again; photographs set their own.
    response.headers.setdefault("Cache-Control", "no-cache")
    return response
