"""Browse pages, and what holds for all pages."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from web_fixtures import pages_from, read, shop

from backend.catalog.products import ProductData, put_product
from backend.database.connection import Database
from backend.web import shop as shop_pages

__all__ = ["shop"]

ALL = [f"P{number:02}" for number in range(20, 0, -1)]

PAGES = [
    "/",
    "/c/Clothes",
    "/p/P01",
    "/p/P01/similar",
    "/search",
    "/search?q=red&in=Clothes&stock=1",
    "/admin",
    "/admin/new",
    "/admin/products/P01",
    "/nowhere",
]


def test_front_page_shows_the_newest_first_with_the_top_categories(shop: FlaskClient) -> None:
    page = read(shop, "/")
    assert page.cards == ALL
    assert page.links("/c/") == ["/c/Clothes", "/c/Home", "/c/Shoes"]
    assert "10 products" in page.text


@pytest.mark.parametrize("path", ["/", "/c/Clothes"])
def test_paging_there_and_back_neither_repeats_nor_skips(
    shop: FlaskClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ALL if path == "/" else ALL[10:]
    monkeypatch.setattr(shop_pages, "CARDS", 3)
    there = list(pages_from(shop, path, "next"))
    assert [sku for page in there for sku in page.cards] == expected
    assert [len(page.cards) for page in there[:-1]] == [3] * (len(there) - 1)
    assert there[0].link("prev") is None
    back = list(pages_from(shop, there[-1].link("prev"), "prev"))
    assert [page.cards for page in back] == [page.cards for page in there[-2::-1]]


def test_category_page_shows_its_subtree_with_counts_and_the_way_to_it(shop: FlaskClient) -> None:
    page = read(shop, "/c/Clothes/Coats")
    assert set(page.cards) == {f"P{number:02}" for number in range(6, 11)}
    assert page.links("/c/Clothes")[:3] == ["/c/Clothes", "/c/Clothes/Coats", "/c/Clothes/Shirts"]
    assert "5 products" in page.text


def test_empty_shop_says_how_to_fill_it(shop: FlaskClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute("DELETE FROM products")
    assert "shelfmate import" in read(shop, "/").text
    assert read(shop, "/c/Clothes").cards == []


def test_what_does_not_exist_is_a_page_in_the_shops_look(shop: FlaskClient, subtests: pytest.Subtests) -> None:
    for path in ("/c/Nowhere", "/c/Clothes/Nowhere", "/p/nobody", "/p/nobody/similar", "/nowhere", "/admin/nothing"):
        with subtests.test(path=path):
            page = read(shop, path, 404)
            assert "This shelf is empty" in page.text
            assert "/" in page.links()


def test_a_cursor_that_is_none_of_ours_is_refused(shop: FlaskClient) -> None:
    for path in ("/?after=nonsense", "/?before=cHJvZHVjdHM6MQ", "/c/Clothes?after=x"):
        assert "next_cursor" in read(shop, path, 400).text


def test_every_page_forbids_what_it_does_not_need(
    shop: FlaskClient, drain: Callable[[], int], subtests: pytest.Subtests
) -> None:
    drain()
    for path in PAGES:
        with subtests.test(path=path):
            response = shop.get(path)
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", response.text)
            assert not re.search(r"<script(?![^>]*\ssrc=)", response.text)
            assert not re.search(r"""(?:src|href|action|srcset)=["'](?:https?:)?//""", response.text)


def test_markup_in_the_catalogue_is_shown_and_not_run(shop: FlaskClient, database: Database) -> None:
    nasty = '<script>alert(1)</script> " onclick="x'
    put_product(
        database,
        "X1",
        ProductData(nasty, nasty, nasty, 'A "b" <i>/c', attributes={"<b>": nasty, "list": [nasty, {"a": 1}]}),
    )
    for path in (
        "/",
        "/c/A%20%22b%22%20%3Ci%3E/c",
        "/p/X1",
        "/admin/products/X1",
        "/search?q=<script>alert(1)</script>",
    ):
        response = shop.get(path)
        assert response.status_code == 200
        assert "<script>" not in response.text
        assert ' onclick="x' not in response.text
        assert "<i>" not in response.text


def test_any_sku_is_reached_by_its_own_links(shop: FlaskClient, database: Database, subtests: pytest.Subtests) -> None:
    for sku in ("a b", "ü?x=1", "100%", "#1", "a+b&c"):
        with subtests.test(sku=sku):
            put_product(database, sku, ProductData("odd", category="Odd/Things"))
            page = read(shop, read(shop, "/c/Odd").links("/p/")[0])
            assert f"SKU {sku}" in page.text
            assert read(shop, page.links("/admin/products/")[0]).fields["sku"] == sku
            part = next(given["data-fragment"] for _, given in page.tags if "data-fragment" in given)
            assert "Being embedded" in read(shop, str(part)).text
