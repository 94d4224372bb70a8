"""Like these and unlike those, over HTTP: the answers of the SQL function, examples of every kind, refusals."""

from typing import Any

import numpy as np
import pytest
from api_fixtures import conforming_client
from numpy.typing import NDArray
from recommendation_fixtures import Json, Shop, in_base64, shop, skus_of
from small_catalogue import draw

from backend.api.recommendation_types import RecommendationAnswer
from backend.app import create_app
from backend.spaces.embedder import Embedder
from backend.spaces.space import Space, active_space

__all__ = ["shop"]

LIKE = {"like": [{"sku": "SKU-003"}]}
LIKES = {"like": [{"sku": "SKU-003"}, {"sku": "SKU-010", "weight": 2}], "unlike": [{"sku": "SKU-020"}]}

QUERIES: list[Json] = [
    LIKE,
    LIKES,
    LIKES | {"strategy": "best_score", "k": 20},
    LIKES | {"weights": {"text": 0.2, "image": 0.8}},
    LIKE | {"weights": {"image": 3}},
    LIKE | {"filter": {"all": [{"field": "category", "under": "Apparel"}, {"field": "price", "gte": 10, "lt": 50}]}},
    LIKE | {"filter": {"not": {"field": "attributes.colour_family", "in": ["red", "blue"]}}, "k": 50},
    LIKES | {"exclude": ["SKU-001", "SKU-002"], "score_threshold": 0.2, "k": 100},
    LIKE | {"diversity": 0.4},
    LIKES | {"one_per_variant_group": True, "k": 30},
    LIKE | {"fallback": True, "filter": {"field": "category", "under": "Bags"}, "k": 60},
    LIKE | {"exact": True, "rules": False, "placement": "product-page"},
    {"unlike": [{"sku": "SKU-003"}]},
    {"fallback": True, "k": 5},
]


class CountingEmbedder(Embedder):
    """Notes how many inputs each call brings."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, int]] = []

    def texts(self, space: Space, texts: Any) -> NDArray[np.float32]:
        self.calls.append(("text", len(texts)))
        return super().texts(space, texts)

    def images(self, space: Space, prepared: Any) -> NDArray[np.float32]:
        self.calls.append(("image", len(prepared)))
        return super().images(space, prepared)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_the_answer_is_that_of_the_sql_function(shop: Shop, query: Json) -> None:
    answer = shop.ask(query)
    assert [(item["sku"], item["score"]) for item in answer["items"]] == shop.ranked(query)
    assert answer["items"]
    assert answer["space"] == "default"
    assert RecommendationAnswer.model_validate(answer)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_what_is_said_of_each_part_adds_up_to_the_score(shop: Shop, query: Json) -> None:
    for item in shop.ask(query)["items"]:
        assert sum(item["contributions"].values()) == pytest.approx(item["score"], abs=1e-6)
        if item["source"] == "similar":
            rules = sum(part for name, part in item["contributions"].items() if name.startswith("rule:"))
            parts = sum(part["contribution"] for part in item["examples"])
            assert parts + rules == pytest.approx(item["score"], abs=1e-6)


def test_texts_and_photographs_are_examples_too(shop: Shop) -> None:
    space, embedder = active_space(shop.database), Embedder()
    picture = draw("blue", "striped", "Jeans")
    text = embedder.texts(space, ["striped blue jeans"])[0].astype(np.float16).tolist()
    image = embedder.images(space, [embedder.prepare_image(space, picture)])[0].astype(np.float16).tolist()
    by_content = shop.ask(
        {"like": [{"text": "striped blue jeans"}, {"image": in_base64(picture), "weight": 0.5}], "k": 20}
    )
    by_vector = shop.ask({"like": [{"vector": {"text": text}}, {"vector": {"image": image}, "weight": 0.5}], "k": 20})
    assert by_content["items"] == by_vector["items"]
    assert "Jeans" in by_content["items"][0]["title"]
    mixed = shop.ask(
        {"like": [{"text": "jeans"}, {"sku": "SKU-003"}], "unlike": [{"vector": {"text": text, "image": image}}]}
    )
    assert [part for part in mixed["items"][0]["examples"] if "unlike" in part]


def test_all_texts_of_a_request_and_of_a_batch_are_encoded_in_one_call(shop: Shop) -> None:
    embedder = CountingEmbedder()
    client = conforming_client(create_app(shop.database, embedder, shop.settings))
    photograph = {"image": in_base64(draw("red", "plain", "Shirt"))}
    query = {"like": [{"text": "red"}, {"text": "shirt"}, photograph], "unlike": [{"text": "blue"}]}
    assert client.post("/v1/recommendations", json=query).status_code == 200
    assert sorted(embedder.calls) == [("image", 1), ("text", 3)]
    embedder.calls.clear()
    refused = {"like": [{"text": "green"}, {"image": in_base64(b"no image")}]}
    batch = client.post("/v1/recommendations:batch", json={"items": [query, LIKE, refused, query]}).json
    assert [item["problem"] is None for item in batch["items"]] == [True, True, False, True]
    # The refused one is left out as a whole.
    assert sorted(embedder.calls) == [("image", 2), ("text", 6)]
    embedder.calls.clear()
    assert client.post("/v1/recommendations", json=LIKES).status_code == 200
    assert embedder.calls == []


def test_a_batch_answers_each_query_or_says_why_not(shop: Shop) -> None:
    items = [
        LIKE,
        {"like": [{"sku": "none"}]},
        {"k": 0} | LIKE,
        {},
        LIKES | {"k": 3},
        {"like": [{"sku": "SKU-001", "colour": 1}]},
        LIKE | {"filter": {"field": "brand", "eq": "\0"}},
    ]
    response = shop.client.post("/v1/recommendations:batch", json={"items": items})
    assert response.status_code == 200
    results = response.json["items"]
    assert [result["problem"] and (result["problem"]["type"], result["problem"]["errors"]) for result in results] == [
        None,
        ("/problems/not-found", []),
        ("/problems/invalid-input", [{"field": "k", "message": "must be 1 or more"}]),
        ("/problems/no-examples", results[3]["problem"]["errors"]),
        None,
        ("/problems/invalid-input", [{"field": "like[0].colour", "message": "unknown"}]),
        ("/problems/invalid-input", results[6]["problem"]["errors"]),
    ]
    assert results[6]["problem"]["errors"][0]["field"] == "filter.eq"
    for query, result in ((LIKE, results[0]), (LIKES | {"k": 3}, results[4])):
        found = [(item["sku"], item["score"]) for item in result["recommendation"]["items"]]
        assert found == shop.ranked(query)
        assert shop.page(result["recommendation"]["recommendation_id"]) == result["recommendation"]
    assert shop.client.post("/v1/recommendations:batch", json={"items": []}).json == {"items": []}
    assert shop.client.post("/v1/recommendations:batch", json={"items": [LIKE] * 101}).status_code == 400


@pytest.mark.parametrize(
    "items",
    [
        [LIKE | {"k": 1000}] * 10 + [LIKE | {"k": 1}],
        [{"like": [{"text": "red"}] * 67, "unlike": [{"image": "AAAA"}] * 67}] * 2,
    ],
    ids=["products", "encoded"],
)
def test_a_batch_must_not_keep_the_server_busy_for_minutes(shop: Shop, items: list[Json]) -> None:
    response = shop.client.post("/v1/recommendations:batch", json={"items": items})
    assert (response.status_code, response.json["errors"][0]["field"]) == (400, "items")


def test_without_an_example_only_a_fallback_is_an_answer(shop: Shop) -> None:
    for query in ({}, {"like": []}, {"like": [], "unlike": [], "fallback": False}):
        refused = shop.client.post("/v1/recommendations", json=query)
        assert (refused.status_code, refused.json["type"]) == (422, "/problems/no-examples")
        assert "fallback" in refused.json["detail"]
    answer = shop.ask({"fallback": True, "k": 4, "filter": {"field": "category", "under": "Bags"}})
    assert len(answer["items"]) == 4
    assert answer["source"] in {"popular", "newest", "mixed"}
    assert {item["category"] for item in answer["items"]} == {"Bags"}


def test_the_source_of_a_page_is_that_of_its_items(shop: Shop) -> None:
    shop.run(
        "INSERT INTO products (sku, title, category) SELECT 'LATE-' || n, 'Late', 'Bags' FROM generate_series(1, 3) n"
    )
    query = LIKE | {"filter": {"field": "category", "under": "Bags"}, "fallback": True}
    answer = shop.ask(query | {"k": 1000})
    sources = {item["source"] for item in answer["items"]}
    assert answer["source"] == "mixed"
    assert {item["sku"] for item in answer["items"] if item["source"] != "similar"} >= {"LATE-1", "LATE-2", "LATE-3"}
    assert "similar" in sources
    assert shop.ask(query | {"k": 5})["source"] == "similar"
    shop.run("DELETE FROM products WHERE sku LIKE 'LATE-%%'")


REFUSED: list[tuple[Json, str]] = [
    (LIKE | {"k": 0}, "k"),
    (LIKE | {"k": 1001}, "k"),
    (LIKE | {"k": 2.5}, "k"),
    (LIKE | {"k": "10"}, "k"),
    (LIKE | {"limit": 5}, "limit"),
    (LIKE | {"exact": "yes"}, "exact"),
    (LIKE | {"strategy": "worst"}, "strategy"),
    (LIKE | {"diversity": 1.1}, "diversity"),
    (LIKE | {"space": "nowhere"}, "space"),
    (LIKE | {"weights": {"text": -1}}, "weights.text"),
    (LIKE | {"weights": {"smell": 1}}, "weights.smell"),
    (LIKE | {"weights": {"text": 0}}, "weights"),
    (LIKE | {"filter": {"field": "price", "gte": "cheap"}}, "filter.gte"),
    (LIKE | {"filter": {"all": [{"field": "colour", "eq": "red"}]}}, "filter.all[0].field"),
    (LIKE | {"filter": []}, "filter"),
    (LIKE | {"filter": False}, "filter"),
    (LIKE | {"filter": {"not": {"field": "brand", "in": ["a", "\0"]}}}, "filter.not.in[1]"),
    ({"like": {"sku": "SKU-003"}}, "like"),
    ({"like": ["SKU-003"]}, "like[0]"),
    ({"like": [{"sku": "SKU-003"}, {}]}, "like[1]"),
    ({"like": [{"sku": "SKU-003", "text": "red"}]}, "like[0]"),
    ({"like": [{"sku": ""}]}, "like[0].sku"),
    ({"like": [{"sku": "SKU-003", "weight": 0}]}, "like[0].weight"),
    ({"like": [{"text": "  "}]}, "like[0].text"),
    ({"like": [{"text": "red"}], "unlike": [{"text": "\0"}]}, "unlike[0].text"),
    ({"like": [{"image": "no base64!"}]}, "like[0]"),
    ({"like": [{"vector": {}}]}, "like[0].vector"),
    ({"like": [{"vector": {"text": [1, 2]}}]}, "like[0].vector.text"),
    ({"like": [{"vector": {"text": [0] * 64}}]}, "like[0].vector.text"),
    ({"like": [{"vector": {"sound": [1]}}]}, "like[0].vector.sound"),
    ({"like": [{"sku": "SKU-003"}] * 101}, "like"),
]


@pytest.mark.parametrize(("query", "field"), REFUSED, ids=str)
def test_what_does_not_fit_is_refused_and_named(shop: Shop, query: Json, field: str) -> None:
    response = shop.client.post("/v1/recommendations", json=query)
    assert response.status_code == 400, response.text
    assert [error["field"] for error in response.json["errors"]] == [field]


def test_an_image_that_is_none_is_named(shop: Shop) -> None:
    response = shop.client.post("/v1/recommendations", json=LIKE | {"unlike": [{"image": in_base64(b"no image")}]})
    assert (response.status_code, response.json["type"]) == (422, "/problems/unreadable-image")
    assert [error["field"] for error in response.json["errors"]] == ["unlike[0].image"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(shop: Shop, number: str) -> None:
    for part in (f'"score_threshold": {number}', f'"filter": {{"field": "price", "gte": {number}}}'):
        body = f'{{"like": [{{"sku": "SKU-003"}}], {part}}}'
        response = shop.client.post("/v1/recommendations", data=body, content_type="application/json")
        assert response.status_code == 400
        assert response.json["errors"][0]["field"].startswith(("score_threshold", "filter"))


def test_a_filter_that_is_nested_beyond_reason_is_refused(shop: Shop) -> None:
    for depth in (20, 150, 5_000):
        body = f'{{"like": [{{"sku": "SKU-003"}}], "filter": {"{" + chr(34) + "not" + chr(34) + ": "}'
        nested = '{"not": ' * depth + '{"field": "price", "exists": true}' + "}" * depth
        body = f'{{"like": [{{"sku": "SKU-003"}}], "filter": {nested}}}'
        response = shop.client.post("/v1/recommendations", data=body, content_type="application/json")
        assert response.status_code == 400, depth


def test_a_product_that_is_not_embedded_yet_says_so(shop: Shop) -> None:
    shop.run("INSERT INTO products (sku, title) VALUES ('WAITING', 'Waiting')")
    for examples in ({"like": [{"sku": "WAITING"}]}, LIKE | {"unlike": [{"sku": "WAITING"}]}):
        pending = shop.client.post("/v1/recommendations", json=examples)
        assert (pending.status_code, pending.json["type"]) == (409, "/problems/embedding-pending")
        assert int(pending.headers["Retry-After"]) >= 1
    shop.run("DELETE FROM products WHERE sku = 'WAITING'")


def test_items_carry_what_a_shelf_shows(shop: Shop) -> None:
    item = shop.ask(LIKE | {"filter": {"field": "sku", "eq": "SKU-005"}})["items"][0]
    (row,) = shop.rows(
        "SELECT title, brand, category, price::float8, currency, in_stock, variant_group"
        " FROM products WHERE sku = 'SKU-005'"
    )
    names = ("title", "brand", "category", "price", "currency", "in_stock", "variant_group")
    assert tuple(item[name] for name in names) == row
    assert (item["source"], item["variants"]) == ("similar", [])
    assert set(item["contributions"]) == {"text", "image"}
    assert (
        skus_of(shop.ask(LIKE | {"k": 1, "exclude": skus_of(shop.ask(LIKE | {"k": 1}))}))
        == [sku for sku, _ in shop.ranked(LIKE | {"k": 2})][1:]
    )
