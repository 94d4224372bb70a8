"""Pages of frozen lists: nothing twice, nothing skipped, nothing outside the filter, whatever changes meanwhile."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from uuid import uuid4

import pytest
from api_fixtures import conforming_client
from psycopg.conninfo import make_conninfo
from recommendation_fixtures import Shop, own_shop, shop, skus_of
from small_catalogue import drain

from backend.app import create_app
from backend.database.connection import Database
from backend.errors import Expired
from backend.recommend import frozen
from backend.spaces.embedder import Embedder

__all__ = ["own_shop", "shop"]

LIKE = {"like": [{"sku": "SKU-003"}]}
TOPS = {"filter": {"all": [{"field": "category", "under": "Apparel"}, {"field": "in_stock", "eq": True}]}}


def create_second_space(shop: Shop) -> None:
    """Another active space, with vectors of its own."""
    shop.run("SELECT create_space('second', 'hashing:16', '2', '{title}', 16, 1, NULL, NULL, 0, 0)")
    drain(shop.database, shop.settings)
    shop.run("SELECT activate_space('second')")


@pytest.mark.parametrize("k", [1, 7, 100, 314])
def test_pages_follow_the_ranking_to_its_end(shop: Shop, k: int) -> None:
    query = LIKE | TOPS
    first = shop.ask(query | {"k": k})
    pages = [first, *islice(shop.pages_after(first), 400)]
    assert all(len(page["items"]) == k for page in pages[:-2])
    found = [(item["sku"], item["score"]) for page in pages for item in page["items"]]
    assert found == shop.ranked(query | {"k": 1000, "exact": True})
    assert pages[-1]["next_cursor"] is None
    assert {page["recommendation_id"] for page in pages} == {first["recommendation_id"]}


def test_pages_may_differ_in_size(shop: Shop) -> None:
    answer = shop.ask(LIKE | {"k": 5})
    found = skus_of(answer)
    for k in cycle((1, 9, 40)):
        if answer["next_cursor"] is None:
            break
        answer = shop.page(answer["recommendation_id"], answer["next_cursor"], k)
        assert len(answer["items"]) <= k
        found += skus_of(answer)
    assert found == [sku for sku, _ in shop.ranked(LIKE | {"k": 1000})]


@pytest.mark.parametrize("statement", ["page_recommendation(%s, 5, 5)", "explain_recommendation(%s, 'SKU-010')"])
def test_a_list_that_is_deleted_while_it_is_read_has_expired(shop: Shop, statement: str) -> None:
    list_id = shop.ask(LIKE | {"k": 5})["recommendation_id"]

    def read() -> object:
        with shop.database.primary() as connection, connection.transaction():
            connection.execute("SET LOCAL statement_timeout = '90s'")
            return connection.execute(f"SELECT {statement}".encode(), [list_id]).fetchone()

    with ThreadPoolExecutor(1) as threads:
        with shop.database.write() as deleting:
            deleting.execute("DELETE FROM recommendations WHERE id = %s", [list_id])
            reading = threads.submit(read)
            until = time.monotonic() + 60
            waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            while not shop.rows(waiting):
                assert time.monotonic() < until
                time.sleep(0.01)
        with pytest.raises(Expired):
            reading.result(120)


def test_json_null_is_no_example(shop: Shop) -> None:
    query = {"like": None, "unlike": None, "fallback": True, "k": 5}
    first = frozen.recommend(shop.database, query, kind="test", seconds=60)
    second = frozen.read_page(shop.database, first.list_id, after=5)
    assert len(json.loads(second.items)) == 5


def test_a_page_read_again_is_the_same(shop: Shop) -> None:
    first = shop.ask(LIKE | {"k": 6})
    assert shop.page(first["recommendation_id"]) == first
    second = shop.page(first["recommendation_id"], first["next_cursor"])
    assert shop.page(first["recommendation_id"], first["next_cursor"]) == second
    assert shop.page(first["recommendation_id"]) == first
    assert skus_of(shop.page(first["recommendation_id"], k=10)) == (skus_of(first) + skus_of(second))[:10]


def test_the_similar_route_pages_by_itself_too(shop: Shop) -> None:
    address = "/v1/products/SKU-003/similar?category=Apparel&in_stock=true"
    answer = shop.client.get(f"{address}&k=20").json
    found = skus_of(answer)
    while answer["next_cursor"] is not None:
        answer = shop.client.get(f"{address}&cursor={answer['next_cursor']}").json
        found += skus_of(answer)
    assert found == [sku for sku, _ in shop.ranked(LIKE | TOPS | {"k": 1000})]
    first = shop.client.get(f"{address}&k=20").json
    cursor = first["next_cursor"]
    pages = [
        shop.client.get(f"/v1/products/SKU-003/similar?cursor={cursor}").json,
        shop.client.get(f"{address}&k=20&cursor={cursor}").json,
        shop.page(first["recommendation_id"], cursor),
    ]
    assert pages[0] == pages[1] == pages[2]
    for other in (
        f"/v1/products/SKU-004/similar?cursor={cursor}",
        f"/v1/products/SKU-003/similar?category=Bags&cursor={cursor}",
        f"{address}&w_text=1&cursor={cursor}",
    ):
        refused = shop.client.get(other)
        assert (refused.status_code, refused.json["type"]) == (400, "/problems/invalid-cursor")
    cursor = shop.ask(LIKE | {"k": 3})["next_cursor"]
    assert shop.client.get(f"/v1/products/SKU-003/similar?cursor={cursor}").status_code == 400


def test_two_requests_for_the_same_page_get_the_same(shop: Shop) -> None:
    for _ in range(5):
        first = shop.ask(LIKE | {"k": 4})
        asked = [(first["recommendation_id"], first["next_cursor"])] * 8
        with ThreadPoolExecutor(4) as pool:
            pages = list(
                pool.map(lambda item: Shop(shop.new_client(), shop.database, shop.settings).page(*item), asked)
            )
        assert all(page == pages[0] for page in pages)
        statement = "SELECT jsonb_array_length(items) FROM recommendations WHERE id = %s"
        assert shop.rows(statement, first["recommendation_id"]) == [(314,)]


def test_what_no_longer_matches_is_left_out_and_the_others_keep_their_order(own_shop: Shop) -> None:
    query = LIKE | {"filter": {"field": "price", "lt": 60}}
    expected = [sku for sku, _ in own_shop.ranked(query | {"k": 1000})]
    first = own_shop.ask(query | {"k": 10})
    second = own_shop.page(first["recommendation_id"], first["next_cursor"])
    dearer, deleted, hidden, back = expected[25], expected[27], expected[33], expected[40]
    own_shop.run("UPDATE products SET price = 70 WHERE sku = ANY (%s)", [dearer, back])
    own_shop.run("DELETE FROM products WHERE sku = %s", deleted)
    own_shop.run(
        "INSERT INTO ranking_rules (name, action, filter)"
        " VALUES ('gone', 'hide', jsonb_build_object('field', 'sku', 'eq', %s::text))",
        hidden,
    )
    third = own_shop.page(first["recommendation_id"], second["next_cursor"])
    own_shop.run("UPDATE products SET price = 50 WHERE sku = %s", back)
    found = skus_of(first) + skus_of(second) + skus_of(third)
    found += [sku for page in own_shop.pages_after(third) for sku in skus_of(page)]
    assert found == [sku for sku in expected if sku not in {dearer, deleted, hidden}]
    assert len(third["items"]) == 10


def test_new_products_do_not_push_into_a_list(own_shop: Shop) -> None:
    by_text = LIKE | {"weights": {"text": 1}}
    first = own_shop.ask(by_text | {"k": 10})
    expected = [sku for sku, _ in own_shop.ranked(by_text | {"k": 1000})]
    own_shop.run(
        "INSERT INTO products (sku, title)"
        " SELECT 'NEW-' || n, p.title FROM products p, generate_series(1, 3) n WHERE p.sku = 'SKU-003'"
    )
    drain(own_shop.database, own_shop.settings)
    assert {"NEW-1", "NEW-2", "NEW-3"} <= set(skus_of(own_shop.ask(by_text | {"k": 10})))
    found = skus_of(first) + [sku for page in own_shop.pages_after(first) for sku in skus_of(page)]
    assert found == expected


def test_edits_between_the_first_pages_push_nothing_over_the_end_of_a_long_list(own_shop: Shop) -> None:
    """With more matches than a list is deep: what was in it is in it, wherever edits moved it, and pushed what out."""
    own_shop.run(
        "INSERT INTO products (sku, title) SELECT 'MORE-' || n, p.title || ' ' || n %% %s"
        " FROM generate_series(1, 1200) n JOIN products p ON p.sku = 'SKU-' || lpad((n %% 300)::text, 3, '0')",
        7,
    )
    drain(own_shop.database, own_shop.settings)
    own_shop.run("UPDATE product_embeddings SET embedded_at = now() - interval '1 hour'")
    expected = [sku for sku, _ in own_shop.ranked(LIKE | {"k": 1000})]
    everything = {sku for (sku,) in own_shop.rows("SELECT sku FROM products")}
    first = own_shop.ask(LIKE | {"k": 10})
    away, near = expected[400:1000:20], sorted(everything - {*expected, "SKU-003"})[:90]
    own_shop.run("UPDATE products SET title = 'qqq ' || sku WHERE sku = ANY (%s)", away)
    own_shop.run(
        "UPDATE products SET title = (SELECT title FROM products WHERE sku = 'SKU-003') WHERE sku = ANY (%s)", near
    )
    drain(own_shop.database, own_shop.settings)
    assert len(set(expected) - {sku for sku, _ in own_shop.ranked(LIKE | {"k": 1000})}) > 40
    found = skus_of(first) + [sku for page in own_shop.pages_after(first, 50) for sku in skus_of(page)]
    assert len(found) == len(set(found))
    assert set(expected) <= set(found)
    kept = set(expected) - set(away)
    assert [sku for sku in found if sku in kept] == [sku for sku in expected if sku in kept]
    assert len(found) <= 1000 + len(away) + len(near)
    (left_out, *_) = everything - {*found, "SKU-003"}
    said = own_shop.client.get(f"/v1/recommendations/{first['recommendation_id']}/explain/{left_out}").json
    assert [reason["reason"] for reason in said["reasons"]] == ["rank"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE products SET title = 'something else' WHERE sku = 'SKU-003'",
        "DELETE FROM products WHERE sku = 'SKU-003'",
    ],
)
def test_an_example_that_is_edited_or_deleted_keeps_its_vectors_of_then(own_shop: Shop, change: str) -> None:
    query = {"like": [{"sku": "SKU-003"}, {"sku": "SKU-010", "weight": 0.5}], "unlike": [{"sku": "SKU-020"}]}
    expected = own_shop.ranked(query | {"k": 1000})
    first = own_shop.ask(query | {"k": 10})
    own_shop.run(change)
    drain(own_shop.database, own_shop.settings)
    items = first["items"] + [item for page in own_shop.pages_after(first, 1000) for item in page["items"]]
    assert [item["sku"] for item in items] != expected
    assert {item["sku"] for item in items} == {sku for sku, _ in expected}
    assert len(items) == len(expected)
    # Taken from the fused halves: a score may differ in its fourth digit, and near ties change places.
    scores = dict(expected)
    assert all(item["score"] == pytest.approx(scores[item["sku"]], abs=2e-3) for item in items)


def test_an_example_that_never_had_vectors_may_be_deleted(own_shop: Shop) -> None:
    own_shop.run("INSERT INTO products (sku, title, category) VALUES ('WAITING', 'Waiting', 'Bags')")
    first = own_shop.ask({"like": [{"sku": "WAITING"}], "fallback": True, "k": 10})
    assert first["source"] in {"popular", "newest", "mixed"}
    said = own_shop.client.get(f"/v1/recommendations/{first['recommendation_id']}/explain/WAITING").json
    assert "example" in [reason["reason"] for reason in said["reasons"]]
    other = own_shop.ask({"like": [{"sku": "WAITING"}], "fallback": True, "k": 10})
    own_shop.run("DELETE FROM products WHERE sku = 'WAITING'")
    found = skus_of(other) + [sku for page in own_shop.pages_after(other, 100) for sku in skus_of(page)]
    assert len(found) == len(set(found)) == 315


def test_one_per_variant_group_holds_across_pages(shop: Shop) -> None:
    query = LIKE | {"one_per_variant_group": True}
    first = shop.ask(query | {"k": 9})
    items = first["items"] + [item for page in shop.pages_after(first) for item in page["items"]]
    groups = [item["variant_group"] for item in items]
    assert len(groups) == len(set(groups)) == 63
    assert [item["sku"] for item in items] == [sku for sku, _ in shop.ranked(query | {"k": 1000})]
    assert all(len(item["variants"]) in {3, 4} for item in items)
    assert shop.page(first["recommendation_id"]) == first


def test_every_page_is_answered_by_the_space_of_the_first(own_shop: Shop) -> None:
    expected = own_shop.ranked(LIKE | {"k": 1000})
    first = own_shop.ask(LIKE | {"k": 10})
    create_second_space(own_shop)
    pages = list(own_shop.pages_after(first, 100))
    assert {page["space"] for page in pages} == {"default"}
    assert own_shop.ask(LIKE)["space"] == "second"
    found = [(item["sku"], item["score"]) for page in [first, *pages] for item in page["items"]]
    assert found == expected
    cursor = own_shop.ask(LIKE | {"space": "default"})["next_cursor"]
    own_shop.run("DELETE FROM embedding_jobs WHERE space_id = 1")
    own_shop.run("DROP TABLE product_embeddings_1")
    own_shop.run("DELETE FROM embedding_spaces WHERE id = 1")
    gone = own_shop.client.get(f"/v1/recommendations/{first['recommendation_id']}")
    assert (gone.status_code, gone.json["type"]) == (410, "/problems/expired")
    assert "was dropped" in gone.json["detail"]
    assert own_shop.client.get(f"/v1/products/SKU-003/similar?cursor={cursor}").status_code == 410


def test_cursors_of_other_lists_and_changed_ones_are_refused(shop: Shop) -> None:
    one, other = shop.ask(LIKE | {"k": 3}), shop.ask(LIKE | {"k": 3})
    changed = one["next_cursor"][:-1] + ("A" if one["next_cursor"][-1] != "A" else "B")
    products = shop.client.get("/v1/products?limit=1").json["next_cursor"]
    for cursor in (other["next_cursor"], changed, products, "", "x", "\0"):
        response = shop.client.get(f"/v1/recommendations/{one['recommendation_id']}", query_string={"cursor": cursor})
        assert (response.status_code, response.json["type"]) == (400, "/problems/invalid-cursor"), cursor
        assert [error["field"] for error in response.json["errors"]] == ["cursor"]


def test_an_expired_list_is_gone_and_an_unknown_one_was_never_there(shop: Shop) -> None:
    first = shop.ask(LIKE | {"k": 3})
    address = f"/v1/recommendations/{first['recommendation_id']}"
    (seconds,) = shop.rows(
        "SELECT extract(epoch FROM expires_at - created_at)::float8 FROM recommendations WHERE id = %s",
        first["recommendation_id"],
    )
    assert seconds == (shop.settings.recommendation_ttl,)
    shop.run("UPDATE recommendations SET expires_at = now() WHERE id = %s", first["recommendation_id"])
    for path in (address, f"{address}?cursor={first['next_cursor']}", f"{address}/explain/SKU-004"):
        gone = shop.client.get(path)
        assert (gone.status_code, gone.json["type"]) == (410, "/problems/expired")
        assert "ask again" in gone.json["detail"]
    shop.run("DELETE FROM recommendations WHERE id = %s", first["recommendation_id"])
    assert shop.client.get(f"{address}?cursor={first['next_cursor']}").status_code == 410
    for path in (address, f"/v1/recommendations/{uuid4()}", "/v1/recommendations/none", f"{address}/explain/SKU-004"):
        assert shop.client.get(path).status_code == 404


def test_a_replica_ranks_and_the_primary_keeps_the_list(shop: Shop) -> None:
    replica = make_conninfo(
        shop.database.dsn, options="-csearch_path=shelfmate,public -cdefault_transaction_read_only=on"
    )
    with Database(shop.database.dsn, replica) as database:
        client = conforming_client(create_app(database, Embedder(), shop.settings))
        first = client.post("/v1/recommendations", json=LIKE | {"k": 5}).json
        assert first["items"] == shop.ask(LIKE | {"k": 5})["items"]
        assert shop.page(first["recommendation_id"]) == first
        assert [len(page["items"]) for page in shop.pages_after(first, 400)] == [309]
        assert client.post("/v1/recommendations", json=LIKE | {"k": 1000}).json["next_cursor"] is None
        few = LIKE | {"filter": {"field": "sku", "eq": "SKU-004"}}
        assert client.post("/v1/recommendations", json=few).json["next_cursor"] is None
        assert client.post("/v1/recommendations", json={"like": [{"sku": "none"}]}).status_code == 404
    # Both ways keep the same of a list.
    kept = "SELECT r.vectors::text, r.query, r.mode, r.items->0 FROM recommendations r WHERE r.id = %s"
    other = shop.ask(LIKE | {"k": 5})["recommendation_id"]
    assert shop.rows(kept, first["recommendation_id"]) == shop.rows(kept, other)


def test_a_list_that_is_shorter_than_asked_for_ends_at_once(shop: Shop) -> None:
    few = LIKE | {"filter": {"field": "sku", "in": ["SKU-001", "SKU-002"]}}
    assert shop.ask(few | {"k": 3})["next_cursor"] is None
    assert shop.ask(LIKE | {"k": 1000})["next_cursor"] is None
    nothing = shop.ask(LIKE | {"filter": {"field": "sku", "eq": "none"}})
    assert (nothing["items"], nothing["next_cursor"]) == ([], None)
    assert shop.page(nothing["recommendation_id"]) == nothing
    # Whether anything follows a full page is only known once it is asked for.
    full = shop.ask(few | {"k": 2})
    (last,) = shop.pages_after(full)
    assert (last["items"], last["next_cursor"]) == ([], None)


@pytest.mark.parametrize("k", ["0", "1001", "ten", "-1"])
def test_a_page_size_that_does_not_fit_is_refused(shop: Shop, k: str) -> None:
    first = shop.ask(LIKE | {"k": 3})
    response = shop.client.get(f"/v1/recommendations/{first['recommendation_id']}?k={k}")
    assert response.status_code == 400
    assert [error["field"] for error in response.json["errors"]] == ["k"]
