"""The OpenAPI document itself, and a page made from it that needs nothing from elsewhere."""

import json
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from flask import render_template

from backend.api.answers import Answer
from backend.api.document import build_document
from backend.api.problems import TYPE_PREFIX, status_name
from backend.api.routing import Operation, Routes
from backend.api.services import Services
from backend.errors import NotFound, ShelfmateError

# What Flask itself may answer.
_FRAMEWORKS = (
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)


def document_routes(others: Sequence[Operation]) -> Routes:
    """Routes of the document, the page and the kinds of problems; they describe ``others`` and themselves."""
    routes = Routes("Operation")

    problems = _kinds_of_problems(ShelfmateError) | {
        status_name(status): (int(status), f"{status.description}.") for status in _FRAMEWORKS
    }

    @cache
    def document() -> dict[str, Any]:
        return build_document([*others, *routes.operations])

    @routes.add("GET", "/openapi.json", {200: "application/json"})
    def show_document(services: Services) -> Answer:  # noqa: ARG001  # every handler is called alike
        """This document."""
        return Answer(json.dumps(document()))

    @routes.add("GET", "/docs", {200: "text/html"})
    def show_docs(services: Services) -> Answer:  # noqa: ARG001
        """This document as a page for people."""
        tags = dict.fromkeys(operation.tag for operation in others)
        page = render_template("api/docs.html", document=document(), tags=tags, problems=problems)
        return Answer(page, media_type="text/html; charset=utf-8")

    @routes.add("GET", TYPE_PREFIX + "{name}", {302: None}, problems=[NotFound])
    def show_problem(services: Services, name: str) -> Answer:  # noqa: ARG001
        """The kind of problem that an error's type names, on the page."""
        if name not in problems:
            raise NotFound(f"no kind of problem is named {name}; /docs lists them")
        return Answer(status=302, headers={"Location": f"/docs#problem-{name}"})

    return routes


def _kinds_of_problems(error: type[ShelfmateError]) -> dict[str, tuple[int, str]]:
    """Every problem type below ``error``, with its status and the sentence that its class begins with."""
    kinds = {error.problem: (int(error.status), (error.__doc__ or "").partition("\n")[0])}
    for kind in error.__subclasses__():
        kinds |= {name: value for name, value in _kinds_of_problems(kind).items() if name not in kinds}
    return kinds
