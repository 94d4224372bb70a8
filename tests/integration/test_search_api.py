"""POST /v1/search: the answers of the SQL functions, with texts and photographs encoded."""

import json
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from api_fixtures import a_picture
from PIL import Image
from recommendation_fixtures import Shop, in_base64, shop, skus_of
from small_catalogue import draw

from backend.recommend.wanted import wanted
from backend.spaces.embedder import Embedder
from backend.spaces.space import active_space

__all__ = ["shop"]

Json = dict[str, Any]


def find(shop: Shop, **query: Any) -> Json:
    """The answer to a search, which must succeed."""
    response = shop.client.post("/v1/search", json=query)
    assert response.status_code == 200, response.text
    return dict(response.json)


def encoded(shop: Shop, text: str | None, image: bytes | None) -> Json:
    """The vectors that the server should have made."""
    embedder, space = Embedder(), active_space(shop.database)
    vectors: Json = {}
    if text is not None:
        vectors["text"] = embedder.texts(space, [wanted(text)])[0].astype(np.float16).astype(float).tolist()
    if image is not None:
        prepared = embedder.prepare_image(space, image)
        vectors["image"] = embedder.images(space, [prepared])[0].astype(np.float16).astype(float).tolist()
    return vectors


FILTER = {"all": [{"field": "category", "under": "Apparel"}, {"field": "price", "lt": 60}]}
PHOTO = draw("red", "striped", "Shirt")


@pytest.mark.parametrize(
    "query",
    [
        {"text": "red shirt"},
        {"text": "red shirt", "k": 300},
        {"text": "striped -red", "filter": FILTER, "k": 40},
        {"text": "the", "k": 5},
        {"text": '"plain blue" or skirt', "mode": "vector", "exact": True},
        {"image": PHOTO, "k": 7},
        {"image": PHOTO, "text": "shirt", "k": 25},
        {"image": PHOTO, "text": "handbag", "weights": {"text": 0.9, "image": 0.1}, "filter": FILTER},
        {"image": PHOTO, "text": "handbag", "weights": {"image": 1}, "space": "default"},
        {"text": "shirts", "mode": "lexical", "k": 1000},
        {"text": "-red", "k": 5},
    ],
    ids=str,
)
def test_the_answer_is_that_of_the_sql_function(shop: Shop, query: Json) -> None:
    image = query.get("image")
    answer = find(shop, **{name: in_base64(value) if name == "image" else value for name, value in query.items()})
    asked = {name: value for name, value in query.items() if name != "image"}
    if query.get("mode") != "lexical" and query.get("text") != "-red":
        asked["vector"] = encoded(shop, query.get("text"), image)
    rows = shop.rows(
        """SELECT sku, score, contributions, lexical_rank, vector_rank, mode
             FROM search_products(%s::jsonb) ORDER BY position""",
        json.dumps(asked),
    )
    assert [
        (item["sku"], item["score"], item["contributions"], item["lexical_rank"], item["vector_rank"])
        for item in answer["items"]
    ] == [row[:-1] for row in rows]
    assert rows
    assert answer["search"]["mode"] == rows[0][-1]
    words_alone = "vector" not in asked
    assert answer["search"]["by"] == query.get(
        "mode", "lexical" if words_alone else "hybrid" if "text" in query else "vector"
    )
    assert answer["space"] == (None if words_alone else "default")
    assert answer["source"] == "search"
    assert (answer["facets"], answer["matching"]) == ({}, None)
    for item in answer["items"]:
        assert sum(item["contributions"].values()) == pytest.approx(item["score"], abs=1e-12)


def test_a_photograph_finds_what_looks_like_it(shop: Shop) -> None:
    best = find(shop, image=in_base64(PHOTO), k=3)["items"]
    assert all("striped red Shirt" in item["title"] for item in best[:1])
    smaller = BytesIO()
    Image.open(BytesIO(PHOTO)).resize((24, 24)).save(smaller, "JPEG")
    assert "Shirt" in find(shop, image=in_base64(smaller.getvalue()), k=1)["items"][0]["title"]


def test_the_photograph_is_not_kept(shop: Shop) -> None:
    def sizes() -> list[tuple[Any, ...]]:
        tables = "(SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'shelfmate'::regnamespace AND c.relkind = 'r')"
        return shop.rows(
            f"SELECT relid, n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE relid IN {tables} ORDER BY 1"
        )

    before = sizes()
    find(shop, image=in_base64(a_picture("teal")))
    shop.rows("SELECT pg_stat_force_next_flush()")
    assert sizes() == before


def test_facets_are_those_of_the_sql_function(shop: Shop) -> None:
    fields = ["brand", "price", "category", "in_stock", "rating", "attributes.colour_family"]
    for scope, text in (("filter", None), ("words", "red shirt")):
        answer = find(shop, text="red shirt", filter=FILTER, facets=fields, facets_of=scope, mode="lexical", k=1)
        rows = shop.rows(
            "SELECT field, value, count FROM facet_counts(%s::jsonb, %s, %s)", json.dumps(FILTER), fields, text
        )
        assert list(answer["facets"]) == fields
        assert [
            (field, item["value"], item["count"]) for field, items in answer["facets"].items() for item in items
        ] == rows
        assert [(answer["matching"],)] == shop.rows(
            "SELECT count FROM facet_counts(%s::jsonb, '{total}', %s)", json.dumps(FILTER), text
        )


@pytest.mark.parametrize("field", ["brand", "price", "category", "in_stock", "rating", "attributes.colour_family"])
def test_choosing_a_value_finds_as_many_as_it_said(shop: Shop, field: str) -> None:
    chosen = [{"field": "in_stock", "eq": True}] if field != "in_stock" else []
    values = find(
        shop, text="shirt or jeans", mode="lexical", k=1, facets=[field], facets_of="words", filter={"all": chosen}
    )
    assert values["facets"][field]
    for item in values["facets"][field]:
        operator = "under" if field == "category" else "eq"
        leaf = {"field": field} | (item["value"] if isinstance(item["value"], dict) else {operator: item["value"]})
        found = find(shop, text="shirt or jeans", mode="lexical", k=1000, filter={"all": [*chosen, leaf]})
        assert len(found["items"]) == item["count"]


def test_words_alone_need_no_model(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("an encoder was loaded")

    monkeypatch.setattr(Embedder, "texts", refuse)
    with pytest.raises(pytest.fail.Exception):
        find(shop, text="red shirt")
    assert len(find(shop, text="red shirt", mode="lexical", facets=["brand"])["items"]) == 9


WRONG: list[tuple[Json, int, str | None]] = [
    ({}, 400, "text"),
    ({"k": 3}, 400, "text"),
    ({"text": ""}, 400, "text"),
    ({"text": " "}, 400, "text"),
    ({"text": "x" * 1001}, 400, "text"),
    ({"text": "a\0b"}, 400, "text"),
    ({"text": 5}, 400, "text"),
    ({"image": "no base64!"}, 400, "image"),
    ({"image": in_base64(b"no image")}, 422, "image"),
    ({"image": in_base64(PHOTO[:100])}, 422, "image"),
    ({"image": ""}, 422, "image"),
    ({"image": in_base64(PHOTO), "mode": "lexical"}, 400, "image"),
    ({"image": in_base64(PHOTO), "mode": "hybrid"}, 400, "text"),
    ({"text": "-red", "mode": "hybrid"}, 400, "text"),
    ({"text": "red", "mode": "both"}, 400, "mode"),
    ({"text": "red", "mode": "lexical", "weights": {"text": 1}}, 400, "weights"),
    ({"text": "red", "weights": {"image": 1}}, 400, "weights.image"),
    ({"text": "red", "weights": {"text": -1}}, 400, "weights.text"),
    ({"text": "red", "weights": {"text": 0}}, 400, "weights"),
    ({"text": "red", "weights": {"looks": 1}}, 400, "weights.looks"),
    ({"text": "red", "k": 0}, 400, "k"),
    ({"text": "red", "k": 1001}, 400, "k"),
    ({"text": "red", "k": "5"}, 400, "k"),
    ({"text": "red", "space": "nowhere"}, 400, "space"),
    ({"text": "red", "facets": ["colour"]}, 400, "facets[0]"),
    ({"text": "red", "facets": ["brand", "brand"]}, 400, "facets[1]"),
    ({"text": "red", "facets": ["brand", "total"]}, 400, "facets[1]"),
    ({"text": "red", "facets": [f"attributes.{n}" for n in range(21)]}, 400, "facets"),
    ({"image": in_base64(PHOTO), "facets": ["brand"], "facets_of": "words"}, 400, "facets_of"),
    ({"text": "red", "filter": {"field": "colour", "eq": 1}}, 400, "filter.field"),
    ({"text": "red", "filter": {"all": [{"field": "category", "under": "Nowhere"}]}}, 400, "filter.all[0].under"),
    ({"text": "red", "filter": []}, 400, "filter"),
    ({"text": "red", "limit": 5}, 400, "limit"),
]


@pytest.mark.parametrize(("query", "status", "field"), WRONG, ids=lambda value: str(value)[:60])
def test_what_does_not_fit_is_refused_by_name(shop: Shop, query: Json, status: int, field: str | None) -> None:
    response = shop.client.post("/v1/search", json=query)
    assert response.status_code == status, response.text
    assert [error["field"] for error in response.json["errors"]] == [field]


def test_a_photograph_of_too_many_pixels_is_refused(shop: Shop) -> None:
    file = BytesIO()
    Image.new("L", (9000, 9000)).save(file, "PNG")
    response = shop.client.post("/v1/search", json={"image": in_base64(file.getvalue())})
    assert response.status_code == 422
    assert "64 million" in response.json["detail"]


def test_the_best_by_both_lists_comes_first(shop: Shop) -> None:
    found = find(shop, text="dotted green skirt", k=10)
    best = found["items"][0]
    assert {"dotted", "green", "Skirt"} <= set(best["title"].split())
    assert best["lexical_rank"] is not None
    assert best["vector_rank"] is not None
    # What only the meaning finds follows what both find.
    assert skus_of(find(shop, text="dotted green skirt", k=200))[:10] == skus_of(found)
