"""What a handler returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Response
from pydantic import BaseModel


@dataclass(frozen=True)
class Answer:
    """``body`` becomes JSON when it is a model; bytes and text go out as they are, under ``media_type``."""

    body: BaseModel | bytes | str | None = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def to_response(self) -> Response:
        """The response as Flask sends it."""
        body = self.body.model_dump_json() if isinstance(self.body, BaseModel) else self.body
        response = Response(body, self.status, self.headers, content_type=self.media_type)
        if self.body is None:
            del response.headers["Content-Type"]
        return response
