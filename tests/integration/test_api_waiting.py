"""Reading one's own writes, bulk writes that come too fast, and statements that take too long."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any

import psycopg
import pytest
from api_fixtures import ConformingClient, a_picture, app, client, conforming_client

from backend.app import create_app
from backend.catalog.products import ProductData, put_product
from backend.database.connection import Database
from backend.settings import Settings
from backend.spaces.embedder import Embedder
from tests.eventually import eventually
from workers.progress import Progress
from workers.worker import Worker

__all__ = ["app", "client"]

# The longest that may be asked for.
WAIT = "?wait=embedded&timeout=60"


@pytest.fixture
def worker(database: Database, settings: Settings) -> Iterator[None]:
    """A worker beside the test."""
    running = Worker(database, settings, Progress(), embedder=Embedder(database))
    thread = Thread(target=running.run)
    thread.start()
    yield
    running.stopping.set()
    thread.join()


@pytest.mark.usefixtures("worker")
def test_a_write_that_waits_is_answered_when_its_vectors_are_stored(client: ConformingClient) -> None:
    created = client.put(f"/v1/products/A1{WAIT}", json={"title": "Red shirt"})
    assert (created.status_code, created.json["embedding"]) == (201, "embedded")
    assert client.get("/v1/products/A1/similar").status_code == 200
    edited = client.patch(f"/v1/products/A1{WAIT}", json={"title": "Blue shirt"})
    assert (edited.status_code, edited.json["embedding"]) == (200, "embedded")
    image = client.put(f"/v1/products/A1/images/0{WAIT}", data=a_picture(), content_type="image/png")
    assert (image.status_code, image.json["embedding"]) == (201, "embedded")
    assert client.delete(f"/v1/products/A1/images/0{WAIT}").status_code == 204
    assert client.get("/v1/products/A1").json["embedding"] == "embedded"
    items = [{"sku": "A2", "title": "Mug"}, {"sku": "A3", "title": ""}, {"sku": "A2", "title": "Green mug"}]
    many = client.post(f"/v1/products:bulk{WAIT}", json={"items": items})
    assert many.status_code == 200
    assert [item["embedding"] for item in many.json["items"]] == ["embedded", None, "embedded"]
    assert client.get("/v1/jobs").json["items"] == []


def test_a_write_whose_vectors_take_too_long_is_stored_and_says_so(client: ConformingClient) -> None:
    began = time.monotonic()
    created = client.put("/v1/products/A1?wait=embedded&timeout=0.3", json={"title": "Red shirt"})
    # Well under the 10 s that are waited by default.
    assert 0.3 <= time.monotonic() - began < 9
    assert (created.status_code, created.json["embedding"]) == (202, "pending")
    assert created.headers["Location"] == "/v1/products/A1"
    assert created.headers["Retry-After"]
    assert client.get("/v1/products/A1").json["title"] == "Red shirt"
    client.put("/v1/products/A1/image", data=a_picture(), content_type="image/png")
    gone = client.delete("/v1/products/A1/image?wait=embedded&timeout=0")
    assert (gone.status_code, gone.headers["Retry-After"]) == (202, "1")
    assert client.get("/v1/products/A1/images").json["items"] == []
    many = client.post("/v1/products:bulk?wait=embedded&timeout=0", json={"items": [{"sku": "A2", "title": "Mug"}]})
    assert (many.status_code, many.json["items"][0]["embedding"]) == (202, "pending")


def test_a_dead_job_ends_the_wait(client: ConformingClient, database: Database) -> None:
    client.put("/v1/products/A1", json={"title": "Red shirt"})
    with database.write() as connection:
        connection.execute("UPDATE shelfmate.embedding_jobs SET state = 'dead'")
    began = time.monotonic()
    again = client.put(f"/v1/products/A1{WAIT}", json={"title": "Red shirt"})
    assert (again.status_code, again.json["embedding"]) == (200, "failed")
    assert time.monotonic() - began < 50


def test_what_is_embedded_already_waits_for_nothing(client: ConformingClient, drain: Callable[[], int]) -> None:
    client.put("/v1/products/A1", json={"title": "Red shirt"})
    drain()
    priced = client.patch(f"/v1/products/A1{WAIT}", json={"price": 5})
    assert (priced.status_code, priced.json["embedding"]) == (200, "embedded")


@pytest.mark.parametrize("query", ["wait=yes", "timeout=3", "wait=embedded&timeout=61", "wait=embedded&timeout=nan"])
def test_a_wait_that_is_none_is_refused_and_nothing_is_stored(client: ConformingClient, query: str) -> None:
    assert client.put(f"/v1/products/A1?{query}", json={"title": "Red shirt"}).status_code == 400
    assert client.get("/v1/products/A1").status_code == 404


def test_no_more_than_half_of_the_threads_wait_and_the_next_is_answered_at_once(
    database: Database, settings: Settings, drain: Callable[[], int]
) -> None:
    app = create_app(database, Embedder(), settings.model_copy(update={"threads": 4}))

    def put(number: int) -> int:
        return app.test_client().put(f"/v1/products/A{number}{WAIT}", json={"title": f"Shirt {number}"}).status_code

    with ThreadPoolExecutor(6) as clients:
        answers = [clients.submit(put, number) for number in range(6)]
        eventually(lambda: sum(answer.done() for answer in answers) >= 4, 50)
        # Nobody has embedded anything yet: these were not waited for.
        assert [answer.result() for answer in answers if answer.done()] == [202] * 4
        drain()
    assert sorted(answer.result() for answer in answers) == [201] * 2 + [202] * 4


def test_bulk_writes_are_sent_back_while_the_queue_is_full_and_lose_nothing(
    database: Database, settings: Settings, drain: Callable[[], int]
) -> None:
    app = create_app(database, Embedder(), settings.model_copy(update={"max_queue": 5}))
    items = [{"sku": f"A{number}", "title": f"Shirt {number}"} for number in range(10)]
    with conforming_client(app) as client:
        assert client.post("/v1/products:bulk", json={"items": items[:5]}).status_code == 200
        refused = client.post("/v1/products:bulk", json={"items": items[5:]})
        assert (refused.status_code, refused.json["type"]) == (429, "/problems/queue-full")
        assert int(refused.headers["Retry-After"]) > 0
        # One by one they are still taken: a person's edit is never sent back.
        assert client.put("/v1/products/B1", json={"title": "Mug"}).status_code == 201
        assert [client.get(f"/v1/products/{item['sku']}").status_code for item in items] == [200] * 5 + [404] * 5
        drain()
        assert client.post("/v1/products:bulk", json={"items": items}).json["refused"] == 0
        assert client.get("/v1/products?limit=100").json["next_cursor"] is None
        assert len(client.get("/v1/products?limit=100").json["items"]) == 11


@pytest.mark.parametrize("active", [True, False])
def test_a_full_queue_is_one_of_the_active_space_whatever_filled_it(
    database: Database, settings: Settings, active: bool
) -> None:
    app = create_app(database, Embedder(), settings.model_copy(update={"max_queue": 101}))
    items = [{"sku": f"B{number}", "title": "Mug"} for number in range(101)]
    with conforming_client(app) as client:
        # So many at once are a backfill.
        assert client.post("/v1/products:bulk", json={"items": items}).status_code == 200
        if not active:
            with database.write() as connection:
                connection.execute(
                    "SELECT shelfmate.create_space('words', 'hashing:8', '2', '{title}', 8, 1, NULL, NULL, 0, 0)"
                )
                connection.execute("UPDATE shelfmate.embedding_jobs SET space_id = 2")
        assert client.post("/v1/products:bulk", json={"items": []}).status_code == (429 if active else 200)


@contextmanager
def locked(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Nobody reads or writes products for as long as this lasts."""
    with psycopg.connect(dsn) as connection:
        connection.execute("LOCK TABLE shelfmate.products")
        yield connection
        connection.rollback()


def test_a_statement_that_takes_too_long_is_answered_503(database: Database, settings: Settings) -> None:
    with Database(database.dsn, statement_timeout=0.2) as hurried, locked(database.dsn):
        with conforming_client(create_app(hurried, Embedder(), settings)) as client:
            answer = client.get("/v1/products/A1")
            assert (answer.status_code, answer.json["type"]) == (503, "/problems/took-too-long")
            assert "SHELFMATE_STATEMENT_TIMEOUT" in answer.json["detail"]
            assert answer.headers["Retry-After"]
        shop = create_app(hurried, Embedder(), settings).test_client()
        page = shop.get("/p/A1")
        assert page.status_code == 503
        assert "SHELFMATE_STATEMENT_TIMEOUT" in page.text
        assert "shelfmate_database_up 0.0" in shop.get("/metrics").text
    with Database(database.dsn, statement_timeout=60) as hurried:
        assert create_app(hurried, Embedder(), settings).test_client().get("/v1/products/A1").status_code == 404


def test_a_product_is_shown_though_its_view_cannot_be_stored_in_time(database: Database, settings: Settings) -> None:
    put_product(database, "A1", ProductData(title="Red shirt"))
    # Long enough for what the page itself asks on a machine that is busy.
    with Database(database.dsn, statement_timeout=4) as hurried, psycopg.connect(database.dsn) as writer:
        shop = create_app(hurried, Embedder(), settings).test_client()
        shop.get("/")  # gives the visitor its cookie
        writer.execute("LOCK TABLE shelfmate.events IN SHARE MODE")
        assert shop.get("/p/A1").status_code == 200
        writer.rollback()
