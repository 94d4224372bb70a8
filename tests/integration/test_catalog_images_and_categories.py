"""Photographs, reviews and categories without HTTP: what a transaction elsewhere does to them."""

from collections.abc import Callable
from threading import Thread

import pytest
from api_fixtures import a_picture

from backend.catalog.categories import list_categories, rename_category
from backend.catalog.images import describe_stored_image, list_images, put_image, read_image
from backend.catalog.products import ProductData, count_products, get_product, list_products, put_product
from backend.catalog.reviews import ReviewData, add_review, list_reviews
from backend.database.connection import Database
from backend.errors import Conflict, InvalidInput, NotFound
from backend.spaces.jobs import count_jobs
from backend.spaces.space import list_fills


def test_images_are_listed_in_order_and_one_that_was_replaced_is_not_read(database: Database) -> None:
    put_product(database, "A1", ProductData("Red shirt"))
    for position, colour in ((2, "blue"), (0, "red"), (1, "green")):
        _, created = put_image(database, "A1", a_picture(colour), position=position)
        assert created
    assert [image.position for image in list_images(database, "A1")] == [0, 1, 2]
    old = describe_stored_image(database, "A1", position=1)
    assert read_image(database, "A1", old) == a_picture("green")
    put_image(database, "A1", a_picture("white"), position=1)
    with pytest.raises(NotFound, match="position 1"):
        read_image(database, "A1", old)
    with pytest.raises(InvalidInput) as caught:
        put_image(database, "A1", a_picture(), position=-1)
    assert caught.value.field == "position"


def test_an_image_behind_the_first_one_embeds_nothing_anew(database: Database, drain: Callable[[], int]) -> None:
    put_product(database, "A1", ProductData("Red shirt"))
    put_image(database, "A1", a_picture("red"))
    drain()
    assert [(space.name, fill.embedded) for space, fill in list_fills(database)] == [("default", 1)]
    put_image(database, "A1", a_picture("red"))
    assert count_jobs(database).waiting == 0


def test_the_same_review_from_many_threads_is_stored_once(database: Database) -> None:
    put_product(database, "A1", ProductData("Red shirt"))
    outcomes: list[bool] = []

    def add() -> None:
        outcomes.append(add_review(database, "A1", ReviewData(5, "Good"))[1])

    threads = [Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 7 + [True]
    assert list_reviews(database, "A1").count == 1
    with pytest.raises(InvalidInput) as caught:
        add_review(database, "A1", ReviewData(6))
    assert caught.value.field == "rating"


def test_a_renamed_category_takes_its_subtree_and_products_along(database: Database) -> None:
    for sku, category in (("1", "A/B"), ("2", "A/B/C"), ("3", "A/Bx"), ("4", "D")):
        put_product(database, sku, ProductData("x", category=category))
    assert rename_category(database, "A/B", "D/E") == 2
    assert [product.sku for product in list_products(database, category="D").items] == ["1", "2", "4"]
    assert get_product(database, "2").category == "D/E/C"
    assert {root.path: root.products for root in list_categories(database)} == {"A": 1, "D": 3}
    assert count_products(database) == 4


def test_a_category_is_not_renamed_onto_another_or_into_itself(database: Database) -> None:
    for sku, category in (("1", "A/B"), ("2", "D")):
        put_product(database, sku, ProductData("x", category=category))
    with pytest.raises(Conflict, match="D"):
        rename_category(database, "A", "D")
    for path, new_path in (("A", "A/B/E"), ("nowhere", "E"), ("A", "E//F")):
        with pytest.raises(InvalidInput):
            rename_category(database, path, new_path)
    assert {root.path for root in list_categories(database)} == {"A", "D"}
