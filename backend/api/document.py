"""The OpenAPI 3.1 document, from the types that validate requests and make answers."""

from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from inspect import getdoc
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from backend.api import problems
from backend.api.bodies import FORM, NDJSON, PART, RAW
from backend.api.problems import Problem
from backend.api.routing import Content, Operation
from backend.errors import InvalidInput, NotReady, ShelfmateError

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

SCHEMAS = "#/components/schemas/"
KEYS = "Asked for where SHELFMATE_REQUIRE_KEYS is set. Each operation's scope is in x-scope: read, write or admin."


def build_document(operations: Sequence[Operation]) -> Json:
    """The document of these operations, as JSON."""
    models: set[tuple[type[BaseModel], Mode]] = {(Problem, "serialization")}
    for operation in operations:
        if operation.body is not None:
            models.add((operation.body, "validation"))
        models |= {(content, "serialization") for content in operation.answers.values() if isinstance(content, type)}
    ordered = sorted(models, key=lambda model: model[0].__name__)
    _, definitions = models_json_schema(ordered, ref_template=SCHEMAS + "{model}")
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Shelfmate",
            "version": version("shelfmate"),
            "summary": "Products in, recommendations out.",
            "description": "Times are RFC 3339 in UTC, prices decimal numbers. Errors are problem+json (RFC 9457). "
            "Unknown fields and parameters are refused.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": KEYS}},
        },
        "security": [{}, {"key": []}],
    }


def _describe(operation: Operation) -> Json:
    summary, _, description = (getdoc(operation.handler) or "").partition("\n\n")
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": summary,
        "x-scope": operation.scope,
    }
    if description:
        described["description"] = description
    typed = {} if operation.path_model is None else operation.path_model.model_json_schema()["properties"]
    parameters = [
        _parameter(name, "path", typed.get(name, {"type": "string"}), required=True)
        for name in operation.path_parameters
    ]
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        parameters += [
            _parameter(name, "query", value, required=name in schema.get("required", []))
            for name, value in schema["properties"].items()
        ]
    if parameters:
        described["parameters"] = parameters
    body = _request_body(operation)
    if body is not None:
        described["requestBody"] = body
    described["responses"] = _responses(operation)
    return described


def _parameter(name: str, place: Literal["path", "query"], value: Json, *, required: bool) -> Json:
    described = {key: item for key, item in value.items() if key not in ("title", "default", "description")}
    # No parameter can say null: it is left out instead.
    options = [option for option in described.pop("anyOf", []) if option.get("type") != "null"]
    described |= options[0] if len(options) == 1 else {"anyOf": options} if options else {}
    if value.get("default") is not None:
        described["default"] = value["default"]
    parameter = {"name": name, "in": place, "required": required, "schema": described}
    if "description" in value:
        parameter["description"] = value["description"]
    return parameter


def _request_body(operation: Operation) -> Json | None:
    if operation.body is not None:
        schema = {"$ref": SCHEMAS + operation.body.__name__}
        # A line of NDJSON is one of the things that the schema lists.
        content = {kind: {} if kind == NDJSON else {"schema": schema} for kind in operation.media_types}
        return {"required": operation.body_required, "content": content}
    if operation.takes_upload:
        form = {
            "type": "object",
            "properties": {PART: {"type": "string", "contentMediaType": RAW}},
            "required": [PART],
            "additionalProperties": False,
        }
        return {"required": True, "content": {"image/*": {}, RAW: {}, FORM: {"schema": form}}}
    return None


def _responses(operation: Operation) -> Json:
    responses: Json = {}
    for status, content in operation.answers.items():
        responses[str(status)] = _response(HTTPStatus(status).phrase, content)
    if "201" in responses:
        responses["201"]["headers"] = {"Location": {"schema": {"type": "string"}, "description": "Where it is."}}
    for status, errors in _problems(operation).items():
        described = _response(", ".join(sorted({_name(error) for error in errors})), Problem)
        if any(isinstance(error, type) and issubclass(error, NotReady) for error in errors):
            described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
        responses[str(status)] = described
    responses["default"] = _response("any other problem", Problem)
    return responses


def _problems(operation: Operation) -> dict[int, list[type[ShelfmateError] | HTTPStatus]]:
    found: list[type[ShelfmateError] | HTTPStatus] = [InvalidInput, *operation.problems]
    if operation.body is not None or operation.takes_upload:
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    by_status: dict[int, list[type[ShelfmateError] | HTTPStatus]] = {}
    for error in found:
        by_status.setdefault(int(error if isinstance(error, HTTPStatus) else error.status), []).append(error)
    return dict(sorted(by_status.items()))


def _name(error: type[ShelfmateError] | HTTPStatus) -> str:
    return problems.status_name(error) if isinstance(error, HTTPStatus) else error.problem


def _response(description: str, content: Content | type[Problem]) -> Json:
    if content is None:
        return {"description": description}
    if isinstance(content, str):
        return {"description": description, "content": {content: {}}}
    media_type = problems.MEDIA_TYPE if content is Problem else "application/json"
    return {"description": description, "content": {media_type: {"schema": {"$ref": SCHEMAS + content.__name__}}}}
