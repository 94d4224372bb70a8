"""The admin's pages."""

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from web_fixtures import Page, read, shop

from backend.catalog.images import list_images
from backend.catalog.products import ProductData, get_product, get_products, put_product
from backend.database.connection import Database
from backend.spaces.jobs import count_jobs
from backend.web import admin
from tests.pictures import jpeg

__all__ = ["shop"]

HERE = {"Sec-Fetch-Site": "same-origin"}

NEW = {
    "sku": "N1",
    "title": "grey linen shirt",
    "description": "Light.\r\nAiry.",
    "brand": "",
    "category": "Clothes/Shirts/Summer",
    "price": "49.90",
    "currency": "EUR",
    "variant_group": "",
    "attributes": '{"size": ["S", "M"], "organic": true}',
    "in_stock": "1",
}


def photo(content: bytes = jpeg(0x808080, 64)) -> dict[str, tuple[io.BytesIO, str]]:
    """The file field of the form."""
    return {"photo": (io.BytesIO(content), "shirt.jpg")}


def test_added_product_with_its_photo_becomes_recommendable(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    response = shop.post("/admin/new", data=NEW | photo(), headers=HERE)
    assert (response.status_code, response.location) == (303, "/admin/products/N1?saved=1")
    stored = get_product(database, "N1")
    assert (stored.description, stored.brand, str(stored.price)) == ("Light.\nAiry.", None, "49.90")
    assert stored.attributes == {"size": ["S", "M"], "organic": True}
    assert list_images(database, "N1")[0].width == 64
    page = read(shop, response.location)
    assert "Saved." in page.text
    assert "Being embedded" in page.text
    drain()
    page = read(shop, "/admin/products/N1/state")
    assert "Recommendable" in page.text
    assert not any("data-again" in given for _, given in page.tags)
    assert "N1" in read(shop, "/p/P01/similar").cards


def test_adding_a_sku_that_exists_changes_nothing(shop: FlaskClient, database: Database) -> None:
    before = get_product(database, "P01")
    response = shop.post("/admin/new", data=NEW | {"sku": "P01"}, headers=HERE)
    assert response.status_code == 422
    assert "exists already" in response.text
    assert get_product(database, "P01") == before


def test_a_wrong_field_is_named_and_everything_typed_is_kept(
    shop: FlaskClient, database: Database, subtests: pytest.Subtests
) -> None:
    for field, value, message in [
        ("sku", "a/b", "without a slash"),
        ("title", "  ", "must not be blank"),
        ("price", "cheap", "must be a number"),
        ("price", "-1", "must not be negative"),
        ("price", "NaN", "must be a finite number"),
        ("currency", "Euro", "three capital letters"),
        ("category", "a//b", "names joined by slashes"),
        ("attributes", "{", "is not JSON"),
        ("attributes", "[1]", "must be an object"),
        ("attributes", '{"a": NaN}', "no number of JSON"),
        ("attributes", '{"a": ' + "9" * 5000 + "}", "too many digits"),
        ("attributes", "[" * 100_000, "nested too deep"),
    ]:
        with subtests.test(field=field, value=value, message=message):
            sent = NEW | {field: value}
            response = shop.post("/admin/new", data=sent, headers=HERE)
            assert response.status_code == 422
            page = Page(response.text)
            assert message.lower() in page.text.lower()
            assert {name: text.replace("\r\n", "\n") for name, text in sent.items()}.items() <= page.fields.items()
            assert [given["name"] for _, given in page.tags if given.get("aria-invalid") == "true"] == [field]
            assert get_products(database, [sent["sku"]]) == {}


def test_a_broken_photo_saves_nothing_at_all(shop: FlaskClient, database: Database, subtests: pytest.Subtests) -> None:
    for path in ("/admin/new", "/admin/products/P01"):
        with subtests.test(path=path):
            before = get_product(database, "P01")
            response = shop.post(path, data=NEW | photo(jpeg(1, 64)[:300]), headers=HERE)
            assert response.status_code == 422
            assert "damaged" in response.text
            assert get_products(database, ["N1"]) == {}
            assert get_product(database, "P01") == before


def test_saving_an_untouched_form_changes_nothing_and_embeds_nothing(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    drain()
    put_product(
        database,
        "P01",
        ProductData('a <b> & "c"', "\n\nfirst\n\tlast  ", attributes={"ü": [1, 2.5, None], "a": {"b": False}}),
    )
    drain()
    before = get_product(database, "P01")
    fields = read(shop, "/admin/products/P01").fields
    as_sent = {name: value.replace("\n", "\r\n") for name, value in fields.items() if name != "q"}
    response = shop.post("/admin/products/P01", data=as_sent, headers=HERE)
    assert response.status_code == 303
    assert get_product(database, "P01") == before
    assert count_jobs(database).waiting == 0


def test_an_edit_replaces_the_product_and_keeps_its_photo(shop: FlaskClient, database: Database) -> None:
    fields = read(shop, "/admin/products/P01").fields | {"title": "crimson shirt", "sku": "P02"}
    del fields["in_stock"]
    assert shop.post("/admin/products/P01", data=fields, headers=HERE).status_code == 303
    edited = get_product(database, "P01")
    assert (edited.title, edited.in_stock) == ("crimson shirt", False)
    assert len(list_images(database, "P01")) == 1
    assert get_product(database, "P02").title == "blue linen shirt"


def test_a_form_sent_from_elsewhere_changes_nothing(
    shop: FlaskClient, database: Database, subtests: pytest.Subtests
) -> None:
    with database.write() as connection:
        connection.execute("UPDATE embedding_jobs SET state = 'dead'")
    for path in ("/admin/new", "/admin/products/P01", "/admin/products/P01/delete", "/admin/retry"):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}, {}):
            with subtests.test(path=path, headers=headers):
                assert shop.post(path, data=NEW, headers=headers).status_code == 403
    assert count_jobs(database).dead == 20
    assert get_products(database, ["N1"]) == {}
    assert get_product(database, "P01").title == "red linen shirt"


def test_dead_jobs_are_shown_with_their_error_and_can_be_tried_again(shop: FlaskClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute(
            "UPDATE embedding_jobs SET state = 'dead', attempts = 5, last_error = 'the <b>file</b> is cut short'"
            " WHERE product_id IN (SELECT id FROM products WHERE sku IN ('P01', 'P02', 'P03'))"
        )
    page = read(shop, "/admin")
    assert "the <b>file</b> is cut short" in page.text
    assert "Dead 3" in page.text
    assert "Waiting 17" in page.text
    assert "cut short" in read(shop, "/admin/products/P02").text
    shop.post("/admin/retry", data={"sku": "P02"}, headers=HERE)
    assert (count_jobs(database).dead, count_jobs(database).queued) == (2, 18)
    shop.post("/admin/retry", headers=HERE)
    assert (count_jobs(database).dead, count_jobs(database).queued) == (0, 20)


def test_overview_counts_what_the_worker_did(shop: FlaskClient, drain: Callable[[], int]) -> None:
    drain()
    text = read(shop, "/admin/state").text
    assert "Waiting 0" in text
    assert "Rate, last minute 0.3 /s" in text
    assert "20 embedded, 0 waiting" in text
    assert "Products 20 With a photograph 16 In stock 16 Categories 7 Reviews 0" in text


def test_product_is_found_by_its_sku(shop: FlaskClient) -> None:
    assert shop.get("/admin/products?sku=+P01+").location == "/admin/products/P01"
    away = shop.get("/admin/products?sku=nobody").location
    page = read(shop, away)
    assert "There is no product with SKU nobody" in page.text
    assert "/search?q=nobody" in page.links()


def test_products_are_listed_newest_first_over_pages(shop: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "LINES", 12)
    first = read(shop, "/admin/products")
    assert first.links("/admin/products/P") == [f"/admin/products/P{n:02}" for n in range(20, 8, -1)]
    assert "black mug P20 Home/Mugs €200 in stock being embedded" in first.text
    (older,) = first.links("/admin/products?after=")
    second = read(shop, older)
    assert second.links("/admin/products/P") == [f"/admin/products/P{n:02}" for n in range(8, 0, -1)]
    (newer,) = second.links("/admin/products?before=")
    assert read(shop, newer).text == first.text


def test_an_empty_catalogue_says_how_to_fill_it(shop: FlaskClient, database: Database) -> None:
    with database.write() as connection:
        connection.execute("DELETE FROM products")
    assert "There are none. shelfmate import products FILE" in read(shop, "/admin/products").text


def test_a_product_is_deleted_after_it_was_asked(shop: FlaskClient, database: Database) -> None:
    assert "/admin/products/P01/delete" in read(shop, "/admin/products/P01").links()
    page = read(shop, "/admin/products/P01/delete")
    assert "Delete red linen shirt?" in page.text
    assert "P01" in get_products(database, ["P01"])
    gone = shop.post("/admin/products/P01/delete", headers=HERE)
    assert (gone.status_code, gone.location) == (303, "/admin?deleted=P01")
    assert "Product P01 is deleted." in read(shop, gone.location).text
    assert get_products(database, ["P01"]) == {}
    assert shop.post("/admin/products/P01/delete", headers=HERE).status_code == 404


def test_a_file_larger_than_the_limit_is_refused_by_a_page(shop: FlaskClient) -> None:
    shop.application.config["MAX_CONTENT_LENGTH"] = 10_000
    response = shop.post("/admin/new", data=NEW | photo(bytes(20_000)), headers=HERE)
    assert response.status_code == 413
    assert "10,000 bytes" in response.text


@pytest.mark.parametrize(
    "path",
    ["/admin/people?user=%00", "/admin/ratings/%00/report", "/admin/products?sku=%00", "/admin/products/%00/delete"],
)
def test_an_address_with_a_character_that_no_database_holds_is_refused(shop: FlaskClient, path: str) -> None:
    assert "NUL" in read(shop, path, 400).text


@pytest.mark.parametrize("path", ["/admin/retry", "/admin/people/forget", "/admin/ratings/try", "/you/likes"])
def test_so_is_a_form_with_one(shop: FlaskClient, path: str) -> None:
    fields = dict.fromkeys(("sku", "user", "model", "body"), "\0") | {"sure": "1"}
    assert shop.post(path, data=fields, headers=HERE).status_code in {400, 422}
