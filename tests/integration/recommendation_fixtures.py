"""The small catalogue, embedded, and a client of the API over it that holds every answer against the document."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from api_fixtures import ConformingClient, conforming_client
from small_catalogue import drain, fresh_database, insert_products

from backend.app import create_app
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder

Json = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """A client, and the database behind it."""

    client: ConformingClient
    database: Database
    settings: Settings

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


def _open(server_dsn: str, template: str, factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with fresh_database(server_dsn, template, factory.mktemp("home")) as (database, settings):
        insert_products(database)
        assert drain(database, settings) == 315
        with conforming_client(create_app(database, Embedder(), settings)) as client:
            yield Shop(client, database, settings)


@pytest.fixture(scope="module")
def shop(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop that the tests of a module share: they put back what they change."""
    yield from _open(server_dsn, template, tmp_path_factory)


@pytest.fixture
def own_shop(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of this test alone."""
    yield from _open(server_dsn, template, tmp_path_factory)
