"""What is popular, trending, new, bought together and better reviewed, over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from recommendation_fixtures import Json, Shop, shop, skus_of

from backend.catalog.events import EventData, add_events

__all__ = ["shop"]

SHELVES = ("/v1/popular", "/v1/trending", "/v1/newest", "/v1/products/SKU-001/bought-together")


@pytest.fixture(scope="module", autouse=True)
def events(shop: Shop) -> None:
    """Views of all that change from day to day, and baskets: 40 people bought SKU-001 with one of 4 others."""
    now = datetime.now(UTC)
    done = [
        EventData(f"u{user}", "view", f"SKU-{number:03}", occurred_at=now - timedelta(days=(user * 7 + number) % 60))
        for number in range(300)
        for user in range(number % 7 + 1)
    ]
    for user in range(40):
        done += [EventData(f"b{user}", "purchase", f"SKU-{sku:03}") for sku in (1, 2 + user % 4)]
    done += [EventData(f"c{user}", "like", "SKU-310", occurred_at=now - timedelta(hours=user)) for user in range(30)]
    outcome = add_events(shop.database, done)
    assert outcome.stored == len(done)


@contextmanager
def rule(shop: Shop, **members: Any) -> Iterator[None]:
    """A rule of the shop, for a while."""
    assert shop.client.post("/v1/rules", json={"name": "test", **members}).status_code == 201
    yield
    assert shop.client.delete("/v1/rules/test").status_code == 204


def ask(shop: Shop, path: str, **parameters: Any) -> Json:
    answer = shop.client.get(path, query_string=parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def ranked(shop: Shop, function: str, *values: object) -> list[tuple[str, float]]:
    """What a published function ranks."""
    places = ", ".join(["%s"] * len(values))
    return shop.rows(
        f"SELECT p.sku, f.score FROM {function}({places}) f JOIN products p ON p.id = f.product_id"
        " ORDER BY f.score DESC, p.id",
        *values,
    )


def test_lists_are_those_of_the_published_functions(shop: Shop, subtests: pytest.Subtests) -> None:
    cases = {
        ("/v1/popular", ""): ("popular_products", (20,)),
        ("/v1/popular", "window=30d&half_life=7d"): (
            "popular_products",
            (20, None, None, True, 30, 7),
        ),
        ("/v1/trending", ""): ("trending_products", (20,)),
        ("/v1/trending", "window=2w&half_life=36h"): ("trending_products", (20, None, 14, 1.5)),
        ("/v1/newest", ""): ("newest_products", (20,)),
        ("/v1/products/SKU-001/bought-together", ""): ("bought_together", ("SKU-001", 20)),
        ("/v1/products/SKU-001/bought-together", "window=1d"): ("bought_together", ("SKU-001", 20, None, 1)),
    }
    for (path, parameters), (function, values) in cases.items():
        with subtests.test(path=path, parameters=parameters):
            answer = shop.client.get(f"{path}?k=20&{parameters}").json
            expected = ranked(shop, function, *values)
            assert [item["sku"] for item in answer["items"]] == [sku for sku, _ in expected]
            if path != "/v1/newest":
                assert [item["score"] for item in answer["items"]] == pytest.approx([score for _, score in expected])
            assert expected
            for item in answer["items"]:
                assert sum(item["contributions"].values()) == pytest.approx(item["score"])


def test_each_item_says_why_it_is_there(shop: Shop) -> None:
    for path, source, text in [
        ("/v1/popular", "popular", "popular with others"),
        ("/v1/trending", "trending", "wanted more than usual these days"),
        ("/v1/newest", "newest", "new in the shop"),
    ]:
        answer = ask(shop, path, k=5)
        assert answer["source"] == source
        for item in answer["items"]:
            assert (item["source"], item["reason"]) == (source, {"sku": None, "title": None, "text": text})
    ((title,),) = shop.rows("SELECT title FROM products WHERE sku = 'SKU-001'")
    answer = ask(shop, "/v1/products/SKU-001/bought-together")
    assert answer["source"] == "bought_together"
    assert {item["sku"] for item in answer["items"]} == {"SKU-002", "SKU-003", "SKU-004", "SKU-005"}
    for item in answer["items"]:
        assert item["reason"] == {"sku": "SKU-001", "title": title, "text": f"often bought with {title}"}


def test_what_was_bought_and_liked_lately_is_trending(shop: Shop) -> None:
    bought = {f"SKU-{number:03}" for number in range(1, 6)}
    assert set(skus_of(ask(shop, "/v1/trending", k=6))) == bought | {"SKU-310"}


def test_filters_hold_exactly(shop: Shop) -> None:
    for path in SHELVES:
        answer = ask(shop, path, k=1000, category="Apparel", price_min=10, price_max=60, in_stock="true")
        fit = {
            sku
            for (sku,) in shop.rows(
                "SELECT sku FROM products WHERE (category = 'Apparel' OR category LIKE 'Apparel/%%')"
                " AND price BETWEEN 10 AND 60 AND in_stock"
            )
        }
        all_of_it = skus_of(ask(shop, path, k=1000))
        assert skus_of(answer) == [sku for sku in all_of_it if sku in fit]


def test_pages_neither_repeat_nor_skip(shop: Shop) -> None:
    for path in SHELVES:
        whole = skus_of(ask(shop, path, k=1000))
        first = ask(shop, path, k=7)
        found = skus_of(first) + [sku for page in shop.pages_after(first) for sku in skus_of(page)]
        assert found == whole
        again = ask(shop, path, cursor=first["next_cursor"]) if first["next_cursor"] else None
        assert again is None or skus_of(again) == whole[7:14]


def test_later_pages_say_why_too(shop: Shop) -> None:
    for path in SHELVES[:3]:
        first = ask(shop, path, k=3)
        second = ask(shop, path, cursor=first["next_cursor"])
        assert [item["reason"] for item in second["items"]] == [item["reason"] for item in first["items"]]


def test_a_cursor_belongs_to_its_list(shop: Shop) -> None:
    cursor = ask(shop, "/v1/popular", k=3, in_stock="true")["next_cursor"]
    assert ask(shop, "/v1/popular", cursor=cursor, in_stock="true")["items"]
    for path, parameters in [
        ("/v1/trending", {}),
        ("/v1/newest", {}),
        ("/v1/products/SKU-001/bought-together", {}),
        ("/v1/products/SKU-001/similar", {}),
        ("/v1/products/SKU-001/better-reviewed", {}),
        ("/v1/users/u1/recommendations", {}),
        ("/v1/popular", {"in_stock": "false"}),
        ("/v1/popular", {"window": "7d"}),
    ]:
        answer = shop.client.get(path, query_string={"cursor": cursor, **parameters})
        assert (answer.status_code, answer.json["type"]) == (400, "/problems/invalid-cursor"), path


def test_better_reviewed_refuses_the_cursors_of_other_lists(shop: Shop) -> None:
    asked = {"like": [{"sku": "SKU-001"}], "k": 3, "filter": {"all": []}}
    cursors = [
        ask(shop, "/v1/users/u1/recommendations", k=3)["next_cursor"],
        shop.client.post("/v1/recommendations", json=asked).json["next_cursor"],
    ]
    for cursor in cursors:
        answer = shop.client.get("/v1/products/SKU-001/better-reviewed", query_string={"cursor": cursor})
        assert (answer.status_code, answer.json["type"]) == (400, "/problems/invalid-cursor")


def test_a_product_that_comes_or_goes_meanwhile_moves_no_other(shop: Shop) -> None:
    for path in SHELVES[:3]:
        whole = skus_of(ask(shop, path, k=1000))
        first = ask(shop, path, k=10)
        shop.client.put("/v1/products/NEW", json={"title": "New"})
        add_events(shop.database, [EventData("n", "purchase", "NEW")])
        rest = [sku for page in shop.pages_after(first) for sku in skus_of(page)]
        assert skus_of(first) + rest == whole
        shop.client.delete("/v1/products/NEW")


def test_rules_hide_and_pin(shop: Shop) -> None:
    for path in SHELVES:
        before = skus_of(ask(shop, path, k=10))
        with rule(shop, action="hide", filter={"field": "sku", "eq": before[0]}):
            assert skus_of(ask(shop, path, k=len(before) - 1)) == before[1:]
            assert skus_of(ask(shop, path, k=10, rules="false")) == before
    for path in SHELVES[:3]:
        before = skus_of(ask(shop, path, k=10))
        with rule(shop, action="pin", sku="SKU-307", position=3, placement="home"):
            assert skus_of(ask(shop, path, k=10)) == before
            pinned = ask(shop, path, k=10, placement="home")
            rest = [sku for sku in before if sku != "SKU-307"]
            assert skus_of(pinned) == [*rest[:2], "SKU-307", *rest[2:]][:10]
            assert (pinned["items"][2]["source"], pinned["items"][2]["reason"]["text"]) == (
                "pinned",
                "picked by the shop",
            )


def test_better_reviewed_is_like_it_and_rated_higher(shop: Shop) -> None:
    answer = ask(shop, "/v1/products/SKU-005/better-reviewed", k=8)
    expected = shop.rows("SELECT sku, score, bayesian_rating, rating_gain FROM better_reviewed('SKU-005', 8)")
    assert [(item["sku"], item["score"]) for item in answer["items"]] == [
        (sku, pytest.approx(score, abs=1e-6)) for sku, score, _, _ in expected
    ]
    assert expected
    ((title,),) = shop.rows("SELECT title FROM products WHERE sku = 'SKU-005'")
    for item, (_, _, _, gain) in zip(answer["items"], expected, strict=True):
        assert gain > 0
        assert item["reason"]["text"].startswith(f"like {title}, and {gain:+.2f} stars by ")
    second = ask(shop, "/v1/products/SKU-005/better-reviewed", cursor=answer["next_cursor"])
    sixteen = [sku for (sku,) in shop.rows("SELECT sku FROM better_reviewed('SKU-005', 16)")]
    assert skus_of(second) == sixteen[8:]
    assert all(item["reason"]["sku"] == "SKU-005" for item in second["items"])
    filtered = ask(shop, "/v1/products/SKU-005/better-reviewed", k=1000, category="Bags", in_stock="true")
    assert filtered["items"]
    assert {item["category"] for item in filtered["items"]} == {"Bags"}


def test_what_does_not_fit_is_refused_by_name(shop: Shop, subtests: pytest.Subtests) -> None:
    for path, parameters, field in [
        ("/v1/popular", {"k": 0}, "k"),
        ("/v1/popular", {"window": "week"}, "window"),
        ("/v1/popular", {"window": "9999d"}, "window"),
        ("/v1/trending", {"half_life": "0d"}, "half_life"),
        ("/v1/trending", {"half_life": "2"}, "half_life"),
        ("/v1/newest", {"window": "7d"}, "window"),
        ("/v1/newest", {"category": "Nowhere"}, "category"),
        ("/v1/products/SKU-001/better-reviewed", {"category": "Nowhere"}, "category"),
        ("/v1/products/SKU-001/better-reviewed", {"space": "nowhere"}, "space"),
    ]:
        with subtests.test(path=path, parameters=parameters):
            answer = shop.client.get(path, query_string=parameters)
            assert answer.status_code == 400, answer.text
            assert [error["field"] for error in answer.json["errors"]] == [field]
            assert "filter" not in answer.json["detail"]
            assert "days is" not in answer.json["detail"]
    for path in ("bought-together", "better-reviewed"):
        assert shop.client.get(f"/v1/products/nothing/{path}").status_code == 404


def test_such_a_list_is_read_by_its_id_and_not_explained_further(shop: Shop) -> None:
    first = ask(shop, "/v1/popular", k=3)
    assert shop.page(first["recommendation_id"])["items"] == first["items"]
    sku = first["items"][0]["sku"]
    answer = shop.client.get(f"/v1/recommendations/{first['recommendation_id']}/explain/{sku}")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/conflict")
