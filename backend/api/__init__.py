"""The HTTP API: routes, request and answer types, problems, the OpenAPI document."""

from flask import Blueprint, Flask, Response

from backend.api import (
    access,
    bulk,
    categories,
    events,
    health,
    images,
    jobs,
    metrics,
    pages,
    people,
    problems,
    products,
    ratings,
    recommendations,
    review_search,
    reviews,
    routing,
    rules,
    search,
    shelves,
    similar,
    spaces,
)
from backend.api.services import Services

__all__ = ["Services", "register"]

MODULES = (
    products,
    bulk,
    images,
    reviews,
    review_search,
    categories,
    similar,
    search,
    recommendations,
    shelves,
    events,
    people,
    ratings,
    rules,
    spaces,
    jobs,
    health,
)


def register(app: Flask, services: Services) -> None:
    """Serve the API from this app, and answer all of the app's errors by problem+json.

    Pages register handlers for errors on their own blueprint where people should see a page instead.
    """
    problems.register(app)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_upload_bytes
    app.register_blueprint(Blueprint("api", __name__, template_folder="templates"))
    operations = [operation for module in MODULES for operation in module.routes.operations]
    operations += metrics.register(app, services).operations
    operations += pages.document_routes(operations).operations
    routing.register(app, services, operations)
    if services.settings.require_keys:
        access.register(app, services, operations)

    @app.after_request
    def no_sniffing(response: Response) -> Response:
        # What people upload is served as the type that we found it to be, and as nothing else.
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
