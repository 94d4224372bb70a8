"""Ranking rules over HTTP."""

from typing import Any

import pytest
from api_fixtures import ConformingClient, app, client

__all__ = ["app", "client"]

FILTER = {"all": [{"field": "category", "under": "Clothes"}, {"field": "price", "lt": 50}]}
BOOST: dict[str, Any] = {"name": "cheap-clothes", "action": "boost", "filter": FILTER, "amount": 0.2}
PIN = {"action": "pin", "sku": "A1", "position": 2, "placement": "home"}


@pytest.fixture(autouse=True)
def product(client: ConformingClient) -> None:
    client.put("/v1/products/A1", json={"title": "Red shirt", "category": "Clothes", "price": 20})


def test_a_rule_is_created_read_replaced_and_deleted(client: ConformingClient) -> None:
    created = client.post(
        "/v1/rules", json={**BOOST, "starts_at": "2024-05-01T12:00:00+02:00", "ends_at": "2024-06-01T00:00:00Z"}
    )
    assert (created.status_code, created.headers["Location"]) == (201, "/v1/rules/cheap-clothes")
    times = {name: created.json[name] for name in ("created_at", "updated_at")}
    assert created.json == times | {
        "name": "cheap-clothes",
        "action": "boost",
        "filter": FILTER,
        "amount": 0.2,
        "sku": None,
        "position": None,
        "placement": None,
        "starts_at": "2024-05-01T10:00:00Z",
        "ends_at": "2024-06-01T00:00:00Z",
        "enabled": True,
        "note": "",
        "state": "ended",
        "missing": [],
    }
    assert client.get("/v1/rules/cheap-clothes").json == created.json
    replaced = client.put("/v1/rules/cheap-clothes", json=PIN)
    assert (replaced.status_code, replaced.json["action"], replaced.json["filter"]) == (200, "pin", None)
    assert client.put("/v1/rules/other", json={**BOOST, "name": "other"}).status_code == 201
    assert client.delete("/v1/rules/cheap-clothes").status_code == 204
    assert [rule["name"] for rule in client.get("/v1/rules").json["items"]] == ["other"]


def test_rules_are_listed_by_state_and_placement(client: ConformingClient) -> None:
    client.put("/v1/rules/all", json=BOOST | {"name": "all"})
    client.put("/v1/rules/home", json=PIN)
    client.put("/v1/rules/cart", json=PIN | {"placement": "cart", "enabled": False})

    def names(query: str) -> list[str]:
        return [rule["name"] for rule in client.get(f"/v1/rules{query}").json["items"]]

    assert names("") == ["all", "home", "cart"]
    assert names("?state=active") == ["all", "home"]
    assert names("?placement=cart") == ["all", "cart"]
    assert names("?placement=cart&state=active") == ["all"]
    assert client.get("/v1/rules?state=gone").status_code == 400


def test_a_name_is_taken_once(client: ConformingClient) -> None:
    assert client.post("/v1/rules", json=BOOST).status_code == 201
    again = client.post("/v1/rules", json=BOOST)
    assert (again.status_code, again.json["detail"]) == (409, "a rule named cheap-clothes exists already")


def test_a_rule_that_is_not_there_is_a_404(client: ConformingClient) -> None:
    for answer in (client.get("/v1/rules/none"), client.delete("/v1/rules/none")):
        assert (answer.status_code, answer.json["detail"]) == (404, "no rule named none")


def test_what_does_not_fit_is_refused_by_field(client: ConformingClient, subtests: pytest.Subtests) -> None:
    for changes, field in [
        ({"name": None}, "name"),
        ({"name": "Big Sale"}, "name"),
        ({"action": "promote"}, "action"),
        ({"amount": None}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": 2}, "amount"),
        ({"amount": "0.2"}, "amount"),
        ({"filter": None}, "filter"),
        ({"filter": []}, "filter"),
        ({"filter": {"field": "colour", "eq": "red"}}, "filter.field"),
        ({"filter": {"field": "category", "under": "Gone"}}, "filter.under"),
        ({"filter": {"field": "brand", "eq": "\0"}}, "filter.eq"),
        ({"sku": "A1"}, "sku"),
        ({"position": 1}, "position"),
        ({"placement": ""}, "placement"),
        ({"starts_at": "2024-05-01T12:00:00"}, "starts_at"),
        ({"starts_at": "2024"}, "starts_at"),
        ({"ends_at": "1714564800.5"}, "ends_at"),
        ({"starts_at": "2024-05-01T12:00:00Z", "ends_at": "2024-05-01T12:00:00Z"}, "ends_at"),
        ({"note": "x" * 2001}, "note"),
        ({"colour": "red"}, "colour"),
    ]:
        with subtests.test(changes=changes):
            answer = client.post("/v1/rules", json=BOOST | changes)
            assert answer.status_code == 400
            assert [error["field"] for error in answer.json["errors"]] == [field]
    answer = client.put("/v1/rules/a", json=BOOST)
    assert answer.json["errors"] == [{"field": "name", "message": "is cheap-clothes, but the path says a"}]
    answer = client.put("/v1/rules/pin", json={**PIN, "sku": "gone"})
    assert answer.json["errors"] == [{"field": "sku", "message": "no product with sku gone"}]
    assert client.get("/v1/rules").json == {"items": []}
