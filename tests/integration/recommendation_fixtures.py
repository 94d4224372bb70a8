"""The small catalogue, embedded, and a client of the API over it that holds every answer against the document."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from api_fixtures import ConformingClient, conforming_client
from stocked_catalogue import stocked_settings

from backend.app import create_app
from backend.database.connection import Database, open_database
from backend.settings import Settings
from backend.spaces.embedder import Embedder

Json = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """A client, and the database behind it."""

    client: ConformingClient
    database: Database
    settings: Settings

    def new_client(self) -> ConformingClient:
        """Another client of the same app, for another thread."""
        return conforming_client(self.client.application)

    def ask(self, query: Json) -> Json:
        """The answer to a query, which must succeed."""
        response = self.client.post("/v1/recommendations", json=query)
        assert response.status_code == 200, response.text
        return dict(response.json)

    def page(self, list_id: str, cursor: str | None = None, k: int | None = None) -> Json:
        """A page of a list, which must succeed."""
        given = {name: value for name, value in (("cursor", cursor), ("k", k)) if value is not None}
        response = self.client.get(f"/v1/recommendations/{list_id}", query_string=given)
        assert response.status_code == 200, response.text
        return dict(response.json)

    def pages_after(self, answer: Json, k: int | None = None) -> Iterator[Json]:
        """All pages after one."""
        while answer["next_cursor"] is not None:
            answer = self.page(answer["recommendation_id"], answer["next_cursor"], k)
            yield answer

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement returns."""
        with self.database.read() as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def run(self, statement: str, *values: object) -> None:
        """A statement that writes."""
        with self.database.write() as connection:
            connection.execute(statement.encode(), values)

    def ranked(self, query: Json) -> list[tuple[str, float]]:
        """Sku and score of what the SQL function answers."""
        statement = "SELECT sku, score FROM recommend(%s::jsonb) ORDER BY position"
        return [(sku, score) for sku, score in self.rows(statement, json.dumps(query))]


def skus_of(answer: Json) -> list[str]:
    return [item["sku"] for item in answer["items"]]


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@contextmanager
def _opened(server_dsn: str, stocked: str, home: Path) -> Iterator[Shop]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {stocked}")
        settings = stocked_settings(server_dsn, name, home)
        with open_database(settings) as database:
            app = create_app(database, Embedder(), settings)
            with conforming_client(app) as client:
                yield Shop(client, database, settings)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def shop(server_dsn: str, stocked: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that the tests of a module share: they put back what they change."""
    with _opened(server_dsn, stocked, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def own_shop(server_dsn: str, stocked: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop of this test alone."""
    with _opened(server_dsn, stocked, tmp_path) as opened:
        yield opened
