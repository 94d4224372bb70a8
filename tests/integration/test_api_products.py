"""Products over HTTP: every method, every refusal."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from api_fixtures import PROBLEM, ConformingClient, app, client

from backend.database.connection import Database

__all__ = ["app", "client"]

SHIRT = {
    "title": "Red linen shirt",
    "description": "Cool in summer",
    "brand": "Nord",
    "category": "Apparel/Topwear/Shirts",
    "price": 19.99,
    "currency": "EUR",
    "in_stock": False,
    "variant_group": "linen",
    "attributes": {"season": "Summer", "sizes": ["S", 38, 1.5, True, None]},
}


def test_put_creates_then_replaces(client: ConformingClient) -> None:
    created = client.put("/v1/products/A1", json=SHIRT)
    assert (created.status_code, created.headers["Location"]) == (201, "/v1/products/A1")
    assert created.json == client.get("/v1/products/A1").json
    assert {name: created.json[name] for name in SHIRT} == SHIRT
    assert (created.json["embedding"], created.json["image"]) == ("pending", None)
    replaced = client.put("/v1/products/A1", json={"sku": "A1", "title": "Plain"})
    assert replaced.status_code == 200
    assert "Location" not in replaced.headers
    assert (replaced.json["brand"], replaced.json["in_stock"], replaced.json["attributes"]) == (None, True, {})


def test_a_sku_of_any_characters_is_reached_by_its_location(client: ConformingClient) -> None:
    created = client.put("/v1/products/é%20%3F%23%25%26:ü", json=SHIRT)
    assert created.json["sku"] == "é ?#%&:ü"
    assert client.get(created.headers["Location"]).json["sku"] == "é ?#%&:ü"


def test_times_are_utc_whatever_the_session_says(client: ConformingClient, database: Database) -> None:
    client.put("/v1/products/A1", json=SHIRT)
    with database.write() as connection:
        connection.execute("SET TIME ZONE 'Asia/Kolkata'")
        stored = client.get("/v1/products/A1").json["created_at"]
    assert stored.endswith("Z")
    assert datetime.fromisoformat(stored).utcoffset() == timedelta(0)


def test_a_price_that_is_no_number_in_the_table_is_null(client: ConformingClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute("ALTER TABLE products DROP CONSTRAINT products_price_check")
        connection.execute("INSERT INTO products (sku, title, price) VALUES ('A1', 'Odd', 'NaN')")
    assert client.get("/v1/products/A1").json["price"] is None
    assert len(client.get("/v1/products").json["items"]) == 1


def test_nul_in_a_path_is_refused_everywhere(client: ConformingClient) -> None:
    for path in ("", "/similar", "/image", "/reviews"):
        response = client.get(f"/v1/products/a%00b{path}")
        assert (response.status_code, response.json["errors"][0]["field"]) == (400, "sku")


def test_patch_merges(client: ConformingClient) -> None:
    client.put("/v1/products/A1", json=SHIRT)
    patch = {"price": None, "title": "Blue linen shirt", "attributes": {"season": None, "fit": "slim"}}
    patched = client.patch("/v1/products/A1", data=json.dumps(patch), content_type="application/merge-patch+json")
    assert patched.status_code == 200
    assert {name: patched.json[name] for name in SHIRT} == {
        **SHIRT,
        "price": None,
        "title": "Blue linen shirt",
        "attributes": {"sizes": SHIRT["attributes"]["sizes"], "fit": "slim"},
    }
    assert client.patch("/v1/products/A1", json={}).json == patched.json


def test_delete_is_gone_for_every_method(client: ConformingClient) -> None:
    client.put("/v1/products/A1", json=SHIRT)
    assert client.delete("/v1/products/A1").status_code == 204
    for request in (client.get, client.delete):
        assert request("/v1/products/A1").json["type"] == "/problems/not-found"
    assert client.patch("/v1/products/A1", json={"title": "x"}).status_code == 404


def test_what_does_not_fit_is_refused_by_field(client: ConformingClient, subtests: pytest.Subtests) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"title": "  "}, "title"),
        ({"title": 5}, "title"),
        ({"title": "nul \0"}, "title"),
        ({"price": "19.99"}, "price"),
        ({"price": True}, "price"),
        ({"price": -1}, "price"),
        ({"price": 1.999}, "price"),
        ({"price": 1e12}, "price"),
        ({"currency": "euro"}, "currency"),
        ({"in_stock": "yes"}, "in_stock"),
        ({"category": "A//B"}, "category"),
        ({"category": "A/" + "\u4e00" * 999}, "category"),
        ({"brand": "b" * 601}, "brand"),
        ({"attributes": [1]}, "attributes"),
        ({"attributes": {"a": {"b": ["nul \0"]}}}, "attributes"),
        ({"attributes": {"nul \0": 1}}, "attributes"),
        ({"sku": "A2"}, "sku"),
        ({"colour": "red"}, "colour"),
    ]
    client.put("/v1/products/old", json=SHIRT)
    for changes, field in cases:
        for method, path in ((client.put, "new"), (client.patch, "old")):
            with subtests.test(changes=changes, path=path):
                response = method(f"/v1/products/{path}", json={**SHIRT, **changes} if path == "new" else changes)
                assert (response.status_code, response.mimetype) == (400, PROBLEM)
                assert response.json["type"] == "/problems/invalid-input"
                assert [error["field"].split(".")[0] for error in response.json["errors"]] == [field]
                assert field in response.json["detail"]
    assert [item["sku"] for item in client.get("/v1/products").json["items"]] == ["old"]
    assert {name: client.get("/v1/products/old").json[name] for name in SHIRT} == SHIRT


def test_a_sku_that_does_not_fit_is_refused(client: ConformingClient) -> None:
    for sku in ("x" * 201, "%20x", "%09", "%00"):
        assert client.put(f"/v1/products/{sku}", json=SHIRT).status_code == 400


def test_an_unknown_field_is_answered_with_the_known_ones(client: ConformingClient) -> None:
    detail = client.put("/v1/products/A1", json={"titel": "x"}).json["detail"]
    assert "titel: unknown" in detail
    assert "variant_group" in detail
    assert "title: is required" in detail


def test_a_body_that_is_no_json_object_is_refused(client: ConformingClient, subtests: pytest.Subtests) -> None:
    deep = b'{"title": "x", "attributes": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    bodies = [b"", b"{", b'{"title"', b"[1]", b"5", b'"x"', b"null", b"\xff\xfe", deep]
    bodies += [b'{"title": "x", "price": %s}' % number for number in (b"NaN", b"Infinity", b"1e999", b"9" * 5000)]
    bodies += [b'{"title": "x", "attributes": {"a": %s}}' % value for value in (b"NaN", b"-Infinity", b'"\\ud800"')]
    for body in bodies:
        with subtests.test(body=body[:60]):
            response = client.put("/v1/products/A1", data=body, content_type="application/json")
            assert (response.status_code, response.mimetype) == (400, PROBLEM)
    assert client.get("/v1/products/A1").status_code == 404


def test_a_body_of_another_type_is_answered_415(client: ConformingClient) -> None:
    for content_type in (None, "text/plain", "application/x-www-form-urlencoded"):
        response = client.put("/v1/products/A1", data=b'{"title": "x"}', content_type=content_type)
        assert (response.status_code, response.json["type"]) == (415, "/problems/unsupported-media-type")
        assert "application/json" in response.json["detail"]


def test_list_pages_through_everything_once(client: ConformingClient) -> None:
    client.post("/v1/products:bulk", json={"items": [{**SHIRT, "sku": f"P{n}"} for n in range(7)]})
    seen: list[str] = []
    page = client.get("/v1/products?limit=3").json
    while True:
        seen += [item["sku"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        page = client.get("/v1/products", query_string={"limit": 3, "cursor": page["next_cursor"]}).json
    assert seen == [f"P{n}" for n in range(7)]


def test_list_takes_the_subtree_of_a_category(client: ConformingClient) -> None:
    for sku, category in (("1", "A/B"), ("2", "A/B/C"), ("3", "A/Bx"), ("4", None)):
        client.put(f"/v1/products/{sku}", json={"title": "x", "category": category})
    assert [item["sku"] for item in client.get("/v1/products?category=A/B").json["items"]] == ["1", "2"]


def test_list_refuses_what_it_does_not_know(client: ConformingClient, subtests: pytest.Subtests) -> None:
    cases = [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("category=Nowhere", "category"),
        ("category=%00", "category"),
        ("cursor=abc", "cursor"),
        ("page=2", "page"),
    ]
    for query, field in cases:
        with subtests.test(query=query):
            response = client.get(f"/v1/products?{query}")
            assert response.status_code == 400
            assert response.json["errors"][0]["field"] == field


def test_bulk_has_a_result_for_each_item(client: ConformingClient, drain: Callable[[], int]) -> None:
    client.put("/v1/products/old", json=SHIRT)
    items: list[Any] = [{**SHIRT, "sku": f"N{n}"} for n in range(6)]
    items[1] = {**SHIRT, "sku": "N1", "price": "free", "size": 5}
    items[2] = {**SHIRT, "sku": "bad/sku"}
    items[3] = {**SHIRT}
    items[4] = 5
    response = client.post("/v1/products:bulk", json={"items": [*items, {**SHIRT, "sku": "old"}]})
    assert response.status_code == 200
    results = response.json["items"]
    assert [(result["sku"], result["status"]) for result in results] == [
        ("N0", "created"),
        ("N1", "refused"),
        ("bad/sku", "refused"),
        (None, "refused"),
        (None, "refused"),
        ("N5", "created"),
        ("old", "unchanged"),
    ]
    assert response.json["refused"] == 4
    assert [error["field"] for error in results[1]["problem"]["errors"]] == ["price", "size"]
    assert results[2]["problem"]["errors"][0]["field"] == "sku"
    assert results[3]["problem"]["errors"] == [{"field": "sku", "message": "is required"}]
    assert client.get("/v1/products/N0").json["price"] == 19.99
    assert drain() == 3


def test_bulk_itself_is_refused_when_it_is_no_list_or_too_long(client: ConformingClient) -> None:
    assert client.post("/v1/products:bulk", json={"items": {}}).status_code == 400
    assert client.post("/v1/products:bulk", json=[SHIRT]).status_code == 400
    assert client.post("/v1/products:bulk", json={"items": [{}] * 1001}).status_code == 400
    assert client.post("/v1/products:bulk", json={"items": []}).json == {"items": [], "refused": 0}
