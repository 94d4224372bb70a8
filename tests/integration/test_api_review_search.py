"""Search inside reviews, over HTTP, by words: the space of the small catalogue has no block of reviews."""

import pytest
from recommendation_fixtures import Shop, shop

__all__ = ["shop"]

PATH = "/v1/reviews:search"


def test_it_finds_what_the_published_function_finds(shop: Shop) -> None:
    asked = {"text": "cloth or lasts -apart", "k": 20, "mode": "lexical", "rating_max": 3}
    answer = shop.client.post(PATH, json=asked).json
    query = '{"words": "cloth or lasts -apart", "k": 20, "rating_max": 3}'
    expected = shop.rows("SELECT sku, review_id, rating, review_body FROM search_reviews(%s::jsonb)", query)
    found = [(item["sku"], item["review_id"], item["rating"], item["body"]) for item in answer["items"]]
    assert found == expected
    assert len(found) == 20
    assert answer["mode"] == "words"


def test_product_and_filter_hold(shop: Shop) -> None:
    one = shop.client.post(PATH, json={"text": "fits", "sku": "SKU-001"}).json["items"]
    assert [item["sku"] for item in one] == ["SKU-001"]
    bags = {"field": "category", "under": "Bags"}
    items = shop.client.post(PATH, json={"text": "fits", "k": 1000, "filter": bags}).json["items"]
    in_bags = {sku for (sku,) in shop.rows("SELECT sku FROM products WHERE category = 'Bags' AND review_count > 0")}
    assert items
    assert {item["sku"] for item in items} == in_bags


def test_what_does_not_fit_is_refused(shop: Shop, subtests: pytest.Subtests) -> None:
    for body, words in [
        ({}, "text: is required"),
        ({"text": " "}, "text"),
        ({"text": "x", "k": 0}, "k: "),
        ({"text": "x", "rating_min": 6}, "rating_min"),
        ({"text": "x", "rating_min": 4, "rating_max": 2}, "rating_min is above rating_max"),
        ({"text": "x", "filter": {"field": "colour"}}, "filter"),
        ({"text": "x", "space": "nowhere"}, "space"),
        ({"text": "x", "space": "default"}, "has no reviews"),
        ({"text": "x", "words": "y"}, "words: unknown"),
    ]:
        with subtests.test(body=body):
            answer = shop.client.post(PATH, json=body)
            assert answer.status_code == 400, answer.text
            assert words in answer.json["detail"]
    assert shop.client.post(PATH, json={"text": "x", "sku": "nothing"}).status_code == 404
