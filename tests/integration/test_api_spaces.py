"""The life of embedding spaces over HTTP."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from api_fixtures import ConformingClient, app, client

from backend.database.connection import Database
from backend.spaces.models import SpaceModel, store_models

__all__ = ["app", "client"]

PARTS = {"text": "hashing:32", "image": "hashing:32"}
CREATE = {"name": "next", **PARTS, "weights": {"text": 3, "image": 1}}


@pytest.fixture(autouse=True)
def catalogue(client: ConformingClient, drain: Callable[[], int]) -> None:
    items = [{"sku": f"A{n}", "title": f"shirt {n}", "category": "Shirts"} for n in range(6)]
    client.post("/v1/products:bulk", json={"items": items})
    drain()


def states(client: ConformingClient) -> dict[str, str]:
    return {item["name"]: item["state"] for item in client.get("/v1/spaces").json["items"]}


def test_a_space_is_made_filled_activated_and_rolled_back(client: ConformingClient, drain: Callable[[], int]) -> None:
    created = client.post("/v1/spaces", json=CREATE)
    assert (created.status_code, created.headers["Location"]) == (201, "/v1/spaces/next")
    assert (created.json["state"], created.json["stage"]) == ("building", "filling")
    assert created.json["weights"] == {"text": 0.75, "image": 0.25, "reviews": 0}
    assert created.json["dimensions"] == {"text": 32, "image": 32, "reviews": 0}
    early = client.post("/v1/spaces/next:activate")
    assert (early.status_code, early.json["type"]) == (409, "/problems/conflict")
    assert early.json["errors"][0]["field"] == "space"
    assert "still being filled: wait for it" in early.json["detail"]
    drain()
    filled = client.get("/v1/spaces/next").json
    assert (filled["state"], filled["stage"], filled["fill"]["embedded"], filled["fill"]["share"]) == (
        "shadow",
        "ready",
        6,
        1,
    )
    assert filled["bytes"] > 0
    active = client.post("/v1/spaces/next:activate")
    assert (active.json["state"], active.json["previous"]) == ("active", "default")
    assert states(client) == {"default": "shadow", "next": "active"}
    assert client.get("/v1/products/A1/similar").json["space"] == "next"
    back = client.post("/v1/spaces:rollback")
    assert (back.status_code, back.json["name"], back.json["state"]) == (200, "default", "active")
    assert client.get("/v1/products/A1/similar").json["space"] == "default"


def test_a_retired_space_is_resumed_and_dropped_but_never_the_active_one(
    client: ConformingClient, drain: Callable[[], int]
) -> None:
    client.post("/v1/spaces", json=CREATE)
    drain()
    assert client.post("/v1/spaces/next:retire").json["state"] == "retired"
    client.put("/v1/products/B1", json={"title": "mug"})
    drain()
    assert client.post("/v1/spaces/next:activate").status_code == 409
    assert client.post("/v1/spaces/next:resume").json["state"] == "building"
    drain()
    assert client.get("/v1/spaces/next").json["fill"]["embedded"] == 7
    again = client.post("/v1/spaces/next:resume")
    assert (again.status_code, again.json["errors"][0]["field"]) == (409, "space")
    for refused in (client.delete("/v1/spaces/default"), client.post("/v1/spaces/default:retire")):
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (409, "space")
        assert "activate another" in refused.json["detail"]
    assert client.delete("/v1/spaces/next").status_code == 204
    assert client.get("/v1/spaces/next").status_code == 404
    assert states(client) == {"default": "active"}


def test_nothing_to_roll_back_to_and_unknown_spaces_are_said(client: ConformingClient) -> None:
    none = client.post("/v1/spaces:rollback")
    assert (none.status_code, none.json["errors"][0]["field"]) == (409, "space")
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", ":activate"),
        ("POST", ":retire"),
        ("POST", ":resume"),
        ("GET", "/comparison?with=default"),
    ):
        answer = client.open(f"/v1/spaces/absent{path}", method=method)
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found"), path


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({}, "name"),
    ({"name": "Next!", **PARTS}, "name"),
    ({"name": "next", "recipe": "nothing"}, "recipe"),
    ({"name": "next", "kind": "plain"}, "kind"),
    ({"name": "next", "text": "none", "image": "none"}, "text"),
    ({"name": "next", "text": 5}, "text"),
    ({"name": "next", **PARTS, "projections": {"text": "shrink"}}, "projections"),
    ({"name": "next", "text": "hashing:32", "projections": {"image": "pca"}}, "projections"),
    ({"name": "next", **PARTS, "weights": {"text": 0, "image": 1}}, "weights.text"),
    ({"name": "next", **PARTS, "weights": {"text": "1", "image": 1}}, "weights.text"),
    ({"name": "next", **PARTS, "text_inputs": ["colour"]}, "text_inputs"),
    ({"name": "next", **PARTS, "kernel": "round"}, "kernel"),
    ({"name": "next", "text": "hashing:4000", "image": "hashing:32"}, "projections"),
]


def test_a_recipe_that_does_not_fit_is_named(client: ConformingClient, subtests: pytest.Subtests) -> None:
    for body, field in MISFITS:
        with subtests.test(body=body):
            refused = client.post("/v1/spaces", json=body)
            assert refused.status_code == 400, refused.text
            assert field in [error["field"] for error in refused.json["errors"]]
    assert states(client) == {"default": "active"}


def test_an_unknown_encoder_is_refused_with_those_there_are(client: ConformingClient) -> None:
    refused = client.post("/v1/spaces", json={"name": "next", "text": "word2vec"})
    assert refused.status_code == 400
    assert refused.json["errors"][0]["field"] == "text"
    assert "minilm" in refused.json["detail"]


def test_a_name_is_given_once(client: ConformingClient) -> None:
    taken = client.post("/v1/spaces", json={"name": "default", **PARTS})
    assert (taken.status_code, taken.json["errors"][0]["field"]) == (409, "name")
    asked = client.post("/v1/spaces", json=CREATE | {"projections": {"text": "pca:16"}})
    assert asked.status_code == 202
    for body in (CREATE, CREATE | {"projections": {"text": "pca:16"}}):
        again = client.post("/v1/spaces", json=body)
        assert (again.status_code, again.json["errors"][0]["field"]) == (409, "name")


def test_what_has_to_be_fitted_first_is_a_plan_that_can_be_given_up(
    client: ConformingClient, database: Database
) -> None:
    asked = client.post("/v1/spaces", json=CREATE | {"projections": {"text": "pca:16"}})
    assert (asked.status_code, asked.headers["Location"]) == (202, "/v1/spaces/next")
    assert (asked.json["state"], asked.json["recipe"]["text_projection"]) == ("waiting", "pca:16")
    listed = client.get("/v1/spaces").json
    assert ([plan["name"] for plan in listed["plans"]], len(listed["items"])) == (["next"], 1)
    shown = client.get("/v1/spaces/next")
    assert (shown.status_code, shown.json) == (202, asked.json)
    with database.write() as connection:
        connection.execute("UPDATE shelfmate.space_plans SET state = 'fitting', progress = 'reading titles'")
    assert client.delete("/v1/spaces/next").status_code == 409
    with database.write() as connection:
        connection.execute("UPDATE shelfmate.space_plans SET state = 'failed', error = 'too few products'")
    assert client.get("/v1/spaces/next").json["error"] == "too few products"
    assert client.post("/v1/spaces", json=CREATE | {"projections": {"text": "pca:8"}}).json["state"] == "waiting"
    assert client.delete("/v1/spaces/next").status_code == 204
    assert client.get("/v1/spaces/next").status_code == 404


def test_a_space_shows_what_was_fitted_for_it(client: ConformingClient, database: Database) -> None:
    with database.write() as connection:
        report = {"products": 6, "explained": 0.93}
        store_models(connection, 1, [SpaceModel("text", "projection", "pca", b"12345678", 128, 64, report)])
    (model,) = client.get("/v1/spaces/default").json["models"]
    assert (model["method"], model["bytes"], model["report"]) == ("pca", 8, report)


def test_two_spaces_are_compared_one_comparison_at_a_time(
    client: ConformingClient, database: Database, drain: Callable[[], int]
) -> None:
    client.post("/v1/spaces", json=CREATE)
    drain()
    found = client.get("/v1/spaces/default/comparison?with=next&sample=5&k=3")
    assert found.status_code == 200
    assert found.json["head"][1:3] == ["default", "next"]
    assert found.json["comparison"]["sample"] == 5
    assert client.get("/v1/spaces/default/comparison").status_code == 400
    assert client.get("/v1/spaces/default/comparison?with=next&sample=9999").json["errors"][0]["field"] == "sample"
    same = client.get("/v1/spaces/default/comparison?with=default")
    assert (same.status_code, same.json["errors"][0]["field"]) == (400, "with")
    with psycopg.connect(database.dsn) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('shelfmate.comparing'))")
        busy = client.get("/v1/spaces/default/comparison?with=next")
        assert (busy.status_code, busy.headers["Retry-After"]) == (409, "5")
