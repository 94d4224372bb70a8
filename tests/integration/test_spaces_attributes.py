"""Attributes as texts: which are chosen, what an edit of them does, what a search by words makes of them."""

from collections.abc import Callable

import numpy as np
import pytest

from backend.database.connection import Database
from backend.errors import InvalidInput
from backend.spaces.attributes import choose_attributes
from backend.spaces.embedder import Embedder
from backend.spaces.life import find_space
from backend.spaces.making import make_space
from backend.spaces.recipe import choose_recipe
from backend.spaces.requesting import request_space

# Of 40: a season each, a code each, a size in 12 of them, a year as a number, one brand for all.
PRODUCTS = """
INSERT INTO products (sku, title, attributes)
SELECT 'A' || i, 'shirt ' || i,
       jsonb_build_object('season', (ARRAY['Fall', 'Summer'])[1 + i % 2], 'code', 'c' || i, 'year', 2000 + i % 3,
                          'maker', 'one')
       || CASE WHEN i < 12 THEN jsonb_build_object('size', 's' || i % 3) ELSE '{}' END
  FROM generate_series(1, 40) i"""
JOBS = "SELECT p.sku FROM embedding_jobs j JOIN products p ON p.id = j.product_id"


@pytest.fixture
def catalogue(database: Database) -> Database:
    with database.write() as connection:
        connection.execute(PRODUCTS)
    return database


def test_attributes_that_most_products_have_with_few_values_are_chosen(catalogue: Database) -> None:
    recipe = choose_attributes(catalogue, choose_recipe(text="hashing:16", text_inputs="title,attributes"))
    assert recipe.text_inputs == ("title", "attributes.season")
    first = [row[0] for row in catalogue_ids(catalogue)[:11]]
    among = choose_attributes(catalogue, choose_recipe(text="hashing:16", text_inputs="title,attributes"), first)
    assert among.text_inputs == ("title", "attributes.season+attributes.size")


def test_without_such_attributes_the_other_texts_remain_or_the_remedy_is_named(catalogue: Database) -> None:
    with catalogue.write() as connection:
        connection.execute("UPDATE products SET attributes = '{}'")
    assert choose_attributes(
        catalogue, choose_recipe(text="hashing:16", text_inputs="title,attributes")
    ).text_inputs == ("title",)
    with pytest.raises(InvalidInput, match=r"attributes\.NAME"):
        choose_attributes(catalogue, choose_recipe(text="hashing:16", text_inputs="attributes"))


def test_a_space_that_is_asked_for_over_http_has_them_named_too(catalogue: Database) -> None:
    assert request_space(catalogue, "asked", choose_recipe(text="hashing:16", text_inputs="title,attributes")) is None
    assert find_space(catalogue, "asked").text_inputs == ["title", "attributes.season"]


def test_an_edit_of_an_encoded_attribute_embeds_anew_and_of_another_does_not(
    catalogue: Database, drain: Callable[[], int]
) -> None:
    make_space(catalogue, "seasons", choose_recipe(text="hashing:16", text_inputs="title,attributes.season"))
    drain()
    before = vector(catalogue)
    with catalogue.write() as connection:
        connection.execute("""UPDATE products SET attributes = attributes || '{"code": "new"}' WHERE sku = 'A1'""")
        assert connection.execute(JOBS).fetchall() == []
        connection.execute("""UPDATE products SET attributes = attributes || '{"season": "Winter"}' WHERE sku = 'A1'""")
        assert {row[0] for row in connection.execute(JOBS).fetchall()} == {"A1"}
    drain()
    after = vector(catalogue)
    assert np.array_equal(before[:16], after[:16])
    assert not np.array_equal(before[16:], after[16:])


def test_an_edit_of_the_price_embeds_anew_where_a_space_encodes_it_and_nowhere_else(
    catalogue: Database, drain: Callable[[], int]
) -> None:
    change = "UPDATE products SET price = coalesce(price, 0) + 1 WHERE sku = 'A1'"
    drain()
    with catalogue.write() as connection:
        connection.execute(change)
        assert connection.execute(JOBS).fetchall() == []
    make_space(catalogue, "seasons", choose_recipe(text="hashing:16", text_inputs="title,brand+price:90"))
    drain()
    before = vector(catalogue)
    with catalogue.write() as connection:
        connection.execute("UPDATE products SET price = price, in_stock = false WHERE sku = 'A1'")
        assert connection.execute(JOBS).fetchall() == []
        connection.execute(change)
        assert {row[0] for row in connection.execute(JOBS).fetchall()} == {"A1"}
    drain()
    after = vector(catalogue)
    assert np.array_equal(before[:16], after[:16])
    assert not np.array_equal(before[16:], after[16:])


def test_a_free_text_says_nothing_of_attributes(catalogue: Database) -> None:
    make_space(catalogue, "seasons", choose_recipe(text="hashing:16", text_inputs="title,attributes.season"))
    row = Embedder(catalogue).texts(find_space(catalogue, "seasons"), ["red shirt"])[0]
    assert row[:16].any()
    assert not row[16:].any()


def test_a_free_text_has_the_mean_attributes_where_a_projection_knows_them(catalogue: Database) -> None:
    recipe = choose_recipe(text="hashing:16", text_inputs="title,attributes.season", projections=["text=pca:4"])
    make_space(catalogue, "seasons", recipe)
    embedder, space = Embedder(catalogue), find_space(catalogue, "seasons")
    (free,) = embedder.texts(space, ["shirt 7"])
    (fall,) = embedder.product_texts(space, [("shirt 7", "season: Fall")])
    (summer,) = embedder.product_texts(space, [("shirt 7", "season: Summer")])
    # The mean lies between both, nearer to each than they are to each other.
    assert min(free @ fall, free @ summer) > fall @ summer


def catalogue_ids(database: Database) -> list[tuple[int]]:
    with database.read() as connection:
        return connection.execute("SELECT id FROM products ORDER BY id").fetchall()


def vector(database: Database) -> np.ndarray:
    with database.read() as connection:
        row = connection.execute(
            "SELECT e.text FROM product_embeddings e JOIN products p ON p.id = e.product_id"
            " JOIN embedding_spaces s ON s.id = e.space_id WHERE p.sku = 'A1' AND s.name = 'seasons'"
        ).fetchone()
    assert row is not None
    return row[0].to_numpy().astype(np.float32)
