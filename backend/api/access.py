"""Who may call what, where the settings ask for keys."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Flask, Response, request

from backend.access import Guard, Scope
from backend.api.routing import Operation
from backend.api.services import Services

# Open to whoever reaches the port: what load balancers ask, and the documentation.
OPEN = ("/healthz", "/readyz", "/openapi.json", "/docs")
ADMIN_PAGES = "/admin"


def register(app: Flask, services: Services, operations: Sequence[Operation]) -> None:
    """Ask for a key before the API and the admin pages; the storefront's pages stay open to visitors.

    Browsers send the key of ``/admin`` as the password of HTTP Basic (RFC 7617), programs as a bearer token (RFC 6750).
    """
    guard = Guard(services.database)
    scopes: dict[str, Scope] = {
        operation.name: operation.scope for operation in operations if operation.path not in OPEN
    }

    @app.before_request
    def check() -> None:
        scope = scopes.get(request.endpoint or "")
        if scope is None and (request.path == ADMIN_PAGES or request.path.startswith(ADMIN_PAGES + "/")):
            scope = "admin"
        if scope is not None:
            guard.check(_key(), scope)

    @app.after_request
    def say_how(response: Response) -> Response:
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            scheme = 'Basic realm="Shelfmate", charset="UTF-8"' if request.path.startswith(ADMIN_PAGES) else "Bearer"
            response.headers["WWW-Authenticate"] = scheme
        return response


def _key() -> str | None:
    given = request.authorization
    if given is None:
        return None
    return given.token if given.type == "bearer" else given.password if given.type == "basic" else None
