"""Several photographs of a product on its page and in the admin's form."""

import io
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from web_fixtures import Page, read, shop
from werkzeug.test import TestResponse

from backend.catalog.images import list_images
from backend.database.connection import Database
from tests.pictures import jpeg

__all__ = ["shop"]

HERE = {"Sec-Fetch-Site": "same-origin"}


def save(client: FlaskClient, status: int = 303, **changes: Any) -> TestResponse:
    fields = read(client, "/admin/products/P01").fields | changes
    response = client.post("/admin/products/P01", data=fields, headers=HERE, content_type="multipart/form-data")
    assert response.status_code == status, response.text
    return response


def positions(database: Database) -> list[int]:
    return [image.position for image in list_images(database, "P01")]


def file(seed: int) -> tuple[io.BytesIO, str]:
    return io.BytesIO(jpeg(seed, 80)), f"{seed}.jpg"


def pictures(page: Page) -> list[str]:
    return [
        attributes["src"] or ""
        for tag, attributes in page.tags
        if tag == "img" and "/p/P01/" in (attributes["src"] or "")
    ]


def test_photographs_are_added_shown_and_removed(
    shop: FlaskClient, database: Database, drain: Callable[[], int]
) -> None:
    save(shop, more=[file(1), file(2)])
    assert positions(database) == [0, 1, 2]
    form = read(shop, "/admin/products/P01")
    assert "Remove photograph 3" in form.text
    page = read(shop, "/p/P01")
    addresses = [link for link in page.links("/p/P01") if "photo" in link]
    assert addresses == ["/p/P01?photo=1", "/p/P01?photo=2"]
    assert len(pictures(page)) == 4
    for address in pictures(page):
        shown = shop.get(address)
        assert shown.status_code == 200
        assert "immutable" in shown.headers["Cache-Control"]
    first, second = (pictures(read(shop, path))[0] for path in ("/p/P01", "/p/P01?photo=1"))
    assert "n=1" in second
    assert shop.get(first).data != shop.get(second).data
    save(shop, remove=["0", "2"])
    assert positions(database) == [1]
    assert len(pictures(read(shop, "/p/P01"))) == 1
    assert drain() == 20


def test_a_new_first_photograph_takes_the_first_place_and_keeps_the_others(
    shop: FlaskClient, database: Database
) -> None:
    save(shop, more=[file(1)])
    before = [image.sha256 for image in list_images(database, "P01")]
    save(shop, photo=file(9), remove=["0"])
    after = [image.sha256 for image in list_images(database, "P01")]
    assert (len(after), after[1], after[0] == before[0]) == (2, before[1], False)
    # The same file again is not stored a second time.
    save(shop, more=[file(1), file(9)])
    assert positions(database) == [0, 1]


def test_one_file_that_is_no_image_saves_nothing(shop: FlaskClient, database: Database) -> None:
    refused = save(shop, 422, title="Changed", more=[file(1), (io.BytesIO(b"text"), "x.jpg")], remove=["0"])
    page = Page(refused.text)
    assert "File 2" in page.text
    assert positions(database) == [0]
    assert "Changed" not in read(shop, "/p/P01").text


def test_an_unknown_photograph_falls_back_to_the_first_and_its_bytes_are_not_found(shop: FlaskClient) -> None:
    assert pictures(read(shop, "/p/P01?photo=77")) == pictures(read(shop, "/p/P01"))
    assert shop.get("/p/P01/photo?n=77").status_code == 404
