"""Routes declared once: the annotations of a handler validate its requests and describe them in the OpenAPI document.

A handler takes ``services`` and by name its path parameters, then any of ``query`` (a ``Query``), ``body`` (a ``Body``)
and ``content`` (the bytes of an uploaded file). A path parameter is a text unless its annotation says more.
docs/decisions/0006 says why this is not a library.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError, create_model

from backend.access import Scope
from backend.api.answers import Answer
from backend.api.bodies import read_json, read_upload
from backend.api.problems import FieldProblem, as_answer, from_validation, problem
from backend.api.services import Services
from backend.api.types import Answered, Body, Query
from backend.errors import InvalidInput, NotAllowed, ShelfmateError
from backend.origin import SAFE_METHODS, is_from_elsewhere

Handler = Callable[..., Answer]

# What an answer of a status holds: a JSON type, another media type by name, or nothing.
Content = type[Answered] | str | None

JSON = ("application/json",)
MERGE_PATCH = ("application/merge-patch+json", "application/json")


@dataclass(frozen=True)
class Operation:
    """One method of one path, such as GET /v1/products/{sku}."""

    method: str
    path: str
    tag: str
    handler: Handler
    answers: Mapping[int, Content]
    problems: Sequence[type[ShelfmateError]]
    media_types: Sequence[str]
    body_required: bool
    scope: Scope
    path_model: type[Query] | None = field(init=False)
    query: type[Query] | None = field(init=False)
    body: type[Body] | None = field(init=False)
    takes_upload: bool = field(init=False)

    def __post_init__(self) -> None:
        hints = get_type_hints(self.handler, include_extras=True)
        typed: dict[str, Any] = {name: hints[name] for name in self.path_parameters if hints.get(name, str) is not str}
        object.__setattr__(self, "path_model", create_model("Path", __base__=Query, **typed) if typed else None)
        object.__setattr__(self, "query", hints.get("query"))
        object.__setattr__(self, "body", hints.get("body"))
        object.__setattr__(self, "takes_upload", "content" in hints)

    @property
    def name(self) -> str:
        """The operation's name, unique in the document."""
        return self.handler.__name__

    @property
    def path_parameters(self) -> list[str]:
        """Names in braces in the path."""
        return re.findall(r"{(\w+)}", self.path)


class Routes:
    """The operations of one module, in the order in which the document shows them."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.operations: list[Operation] = []

    def add(
        self,
        method: str,
        path: str,
        answers: Mapping[int, Content],
        *,
        problems: Sequence[type[ShelfmateError]] = (),
        media_types: Sequence[str] = JSON,
        body_required: bool = True,
        scope: Scope | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated handler as an operation; its docstring describes it.

        ``scope`` is that of the keys that open it: ``read`` for GET and ``write`` for the others, unless it is named.
        """
        opened_by: Scope = scope or ("read" if method == "GET" else "write")

        def declare(handler: Handler) -> Handler:
            self.operations.append(
                Operation(method, path, self.tag, handler, answers, problems, media_types, body_required, opened_by)
            )
            return handler

        return declare


def register(app: Flask, services: Services, operations: Sequence[Operation]) -> None:
    """Serve the operations."""
    for operation in operations:
        rule = re.sub(r"{(\w+)}", r"<\1>", operation.path)
        app.add_url_rule(rule, operation.name, _view(operation, services), methods=[operation.method])


def _view(operation: Operation, services: Services) -> Callable[..., Response]:
    handler, path, query, body = operation.handler, operation.path_model, operation.query, operation.body

    def view(**arguments: Any) -> Response:
        _refuse_other_sites()
        _refuse_nul(arguments)
        if path is not None:
            given = {name: arguments[name] for name in path.model_fields}
            try:
                arguments |= path.model_validate_strings(given).model_dump()
            except ValidationError as error:
                return _misfit(error, path)
        try:
            if query is not None:
                _refuse_repeated()
                arguments["query"] = query.model_validate_strings(request.args.to_dict())
            elif request.args:
                return _unknown_parameters(list(request.args))
        except ValidationError as error:
            return _misfit(error, query)
        if body is not None:
            try:
                data = read_json(operation.media_types, required=operation.body_required)
                arguments["body"] = body.read(data, request.mimetype)
            except ValidationError as error:
                return _misfit(error, body)
        elif operation.takes_upload:
            arguments["content"] = read_upload()
        return handler(services, **arguments).to_response()

    return view


def _misfit(error: ValidationError, model: type[BaseModel] | None) -> Response:
    fields = {} if model is None else model.model_fields
    return as_answer(from_validation(error, [field.alias or name for name, field in fields.items()])).to_response()


def _refuse_other_sites() -> None:
    """Any site can make a visitor's browser send a form, and a password that it remembers, but no bearer token."""
    bears = request.authorization is not None and request.authorization.type == "bearer"
    if request.method not in SAFE_METHODS and not bears and is_from_elsewhere(request):
        raise NotAllowed(
            "a page of another site sent this; send it from a server, or with a key as `Authorization: Bearer KEY`"
        )


def _refuse_nul(path: dict[str, str]) -> None:
    for name, value in path.items():
        if "\0" in value:
            raise InvalidInput("must not contain the character NUL", field=name)


def _refuse_repeated() -> None:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise InvalidInput("is given more than once", field=name)


def _unknown_parameters(names: list[str]) -> Response:
    errors = [FieldProblem(field=name, message="unknown; there are no query parameters here") for name in names]
    detail = "; ".join(f"{item.field}: {item.message}" for item in errors)
    return as_answer(problem(InvalidInput.problem, InvalidInput.status, detail, errors)).to_response()
