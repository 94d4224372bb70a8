"""Every error as RFC 9457 problem+json: ours, the framework's, and the unforeseen."""

import logging
from http import HTTPStatus
from typing import Annotated

from flask import Flask, request
from flask.typing import ResponseReturnValue
from pydantic import Field, ValidationError
from werkzeug.exceptions import HTTPException

from backend.api.answers import Answer
from backend.api.types import Answered
from backend.api.wording import describe, path_of
from backend.errors import Conflict, InvalidInput, NotReady, ShelfmateError

log = logging.getLogger("shelfmate.http")

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"

_OUR_FAULT = "Shelfmate could not answer; its log says why."


class FieldProblem(Answered):
    """One value at fault."""

    field: Annotated[str, Field(description="Parameter, or path of the field in the body, such as attributes.size.")]
    message: str


class Problem(Answered):
    """What went wrong, as RFC 9457 has it."""

    type: Annotated[str, Field(description="Identifies the kind of problem: /problems/ and its name.")]
    title: Annotated[str, Field(description="The kind of problem for people.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    detail: Annotated[str, Field(description="What went wrong this time, and what to do.")]
    errors: Annotated[list[FieldProblem], Field(description="The values at fault, when some are.")] = []


def problem(name: str, status: int, detail: str, errors: list[FieldProblem] | None = None) -> Problem:
    """The problem of this name, such as ``not-found``."""
    title = name.replace("-", " ").capitalize()
    return Problem(type=TYPE_PREFIX + name, title=title, status=status, detail=detail, errors=errors or [])


def status_name(status: HTTPStatus) -> str:
    """The problem of a status that no error of ours stands for, such as ``unsupported-media-type``."""
    return status.phrase.lower().replace(" ", "-").replace("'", "")


def from_error(error: ShelfmateError) -> Problem:
    """One of our errors; where the fault is ours, the detail stays in the log.

    What comes too early is for who asked, and its message was written for them.
    """
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, NotReady):
        return problem(error.problem, error.status, _OUR_FAULT)
    message = str(error)
    if isinstance(error, InvalidInput | Conflict) and error.field is not None:
        fields = [FieldProblem(field=error.field, message=message)]
        detail = message if message.startswith(error.field) else f"{error.field}: {message}"
        return problem(error.problem, error.status, detail, fields)
    return problem(error.problem, error.status, message)


def from_validation(error: ValidationError, known: list[str]) -> Problem:
    """A request that does not fit its type, whose fields are ``known``."""
    fields = [FieldProblem(field=path_of(item["loc"]), message=describe(item, known)) for item in error.errors()]
    detail = "; ".join(f"{item.field}: {item.message}" if item.field else item.message for item in fields)
    return problem(InvalidInput.problem, InvalidInput.status, detail, [item for item in fields if item.field])


def answer_error(error: ShelfmateError) -> Answer:
    """One of our errors as an answer."""
    headers = {}
    if isinstance(error, NotReady) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    elif error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    return as_answer(from_error(error), headers)


def as_answer(content: Problem, headers: dict[str, str] | None = None) -> Answer:
    """A problem as an answer."""
    return Answer(content, content.status, headers or {}, MEDIA_TYPE)


def register(app: Flask) -> None:
    """Answer every error of the app by a problem; a blueprint may still have handlers of its own."""

    @app.errorhandler(ShelfmateError)
    def ours(error: ShelfmateError) -> ResponseReturnValue:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("%s %s: %s", request.method, request.path, error)
        return answer_error(error).to_response()

    @app.errorhandler(HTTPException)
    def frameworks(error: HTTPException) -> ResponseReturnValue:
        status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        if status < HTTPStatus.BAD_REQUEST:
            return error.get_response()
        headers = {key: value for key, value in error.get_headers() if key.lower() != "content-type"}
        detail = _detail(error, status)
        return as_answer(problem(status_name(HTTPStatus(status)), status, detail), headers).to_response()

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> ResponseReturnValue:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        return as_answer(problem("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, _OUR_FAULT)).to_response()


def _detail(error: HTTPException, status: int) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return f"Nothing is at {request.path}; /docs lists what there is."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
            return f"{request.method} is not possible at {request.path}, but {allowed} are."
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return f"The body is larger than the {request.max_content_length:,} bytes that are accepted."
    return error.description or HTTPStatus(status).description
