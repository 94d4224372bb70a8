"""A shadow space on trial: ``?space=`` on a page of the shop goes along from link to link."""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request

from backend.spaces.answering import require_answering
from backend.spaces.space import Space
from backend.web.blueprint import services

# The pages whose answers, or whose links to answers, are of the space.
PAGES = {
    f"shelf.{page}"
    for page in (
        "shop.home",
        "shop.category",
        "search.page",
        "search.by_photograph",
        "product.page",
        "product.similar",
        "you.page",
    )
}


def trial() -> Space | None:
    """The shadow space that this request is to be answered from; None for the active one."""
    found: Space | None = g.get("trial")
    return found


def keep_on_trial(app: Flask) -> None:
    """Read the space of a request to the shop; name it in every link from page to page and to the templates."""

    @app.before_request
    def enter() -> None:
        name = request.args.get("space")
        if name and request.endpoint in PAGES:
            space = require_answering(services().database, name)
            g.trial = None if space.state == "active" else space

    @app.url_defaults
    def keep(endpoint: str, values: dict[str, Any]) -> None:
        space = trial()
        if space is not None and endpoint in PAGES:
            values.setdefault("space", space.name)

    @app.context_processor
    def tell() -> dict[str, Any]:
        return {"trial": trial(), "without_trial": _without_trial()}


def _without_trial() -> str:
    """This page's own address, of the active space."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "space"]
    return request.path + (f"?{urlencode(kept)}" if kept else "")
