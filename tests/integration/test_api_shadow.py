"""Questions to a shadow space over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from api_fixtures import ConformingClient, app, client
from shadow_fixtures import building_space, shadow_space

from backend.database.connection import Database

__all__ = ["app", "client"]

ASKED: list[Callable[[ConformingClient, str], Any]] = [
    lambda client, space: client.get(f"/v1/products/A1/similar?space={space}"),
    lambda client, space: client.post("/v1/recommendations", json={"like": [{"sku": "A1"}], "space": space}),
    lambda client, space: client.post("/v1/recommendations", json={"like": [{"text": "mug"}], "space": space}),
    lambda client, space: client.post("/v1/search", json={"text": "linen shirt", "space": space}),
]


@pytest.fixture(autouse=True)
def catalogue(client: ConformingClient, drain: Callable[[], int]) -> None:
    items = [
        {"sku": f"A{n}", "title": f"{colour} linen shirt"} for n, colour in enumerate(("red", "blue", "green", "white"))
    ]
    client.post("/v1/products:bulk", json={"items": items})
    drain()


def test_every_question_can_be_asked_of_a_shadow_and_says_who_answered(
    client: ConformingClient, database: Database, drain: Callable[[], int], subtests: pytest.Subtests
) -> None:
    shadow_space(database, drain, "next")
    for place, ask in enumerate(ASKED):
        with subtests.test(place=place):
            answer = ask(client, "next")
            assert (answer.status_code, answer.json["space"]) == (200, "next")
            assert answer.json["items"]
            assert ask(client, "default").json["space"] == "default"


def test_a_space_that_cannot_answer_is_refused_with_the_remedy(
    client: ConformingClient, database: Database, subtests: pytest.Subtests
) -> None:
    building_space(database, "next")
    building_space(database, "former")
    with database.write() as connection:
        connection.execute("SELECT shelfmate.retire_space('former')")
    for place, ask in enumerate(ASKED):
        with subtests.test(place=place):
            unknown = ask(client, "absent")
            assert (unknown.status_code, unknown.json["errors"][0]["field"]) == (400, "space")
            assert "default" in unknown.json["detail"]
            early = ask(client, "next")
            assert (early.status_code, early.json["type"]) == (409, "/problems/not-ready")
            assert "/v1/spaces/next" in early.json["detail"]
            assert early.headers["Retry-After"]
            retired = ask(client, "former")
            assert (retired.status_code, retired.json["errors"][0]["field"]) == (409, "space")
            assert "/v1/spaces/former:resume" in retired.json["detail"]


def test_a_batch_answers_each_query_of_its_own_space(
    client: ConformingClient, database: Database, drain: Callable[[], int]
) -> None:
    shadow_space(database, drain, "next")
    queries = [
        {"like": [{"text": "shirt"}]} | ({"space": name} if name else {}) for name in ("", "next", "absent", "next")
    ]
    items = client.post("/v1/recommendations:batch", json={"items": queries}).json["items"]
    assert [item["recommendation"] and item["recommendation"]["space"] for item in items] == [
        "default",
        "next",
        None,
        "next",
    ]
    assert items[2]["problem"]["errors"][0]["field"] == "space"


def test_pages_of_a_shadow_s_list_stay_in_the_shadow(
    client: ConformingClient, database: Database, drain: Callable[[], int]
) -> None:
    shadow_space(database, drain, "next")
    first = client.get("/v1/products/A1/similar?space=next&k=1").json
    second = client.get(f"/v1/products/A1/similar?k=1&cursor={first['next_cursor']}").json
    assert (first["space"], second["space"]) == ("next", "next")
