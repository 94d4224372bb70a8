"""Photographs on the pages."""

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image
from web_fixtures import read, shop

from backend.catalog.images import list_images, put_image
from backend.database.connection import Database
from backend.web.thumbnails import Thumbnails
from tests.pictures import jpeg

__all__ = ["shop"]

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def large(database: Database, shop: FlaskClient) -> bytes:
    """The photograph of P01, 900 pixels wide."""
    content = jpeg(0x336699, 900)
    put_image(database, "P01", content)
    return content


def test_photo_is_what_was_stored_when_no_width_is_asked_for(shop: FlaskClient, large: bytes) -> None:
    response = shop.get("/p/P01/photo")
    assert response.data == large
    assert response.mimetype == "image/jpeg"
    assert response.headers["Cache-Control"] == "public, no-cache"


def test_photo_comes_in_the_widths_of_the_pages_and_is_never_scaled_up(
    shop: FlaskClient, large: bytes, subtests: pytest.Subtests
) -> None:
    for asked, comes in [(320, 320), (640, 640), (1280, 900), (17, 900), ("x", 900)]:
        with subtests.test(asked=asked, comes=comes):
            response = shop.get(f"/p/P01/photo?w={asked}")
            assert Image.open(io.BytesIO(response.data)).size == (comes, comes)


def test_of_a_photograph_much_taller_than_wide_the_upper_part_is_shown() -> None:
    stream = io.BytesIO()
    Image.new("L", (321, 70_000)).save(stream, "PNG")
    made = Thumbnails().make("0" * 64, 320, stream.getvalue())
    assert Image.open(io.BytesIO(made)).size == (320, 6_400)


def test_photo_is_kept_for_ever_only_under_the_name_of_its_content(
    shop: FlaskClient, database: Database, large: bytes
) -> None:
    version = list_images(database, "P01")[0].sha256[:16]
    named = f"/p/P01/photo?v={version}"
    assert shop.get(named).headers["Cache-Control"] == FOR_EVER
    assert shop.get(named[:-1]).headers["Cache-Control"] == "public, no-cache"
    put_image(database, "P01", jpeg(1, 900))
    assert shop.get(named).headers["Cache-Control"] == "public, no-cache"


def test_photo_is_not_sent_again_to_who_has_it(shop: FlaskClient, database: Database, large: bytes) -> None:
    small, full = shop.get("/p/P01/photo?w=320"), shop.get("/p/P01/photo")
    assert small.headers["ETag"] != full.headers["ETag"]
    again = shop.get("/p/P01/photo?w=320", headers={"If-None-Match": small.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    put_image(database, "P01", jpeg(1, 900))
    changed = shop.get("/p/P01/photo?w=320", headers={"If-None-Match": small.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.data != small.data


def test_photo_runs_nothing_when_it_is_opened_by_itself(shop: FlaskClient) -> None:
    headers = shop.get("/p/P01/photo").headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_product_without_photo_shows_a_drawing_and_has_no_address_for_one(shop: FlaskClient) -> None:
    page = read(shop, "/p/P04")
    assert "No photograph yet" in page.text
    assert not any(tag == "img" and "P04" in str(given["src"]) for tag, given in page.tags)
    assert "no photograph" in read(shop, "/p/P04/photo", 404).text


def test_every_photo_on_a_page_keeps_its_place_and_only_the_first_load_at_once(shop: FlaskClient) -> None:
    pictures = [given for tag, given in read(shop, "/c/Clothes").tags if tag == "img"]
    assert len(pictures) == 8
    assert all(given["width"] == given["height"] == "64" for given in pictures)
    assert 0 < sum(given.get("loading") == "lazy" for given in pictures) < len(pictures)


def test_thumbnails_keep_the_last_used_and_no_more() -> None:
    thumbnails = Thumbnails(most=2)
    made = thumbnails.make("a", 320, jpeg(1, 400))
    thumbnails.make("b", 320, jpeg(2, 400))
    assert thumbnails.find("a", 320) == made
    thumbnails.make("c", 320, jpeg(3, 400))
    assert thumbnails.find("b", 320) is None
    assert thumbnails.find("a", 320) == made
    assert thumbnails.find("a", 640) is None
