"""Products of the catalogue over a real database: what is stored, replaced, merged, refused and queued."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from backend.catalog.bulk import PutResult, put_many
from backend.catalog.products import (
    ProductData,
    delete_product,
    get_product,
    get_products,
    list_products,
    patch_product,
    put_product,
)
from backend.database.connection import Database
from backend.errors import InvalidInput, NotFound
from backend.spaces.jobs import count_jobs

SHIRT = ProductData(
    title="Red linen shirt",
    description="Cool in summer",
    brand="Nord",
    category="Apparel/Topwear/Shirts",
    price=Decimal("19.99"),
    currency="EUR",
    in_stock=False,
    variant_group="linen-shirt",
    attributes={"season": "Summer", "sizes": ["S", "M"], "care": {"wash": 30, "iron": True}},
)


def test_a_put_product_comes_back_as_it_was_given(database: Database) -> None:
    stored, created = put_product(database, "A1", SHIRT)
    assert created
    assert stored == get_product(database, "A1")
    assert ProductData(**{name: getattr(stored, name) for name in vars(SHIRT)}) == SHIRT
    assert (stored.embedding, stored.images) == ("pending", [])


def test_a_second_put_replaces_every_field(database: Database) -> None:
    first, _ = put_product(database, "A1", SHIRT)
    second, created = put_product(database, "A1", ProductData(title="Plain"))
    assert not created
    assert second.id == first.id
    assert ProductData(**{name: getattr(second, name) for name in vars(SHIRT)}) == ProductData(title="Plain")


def test_putting_the_same_again_changes_nothing(database: Database, drain: Callable[[], int]) -> None:
    first, _ = put_product(database, "A1", SHIRT)
    drain()
    again, created = put_product(database, "A1", SHIRT)
    assert not created
    assert again.updated_at == first.updated_at
    assert count_jobs(database).waiting == 0


def test_only_a_changed_text_is_embedded_again(database: Database, drain: Callable[[], int]) -> None:
    put_product(database, "A1", SHIRT)
    assert drain() == 1
    assert get_product(database, "A1").embedding == "embedded"
    patch_product(database, "A1", {"price": Decimal("5.00"), "in_stock": True})
    assert get_product(database, "A1").embedding == "embedded"
    assert patch_product(database, "A1", {"title": "Blue linen shirt"}).embedding == "pending"


def test_a_dead_job_shows_as_failed(database: Database) -> None:
    put_product(database, "A1", SHIRT)
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET state = 'dead'")
    assert get_product(database, "A1").embedding == "failed"


def test_a_patch_merges_attributes_and_resets_nulls(database: Database) -> None:
    put_product(database, "A1", SHIRT)
    patched = patch_product(
        database,
        "A1",
        {"brand": None, "in_stock": None, "attributes": {"season": None, "care": {"iron": None, "dry": "flat"}}},
    )
    assert (patched.brand, patched.in_stock, patched.title) == (None, True, SHIRT.title)
    assert patched.attributes == {"sizes": ["S", "M"], "care": {"wash": 30, "dry": "flat"}}
    assert patch_product(database, "A1", {"attributes": None}).attributes == {}


def test_patches_of_different_fields_at_once_are_both_kept(database: Database) -> None:
    put_product(database, "A1", SHIRT)
    patches = [Thread(target=patch_product, args=(database, "A1", {"attributes": {f"n{n}": n}})) for n in range(6)]
    for thread in patches:
        thread.start()
    for thread in patches:
        thread.join()
    assert {f"n{n}" for n in range(6)} <= get_product(database, "A1").attributes.keys()


def test_delete_removes_the_product_once(database: Database) -> None:
    put_product(database, "A1", SHIRT)
    delete_product(database, "A1")
    for gone in (get_product, delete_product):
        with pytest.raises(NotFound, match="A1"):
            gone(database, "A1")
    with pytest.raises(NotFound, match="A1"):
        patch_product(database, "A1", {"title": "x"})


def test_what_does_not_fit_is_refused_by_field(database: Database, subtests: pytest.Subtests) -> None:
    # Incompressible, so that no page of an index holds it.
    long = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(2000))
    cases: list[tuple[str, dict[str, Any], str | None]] = [
        ("a/b", {}, "sku"),
        ("", {}, "sku"),
        ("x" * 201, {}, "sku"),
        ("A1", {"title": "  "}, "title"),
        ("A1", {"title": None}, "title"),
        ("A1", {"title": "t" * 1001}, "title"),
        ("A1", {"price": Decimal(-1)}, "price"),
        ("A1", {"price": Decimal("NaN")}, "price"),
        ("A1", {"price": Decimal(10) ** 10}, None),
        ("A1", {"currency": "eur"}, "currency"),
        ("A1", {"category": "A//B"}, "category"),
        ("A1", {"category": "/A"}, "category"),
        ("A1", {"category": long[:1000]}, "category"),
        ("A1", {"brand": long}, "brand"),
        ("A1", {"variant_group": long}, "variant_group"),
        ("A1", {"attributes": [1]}, "attributes"),
        ("A1", {"description": "nul \0"}, None),
        ("A1", {"description": "half \ud800"}, None),
        ("A1", {"attributes": {"k": "nul \0"}}, None),
        ("A1", {"attributes": {"k": float("nan")}}, None),
    ]
    for sku, changes, field in cases:
        with subtests.test(sku=sku[:5], changes=str(changes)[:40]):
            with pytest.raises(InvalidInput) as caught:
                put_product(database, sku, replace(SHIRT, **changes))
            assert caught.value.field == field
    assert list_products(database).items == []


def test_a_patch_names_unknown_and_required_fields(database: Database) -> None:
    put_product(database, "A1", SHIRT)
    with pytest.raises(InvalidInput, match="unknown field") as unknown:
        patch_product(database, "A1", {"colour": "red"})
    assert unknown.value.field == "colour"
    with pytest.raises(InvalidInput, match="required") as required:
        patch_product(database, "A1", {"title": None})
    assert required.value.field == "title"


def test_pages_cover_the_catalogue_once_while_it_grows(database: Database) -> None:
    put_many(database, [(f"P{n}", replace(SHIRT, title=f"Shirt {n}")) for n in range(10)])
    seen: list[str] = []
    cursor = None
    while True:
        page = list_products(database, limit=3, cursor=cursor)
        seen += [product.sku for product in page.items]
        put_product(database, f"new-{len(seen)}", SHIRT) if len(seen) < 9 else None
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert seen[:10] == [f"P{n}" for n in range(10)]


def test_a_page_that_ends_the_list_has_no_cursor(database: Database) -> None:
    put_many(database, [(f"P{n}", SHIRT) for n in range(4)])
    assert list_products(database, limit=4).next_cursor is None
    assert list_products(database, limit=3).next_cursor is not None


def test_a_category_takes_its_subtree_and_nothing_beside_it(database: Database) -> None:
    for sku, category in [("1", "A/B"), ("2", "A/B/C"), ("3", "A/Bc"), ("4", "A"), ("5", None)]:
        put_product(database, sku, replace(SHIRT, category=category))
    assert [product.sku for product in list_products(database, category="A/B").items] == ["1", "2"]
    assert [product.sku for product in list_products(database, category="A", limit=3).items] == ["1", "2", "3"]
    with pytest.raises(InvalidInput, match="A/X") as caught:
        list_products(database, category="A/X")
    assert caught.value.field == "category"


def test_get_products_leaves_out_the_unknown(database: Database) -> None:
    put_product(database, "A1", SHIRT)
    assert list(get_products(database, ["A1", "nobody"])) == ["A1"]


def test_bulk_answers_for_each_item_and_bad_ones_cost_the_others_nothing(database: Database) -> None:
    put_product(database, "old", SHIRT)
    put_product(database, "same", SHIRT)
    items = [(f"N{n}", SHIRT) for n in range(20)]
    items[7] = ("N7", replace(SHIRT, price=Decimal(-1)))
    items[13] = ("bad/sku", SHIRT)
    results = put_many(database, [*items, ("old", replace(SHIRT, title="New")), ("same", SHIRT)])
    assert [result.sku for result in results] == [sku for sku, _ in items] + ["old", "same"]
    expected = ["created"] * 20 + ["replaced", "unchanged"]
    expected[7] = expected[13] = "refused"
    assert [result.status for result in results] == expected
    assert [result.problem.field for result in results if isinstance(result.problem, InvalidInput)] == ["price", "sku"]
    assert len(list_products(database, limit=100).items) == 20


def test_bulk_puts_a_repeated_sku_in_order(database: Database) -> None:
    results = put_many(database, [("A1", replace(SHIRT, title=title)) for title in ("one", "two", "two")])
    assert [result.status for result in results] == ["created", "replaced", "unchanged"]
    assert get_product(database, "A1").title == "two"
    assert put_many(database, []) == []


def test_bulks_over_the_same_skus_in_other_orders_do_not_deadlock(database: Database) -> None:
    items = [(f"P{n}", replace(SHIRT, category=f"C{n % 7}/D{n % 5}")) for n in range(60)]
    results: list[list[PutResult]] = []

    def put(order: int) -> None:
        titled = [(sku, replace(data, title=f"{sku} {order}")) for sku, data in items]
        results.append(put_many(database, titled if order % 2 else titled[::-1]))

    threads = [Thread(target=put, args=(order,)) for order in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert {result.status for bulk in results for result in bulk} <= {"created", "replaced"}
