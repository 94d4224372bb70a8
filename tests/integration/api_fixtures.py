"""A client that holds every answer against the OpenAPI document."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from PIL import Image
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder

PROBLEM = "application/problem+json"


class ConformingClient(FlaskClient):
    """Fails when a status, media type, header or body is not as the document says."""

    document: dict[str, Any]

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        method, path = response.request.method, response.request.path
        if path != "/openapi.json" and method not in {"HEAD", "OPTIONS"}:
            self.check(response, self.responses(method, path))
        return response

    def responses(self, method: str, path: str) -> dict[str, Any]:
        """What the document says of the answers to such a request; of an unknown one, that it is a problem."""
        try:
            rule, _ = self.application.url_map.bind("localhost").match(path, method, return_rule=True)
        except HTTPException:
            schema = {"$ref": "#/components/schemas/Problem"}
            return {"default": {"content": {PROBLEM: {"schema": schema}}}}
        documented = rule.rule.replace("<", "{").replace(">", "}")
        return self.document["paths"][documented][method.lower()]["responses"]

    def check(self, response: TestResponse, responses: dict[str, Any]) -> None:
        """Fail unless the answer is one of those in the document."""
        described = responses.get(str(response.status_code), responses["default"])
        assert response.status_code >= 400 or str(response.status_code) in responses
        content = described.get("content")
        if content is None:
            assert response.data == b""
            return
        assert response.mimetype in content or f"{response.mimetype.split('/')[0]}/*" in content
        schema = content.get(response.mimetype, {}).get("schema")
        if schema is not None:
            validator = Draft202012Validator(
                {**schema, "components": self.document["components"]}, format_checker=FormatChecker()
            )
            validator.validate(json.loads(response.data, parse_constant=pytest.fail))
        if response.status_code >= 400:
            assert response.json["status"] == response.status_code
            assert response.json["type"].startswith("/problems/")


def conforming_client(app: Flask) -> ConformingClient:
    """A client of the app, with the app's own document."""
    app.test_client_class = ConformingClient
    client = app.test_client()
    assert isinstance(client, ConformingClient)
    client.document = client.get("/openapi.json").json
    return client


@pytest.fixture
def app(database: Database, settings: Settings) -> Flask:
    """The application over the fresh database."""
    return create_app(database, Embedder(), settings)


@pytest.fixture
def client(app: Flask) -> Iterator[ConformingClient]:
    """A client that holds every answer against the document."""
    with conforming_client(app) as opened:
        yield opened


def a_picture(colour: str = "red", kind: str = "PNG", size: tuple[int, int] = (30, 20)) -> bytes:
    """The bytes of an image file of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()
