"""Why a product stands in a list, or does not."""

from typing import Any

import pytest
from recommendation_fixtures import Json, Shop, own_shop, shop, skus_of
from small_catalogue import drain

__all__ = ["own_shop", "shop"]

LIKE = {"like": [{"sku": "SKU-003"}]}


def explain(shop: Shop, answer: Json, sku: str) -> dict[str, Any]:
    response = shop.client.get(f"/v1/recommendations/{answer['recommendation_id']}/explain/{sku}")
    assert response.status_code == 200, response.text
    return dict(response.json)


def reasons_of(said: Json) -> list[str]:
    return [reason["reason"] for reason in said["reasons"]]


def test_a_hit_is_explained_by_modality_example_and_rule(own_shop: Shop) -> None:
    own_shop.run(
        "INSERT INTO ranking_rules (name, action, filter, amount)"
        ' VALUES (\'red-week\', \'boost\', \'{"field": "attributes.colour_family", "eq": "red"}\', 0.25)'
    )
    query = {
        "like": [{"sku": "SKU-003"}, {"sku": "SKU-010", "weight": 2}],
        "unlike": [{"sku": "SKU-020"}],
        "weights": {"text": 0.3, "image": 0.9},
        "k": 12,
    }
    answer = own_shop.ask(query)
    for place, item in enumerate(answer["items"], 1):
        said = explain(own_shop, answer, item["sku"])
        assert (said["listed"], said["position"], said["reasons"]) == (True, place, [])
        assert {name: said[name] for name in ("sku", "title", "score", "contributions", "source")} == {
            name: item[name] for name in ("sku", "title", "score", "contributions", "source")
        }
        assert said["rules"] == {
            name.removeprefix("rule:"): part for name, part in item["contributions"].items() if name.startswith("rule:")
        }
        places = [(example.get("like"), example.get("unlike")) for example in said["examples"]]
        assert places == [(0, None), (1, None), (None, 0)]
        assert [example["sku"] for example in said["examples"]] == ["SKU-003", "SKU-010", "SKU-020"]
        assert [example["weight"] for example in said["examples"]] == [1, 2, 0.5]
        parts = sum(example["contribution"] for example in said["examples"]) + sum(said["rules"].values())
        assert parts == pytest.approx(item["score"], abs=1e-6)
        # A like's part is its share of the weights, times the sum over modalities of weight and cosine.
        for example, share in zip(said["examples"], (1 / 3, 2 / 3, -0.5 / 3), strict=True):
            likeness = sum(part["weight"] * (part["cosine"] or 0) for part in example["modalities"].values())
            assert example["contribution"] == pytest.approx(share * likeness, abs=2e-3)
    assert any(item["contributions"].get("rule:red-week") == 0.25 for item in answer["items"])


def test_cosines_are_those_of_the_stored_vectors(shop: Shop) -> None:
    answer = shop.ask(LIKE | {"k": 3})
    sku = answer["items"][2]["sku"]
    (example,) = explain(shop, answer, sku)["examples"]
    rows = shop.rows("SELECT modality, weight, cosine FROM explain_similarity('SKU-003', %s)", sku)
    for modality, weight, cosine in rows:
        assert example["modalities"][modality]["weight"] == weight
        assert example["modalities"][modality]["cosine"] == pytest.approx(cosine, abs=1e-3)


def test_a_vector_example_is_explained_too(shop: Shop) -> None:
    answer = shop.ask({"like": [{"text": "striped blue jeans"}], "k": 2})
    (example,) = explain(shop, answer, answer["items"][0]["sku"])["examples"]
    assert (example["sku"], example["weight"]) == (None, 1)
    parts = example["modalities"]
    assert parts["image"] == {"weight": 0.5, "cosine": None}
    assert example["contribution"] == pytest.approx(0.5 * parts["text"]["cosine"], abs=1e-3)


def test_a_product_far_down_the_list_has_its_place(shop: Shop) -> None:
    answer = shop.ask(LIKE | {"k": 5})
    expected = shop.ranked(LIKE | {"k": 1000})
    said = explain(shop, answer, expected[200][0])
    assert (said["listed"], said["position"], said["score"]) == (True, 201, expected[200][1])
    assert said["last_score"] == expected[-1][1]


def test_the_leaf_of_the_filter_that_keeps_a_product_out_is_named(shop: Shop) -> None:
    query = LIKE | {
        "filter": {
            "all": [
                {"field": "category", "under": "Apparel"},
                {"field": "price", "lt": 50},
                {"not": {"field": "brand", "eq": "Birch"}},
            ]
        }
    }
    answer = shop.ask(query)
    (bag,) = shop.rows(
        "SELECT sku FROM products"
        " WHERE category = 'Bags' AND price < 50 AND brand <> 'Birch' AND sku <> 'SKU-003' LIMIT 1"
    )
    said = explain(shop, answer, bag[0])
    assert (said["listed"], said["position"], reasons_of(said)) == (False, None, ["filter"])
    assert said["reasons"][0]["path"] == "filter.all[0]"
    assert said["score"] < 1
    assert sum(said["contributions"].values()) == pytest.approx(said["score"], abs=1e-6)
    (birch,) = shop.rows(
        "SELECT sku FROM products WHERE category LIKE 'Apparel/%%' AND price < 50 AND brand = 'Birch' LIMIT 1"
    )
    assert [reason["path"] for reason in explain(shop, answer, birch[0])["reasons"]] == ["filter.all[2].not"]


@pytest.mark.parametrize(
    ("filter_", "paths"),
    [
        ({"any": [{"field": "brand", "eq": "X"}, {"field": "price", "lt": 0}]}, ["filter.any[0]", "filter.any[1]"]),
        (
            {
                "all": [
                    {"field": "sku", "eq": "X"},
                    {"any": [{"field": "brand", "eq": "X"}, {"field": "price", "gte": 0}]},
                ]
            },
            ["filter.all[0]"],
        ),
        ({"not": {"any": [{"field": "brand", "eq": "X"}, {"field": "price", "gte": 0}]}}, ["filter.not.any[1]"]),
        ({"not": {"not": {"field": "sku", "eq": "X"}}}, ["filter.not.not"]),
        ({"any": []}, ["filter"]),
        ({"not": {"all": []}}, ["filter.not"]),
    ],
)
def test_only_the_leaves_that_matter_are_named(shop: Shop, filter_: Json, paths: list[str]) -> None:
    (priced,) = shop.rows("SELECT sku FROM products WHERE price > 0 AND sku <> 'SKU-003' LIMIT 1")
    said = explain(shop, shop.ask(LIKE | {"filter": filter_}), priced[0])
    assert [reason["path"] for reason in said["reasons"]] == paths


def test_examples_exclusions_and_what_is_too_new_or_not_embedded_are_told(own_shop: Shop) -> None:
    answer = own_shop.ask(LIKE | {"exclude": ["SKU-004"]})
    assert reasons_of(explain(own_shop, answer, "SKU-003")) == ["example"]
    assert reasons_of(explain(own_shop, answer, "SKU-004")) == ["excluded"]
    own_shop.run("INSERT INTO products (sku, title) VALUES ('NEW', 'New red shirt')")
    waiting = explain(own_shop, answer, "NEW")
    assert (reasons_of(waiting), waiting["score"]) == (["not_embedded", "too_new"], None)
    drain(own_shop.database, own_shop.settings)
    assert reasons_of(explain(own_shop, answer, "NEW")) == ["too_new"]
    own_shop.run("INSERT INTO products (sku, title) VALUES ('BROKEN', 'Broken')")
    own_shop.run("UPDATE embedding_jobs SET state = 'dead', last_error = 'the picture is torn'")
    answer = own_shop.ask(LIKE)
    said = explain(own_shop, answer, "BROKEN")
    assert reasons_of(said) == ["not_embedded"]
    assert "the picture is torn" in said["reasons"][0]["detail"]


def test_a_rule_that_hides_is_named_before_and_after_the_first_page(own_shop: Shop) -> None:
    before = own_shop.ask(LIKE | {"k": 5})
    sku = skus_of(before)[2]
    own_shop.run(
        "INSERT INTO ranking_rules (name, action, filter)"
        " VALUES ('recall-7', 'hide', jsonb_build_object('field', 'sku', 'eq', %s::text))",
        sku,
    )
    said = explain(own_shop, before, sku)
    assert (said["listed"], said["position"], reasons_of(said)) == (False, 3, ["rule"])
    assert said["reasons"][0]["rule"] == "recall-7"
    after = explain(own_shop, own_shop.ask(LIKE | {"k": 5}), sku)
    assert (after["listed"], after["position"], reasons_of(after)) == (False, None, ["rule"])
    assert after["score"] == said["score"]


def test_a_threshold_a_variant_and_a_low_rank_are_told(shop: Shop) -> None:
    expected = shop.ranked(LIKE | {"k": 1000})
    below = explain(shop, shop.ask(LIKE | {"score_threshold": expected[20][1]}), expected[100][0])
    assert (reasons_of(below), below["score"]) == (["threshold"], expected[100][1])
    answer = shop.ask(LIKE | {"one_per_variant_group": True})
    first = answer["items"][0]
    other = explain(shop, answer, first["variants"][0])
    assert reasons_of(other) == ["variant"]
    assert first["sku"] in other["reasons"][0]["detail"]
    last = explain(shop, shop.ask(LIKE | {"k": 1000}), expected[-1][0])
    assert (last["listed"], last["position"]) == (True, len(expected))


def test_an_unknown_product_or_list_is_not_found(shop: Shop) -> None:
    answer = shop.ask(LIKE)
    address = f"/v1/recommendations/{answer['recommendation_id']}/explain"
    assert shop.client.get(f"{address}/none").status_code == 404
    assert shop.client.get("/v1/recommendations/nowhere/explain/SKU-003").status_code == 404
