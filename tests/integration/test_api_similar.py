"""What is like a product, over HTTP: the answers of the SQL functions, their filters and refusals."""

from collections.abc import Callable
from threading import Thread

import pytest
from api_fixtures import ConformingClient, a_picture, app, client, conforming_client
from flask import Flask

from backend.database.connection import Database

__all__ = ["app", "client"]

WORDS = ("red", "blue", "linen", "cotton", "shirt", "shoe", "bag")


@pytest.fixture
def catalogue(client: ConformingClient, drain: Callable[[], int]) -> None:
    items = [
        {
            "sku": f"P{n}",
            "title": f"{WORDS[n % 2]} {WORDS[2 + n % 2]} {WORDS[4 + n % 3]} {n}",
            "category": f"C{n % 2}/D{n % 3}",
            "price": n,
            "in_stock": n % 4 != 0,
        }
        for n in range(30)
    ]
    assert client.post("/v1/products:bulk", json={"items": items}).json["refused"] == 0
    for n in range(0, 30, 3):
        client.put(f"/v1/products/P{n}/image", data=a_picture(f"#{n * 8:02x}4080"), content_type="image/png")
    drain()


@pytest.mark.usefixtures("catalogue")
def test_the_answer_is_that_of_the_sql_function(client: ConformingClient, database: Database) -> None:
    for query, arguments in (
        ("", ""),
        ("?k=7&exact=true", ", 7, exact => true"),
        ("?w_text=1&k=5", ", 5, w_text => 1"),
        (
            "?w_text=0.2&w_image=0.8&category=C1&in_stock=true",
            ", category => 'C1', in_stock => true, w_text => 0.2, w_image => 0.8",
        ),
        ("?price_min=3&price_max=12.5&k=1000", ", 1000, price_min => 3, price_max => 12.5"),
        ("?space=default", ", space => 'default'"),
    ):
        answer = client.get(f"/v1/products/P3/similar{query}").json
        with database.read() as connection:
            expected = connection.execute(f"SELECT sku, score FROM similar_products('P3'{arguments})").fetchall()
        assert expected
        assert [(item["sku"], item["score"]) for item in answer["items"]] == expected
        assert (answer["source"], answer["space"]) == ("similar", "default")
        assert answer["search"] == {"mode": "exact", "complete": True}


@pytest.mark.usefixtures("catalogue")
def test_contributions_add_up_to_the_score(client: ConformingClient) -> None:
    for query in ("", "?w_text=0.3&w_image=0.7", "?w_image=2"):
        for item in client.get(f"/v1/products/P3/similar{query}").json["items"]:
            assert sum(item["contributions"].values()) == pytest.approx(item["score"], abs=2e-3)


@pytest.mark.usefixtures("catalogue")
def test_filters_hold_and_all_that_match_come(client: ConformingClient) -> None:
    def found(query: str) -> set[str]:
        return {item["sku"] for item in client.get(f"/v1/products/P3/similar?k=100&{query}").json["items"]}

    others = set(range(30)) - {3}
    assert found("category=C1") == {f"P{n}" for n in others if n % 2 == 1}
    assert found("category=C1/D0") == {f"P{n}" for n in others if n % 6 == 3}
    assert found("price_min=10&price_max=12") == {"P10", "P11", "P12"}
    assert found("in_stock=false") == {f"P{n}" for n in others if n % 4 == 0}
    assert found("price_min=1000") == set()


@pytest.mark.usefixtures("catalogue")
def test_parameters_that_do_not_fit_are_refused(client: ConformingClient, subtests: pytest.Subtests) -> None:
    for query, field in (
        ("k=0", "k"),
        ("k=1001", "k"),
        ("k=ten", "k"),
        ("k=5&k=6", "k"),
        ("category=C9", "category"),
        ("category=C", "category"),
        ("category=%00", "category"),
        ("price_min=NaN", "price_min"),
        ("price_min=-1", "price_min"),
        ("price_min=5&price_max=4", "price_min"),
        ("in_stock=maybe", "in_stock"),
        ("w_text=-1", "w_text"),
        ("w_text=nan", "w_text"),
        ("w_text=inf", "w_text"),
        ("w_text=0&w_image=0", "weights"),
        ("exact=perhaps", "exact"),
        ("space=nowhere", "space"),
        ("limit=5", "limit"),
        ("K=5", "K"),
    ):
        with subtests.test(query=query):
            response = client.get(f"/v1/products/P3/similar?{query}")
            assert response.status_code == 400
            assert [error["field"] for error in response.json["errors"]] == [field]
            # Nobody who asked by parameters knows of a filter.
            assert "filter" not in response.json["detail"]


def test_an_unknown_pending_or_failed_product_says_so(
    client: ConformingClient, database: Database, drain: Callable[[], int]
) -> None:
    assert client.get("/v1/products/A1/similar").json["type"] == "/problems/not-found"
    client.put("/v1/products/A1", json={"title": "Red shirt"})
    pending = client.get("/v1/products/A1/similar")
    assert (pending.status_code, pending.json["type"]) == (409, "/problems/embedding-pending")
    assert int(pending.headers["Retry-After"]) >= 1
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET state = 'dead', last_error = 'broken picture'")
    failed = client.get("/v1/products/A1/similar")
    assert (failed.status_code, failed.json["type"]) == (409, "/problems/embedding-failed")
    assert "Retry-After" not in failed.headers
    assert "broken picture" in failed.json["detail"]
    assert client.post("/v1/jobs:retry", json={"sku": "A1"}).json == {"retried": 1}
    drain()
    assert client.get("/v1/products/A1/similar").json["items"] == []


def test_the_queue_is_shown_and_the_dead_retried(client: ConformingClient, database: Database) -> None:
    for sku in ("A1", "A2", "A3"):
        client.put(f"/v1/products/{sku}", json={"title": sku})
    with database.write() as connection:
        connection.execute(
            "UPDATE embedding_jobs j SET state = 'dead', attempts = 5, last_error = 'broken' "
            "FROM products p WHERE p.id = j.product_id AND p.sku <> 'A1'"
        )
    jobs = client.get("/v1/jobs").json
    assert {name: jobs["counts"][name] for name in ("queued", "leased", "dead")} == {
        "queued": 1,
        "leased": 0,
        "dead": 2,
    }
    assert [(item["sku"], item["state"]) for item in jobs["items"]] == [
        ("A2", "dead"),
        ("A3", "dead"),
        ("A1", "queued"),
    ]
    assert [item["last_error"] for item in client.get("/v1/jobs?sku=A2").json["items"]] == ["broken"]
    assert len(client.get("/v1/jobs?state=dead&limit=1").json["items"]) == 1
    assert client.get("/v1/jobs?state=finished").status_code == 400
    assert client.post("/v1/jobs:retry", json={"sku": "A2"}).json == {"retried": 1}
    assert client.post("/v1/jobs:retry", json={"all": True}).status_code == 400
    assert client.post("/v1/jobs:retry", json={"sku": "nobody"}).status_code == 404
    assert client.post("/v1/jobs:retry").json == {"retried": 1}
    assert client.get("/v1/jobs").json["counts"]["queued"] == 3


@pytest.mark.usefixtures("catalogue")
def test_mixed_requests_from_eight_threads_are_all_answered(app: Flask, database: Database) -> None:
    answers: list[tuple[str, int]] = []

    def shared(number: int, turn: int) -> list[dict[str, str]]:
        return [{"sku": f"B{n * 3**number % 10}", "title": f"{number} {turn}"} for n in range(10)]

    def shop(number: int) -> None:
        own, client = f"T{number}", conforming_client(app)
        for turn in range(6):
            requests = {
                "put": client.put(f"/v1/products/{own}", json={"title": f"{own} {turn}", "category": f"T/{turn}"}),
                "shared": client.put("/v1/products/shared", json={"title": f"{own} {turn}"}),
                "get": client.get(f"/v1/products/{own}"),
                "bulk": client.post(
                    "/v1/products:bulk",
                    json={"items": [{"sku": f"B{n * 3**number % 10}", "title": f"{own}{turn}"} for n in range(10)]},
                ),
                "similar": client.get(f"/v1/products/P{number}/similar?k=5"),
                "patch": client.patch("/v1/products/P1", json={"price": number}),
                "image": client.put(f"/v1/products/{own}/image", data=a_picture(), content_type="image/png"),
                "review": client.post("/v1/products/P1/reviews", json={"rating": 5, "title": f"{own} {turn}"}),
                "list": client.get("/v1/products?limit=10&category=C1"),
                "metrics": client.get("/metrics"),
            }
            answers.extend((name, response.status_code) for name, response in requests.items())
            assert requests["get"].json["title"] == f"{own} {turn}"

    threads = [Thread(target=shop, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 * 6 * 10
    assert {answer for answer in answers if answer[1] not in {200, 201}} == set()
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (48,)
