"""What is recommended to people and sessions, over HTTP."""

import json
from typing import Any
from uuid import uuid4

import pytest
from recommendation_fixtures import Json, Shop, shop, skus_of

from backend.catalog.events import EventData, add_events

__all__ = ["shop"]

KIM = "/v1/users/kim/recommendations"
DONE = [("like", "SKU-000"), ("view", "SKU-010"), ("purchase", "SKU-020"), ("rating", "SKU-030")]


@pytest.fixture(scope="module", autouse=True)
def events(shop: Shop) -> None:
    """Kim did four things; 20 others bought what is to be popular."""
    done = [EventData("kim", kind, sku, 5 if kind == "rating" else None) for kind, sku in DONE]
    done += [EventData(f"b{user}", "purchase", f"SKU-{100 + user % 4}") for user in range(20)]
    outcome = add_events(shop.database, done)
    assert outcome.stored == len(done)


def ask(shop: Shop, path: str, **parameters: Any) -> Json:
    answer = shop.client.get(path, query_string=parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def ranked(shop: Shop, *, user: str = "kim", k: int = 10, **options: object) -> list[tuple[str, str, str | None]]:
    """Sku, source and reason's sku of what the published function answers."""
    given = "".join(f", {name} => %s" for name in options)
    return shop.rows(
        "SELECT sku, source, reason_sku"
        f" FROM recommend_for_user(%s, greatest(%s, 100){given}) ORDER BY position LIMIT %s",
        user,
        k,
        *options.values(),
        k,
    )


def test_a_list_is_that_of_the_published_function(shop: Shop, subtests: pytest.Subtests) -> None:
    bags = {"all": [{"field": "category", "under": "Bags"}, {"field": "price", "lte": 50}]}
    cases: list[tuple[Json, Json]] = [
        ({}, {}),
        ({"half_life": "30d", "interests": "1"}, {"half_life": 30, "interests": 1}),
        ({"w_popularity": "0", "w_together": "0.5"}, {"w_popularity": 0, "w_together": 0.5}),
        ({"discover": "false"}, {"discover": False}),
        ({"exclude_seen": "false"}, {"exclude_seen": False}),
        ({"exclude_seen": "false", "exclude_bought": "false"}, {"exclude_seen": False, "exclude_bought": False}),
        ({"one_per_variant_group": "true"}, {"one_per_variant_group": True}),
        ({"category": "Bags", "price_max": "50"}, {"filter": json.dumps(bags)}),
        ({"fallback": "false"}, {"fallback": False}),
    ]
    for parameters, options in cases:
        with subtests.test(parameters=parameters):
            items = ask(shop, KIM, k=20, **parameters)["items"]
            found = [(item["sku"], item["source"], item["reason"]["sku"]) for item in items]
            assert found == ranked(shop, k=20, **options)
            assert found


def test_both_doors_answer_alike(shop: Shop) -> None:
    posted = shop.ask({"user": "kim", "k": 12, "interests": 2, "half_life": 30})
    assert skus_of(posted) == skus_of(ask(shop, KIM, k=12, interests=2, half_life="30d"))
    left_out = skus_of(posted)[0]
    assert left_out not in skus_of(shop.ask({"user": "kim", "k": 300, "exclude": [left_out]}))


def test_what_somebody_did_something_with_never_comes(shop: Shop) -> None:
    seen = {sku for _, sku in DONE}
    assert not seen & set(skus_of(ask(shop, KIM, k=1000)))
    # Bought or rated are two of them.
    again = set(skus_of(ask(shop, KIM, k=1000, exclude_seen="false")))
    assert seen & again <= {"SKU-000", "SKU-010"}


def test_each_item_names_what_led_to_it(shop: Shop) -> None:
    titles = dict(shop.rows("SELECT sku, title FROM products"))
    items = ask(shop, KIM, k=20)["items"]
    interests = [item for item in items if item["source"] == "interest"]
    assert interests
    for item in interests:
        sku = item["reason"]["sku"]
        assert sku in {done for _, done in DONE}
        assert item["reason"] == {"sku": sku, "title": titles[sku], "text": f"because you liked {titles[sku]}"}


def test_somebody_unknown_gets_what_is_popular_and_new_and_is_told_so(shop: Shop) -> None:
    answer = ask(shop, "/v1/users/nobody/recommendations", k=100)
    popular = skus_of(ask(shop, "/v1/popular", k=3))
    assert set(popular) <= set(skus_of(answer))
    sources = {item["source"] for item in answer["items"]}
    assert sources <= {"popular", "trending", "newest"}
    assert answer["source"] == "mixed"
    assert {item["reason"]["text"] for item in answer["items"]} <= {
        "popular with others",
        "wanted more than usual these days",
        "new in the shop",
    }
    assert ask(shop, "/v1/users/nobody/recommendations", fallback="false")["items"] == []


def test_pages_neither_repeat_nor_skip_and_go_on_saying_why(shop: Shop) -> None:
    first = ask(shop, KIM, k=9)
    pages = [first, *shop.pages_after(first)]
    found = [sku for page in pages for sku in skus_of(page)]
    assert found == skus_of(ask(shop, KIM, k=100))
    assert len(found) == len(set(found)) == 100
    assert all(item["reason"]["text"] for page in pages for item in page["items"])
    again = ask(shop, KIM, cursor=first["next_cursor"], k=4)
    assert skus_of(again) == found[9:13]


def test_a_cursor_is_of_one_person_and_asks_nothing_else(shop: Shop) -> None:
    cursor = ask(shop, KIM, k=3)["next_cursor"]
    for path, parameters, field in [
        ("/v1/users/other/recommendations", {}, "cursor"),
        ("/v1/popular", {}, "cursor"),
        (KIM, {"in_stock": "true"}, "in_stock"),
    ]:
        answer = shop.client.get(path, query_string={"cursor": cursor, **parameters})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, field), path


def test_a_session_is_answered_by_what_it_did_and_nothing_is_stored(shop: Shop) -> None:
    (before,) = shop.rows("SELECT count(*) FROM events")
    done = [{"sku": "SKU-000", "kind": "like"}, {"sku": "SKU-020"}, {"sku": "SKU-030", "kind": "rating", "value": 1}]
    answer = shop.ask({"session": done, "k": 20})
    rows = shop.rows(
        "SELECT sku, reason_sku FROM recommend_for_session(%s::jsonb, 100) ORDER BY position LIMIT 20", json.dumps(done)
    )
    assert [(item["sku"], item["reason"]["sku"]) for item in answer["items"]] == rows
    led = {item["reason"]["sku"] for item in answer["items"]}
    assert "SKU-000" in led
    assert "SKU-030" not in led
    rest = [sku for page in shop.pages_after(answer) for sku in skus_of(page)]
    assert not set(rest) & set(skus_of(answer))
    assert shop.rows("SELECT count(*) FROM events") == [before]


def test_an_empty_session_is_somebody_new(shop: Shop) -> None:
    sources = {item["source"] for item in shop.ask({"session": [], "k": 30})["items"]}
    assert sources
    assert sources <= {"popular", "trending", "newest"}


def test_what_does_not_fit_is_refused(shop: Shop, subtests: pytest.Subtests) -> None:
    for body, words in [
        ({"user": "kim", "session": []}, "user or session, not both"),
        ({"user": "kim", "like": [{"sku": "SKU-001"}]}, "like: only with examples"),
        ({"user": "kim", "diversity": 0.3}, "diversity: only with examples"),
        ({"like": [{"sku": "SKU-001"}], "exclude_seen": False}, "exclude_seen: only with a person or session"),
        ({"user": ""}, "user: must have at least 1"),
        ({"user": "kim", "interests": 11}, "interests: must be 10 or less"),
        ({"user": "kim", "half_life": 0}, "half_life: must be above 0"),
        ({"user": "kim", "filter": {"field": "colour"}}, "filter"),
        ({"session": [{"sku": "SKU-001", "kind": "stare"}]}, "session[0].kind"),
        ({"session": [{"sku": "SKU-001", "kind": "rating"}]}, "needs its stars"),
        ({"session": [{"sku": "SKU-001", "occurred_at": "now"}]}, "session[0].occurred_at"),
        ({"user": "kim", "space": "nowhere"}, "space"),
    ]:
        with subtests.test(body=body):
            answer = shop.client.post("/v1/recommendations", json=body)
            assert answer.status_code == 400, answer.text
            assert words in answer.json["detail"]
    assert shop.client.post("/v1/recommendations", json={"session": [{"sku": "nothing"}]}).status_code == 404
    answer = shop.client.get(KIM, query_string={"category": "Nowhere"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "category")


def test_a_batch_takes_people_too(shop: Shop) -> None:
    moment = "2026-05-01T12:00:00Z"
    queries = [{"user": "kim", "k": 3}, {"session": [{"sku": "SKU-001", "occurred_at": moment}], "k": 3}, {"user": 7}]
    queries += [{"like": [{"sku": "SKU-001"}], "k": 3}, {"session": [{"sku": "nothing"}]}]
    answer = shop.client.post("/v1/recommendations:batch", json={"items": queries}).json
    got = [item["recommendation"] is not None for item in answer["items"]]
    assert got == [True, True, False, True, False]
    assert skus_of(answer["items"][0]["recommendation"]) == skus_of(ask(shop, KIM, k=3))


def test_an_event_may_name_the_list_that_led_to_it(shop: Shop) -> None:
    list_id = ask(shop, "/v1/users/lee/recommendations", k=3)["recommendation_id"]
    sent = {"user_id": "lee", "kind": "click", "sku": "SKU-200", "recommendation_id": list_id}
    assert shop.client.post("/v1/events", json=sent).status_code == 200
    assert ask(shop, "/v1/users/lee/events")["items"][0]["recommendation_id"] == list_id


def test_a_person_who_is_forgotten_is_somebody_unknown(shop: Shop) -> None:
    user = f"u-{uuid4()}"
    add_events(shop.database, [EventData(user, "like", "SKU-005")])
    path = f"/v1/users/{user}/recommendations"
    first = ask(shop, path, k=5)
    assert "interest" in {item["source"] for item in first["items"]}
    assert shop.client.delete(f"/v1/users/{user}").json == {"events": 1, "reviews": 0}
    assert "interest" not in {item["source"] for item in ask(shop, path, k=5)["items"]}
    gone = shop.client.get(f"/v1/recommendations/{first['recommendation_id']}")
    assert gone.status_code == 404
