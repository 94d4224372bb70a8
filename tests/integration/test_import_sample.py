"""The generated catalogue into the database."""

from dataclasses import replace

from import_fixtures import ask, finish_jobs, one, queued, state

from backend.catalog.importers import load_sample
from backend.catalog.sample import generate


def test_products_photographs_and_reviews_arrive_once(database):
    products = list(generate(7, 60))
    reviews = sum(len(product.reviews) for product in products)
    result = load_sample(database, products)
    assert (result.inserted, result.reviews_inserted, result.problems) == (60, reviews, ())
    assert result.images_inserted == sum(product.image is not None for product in products)
    assert len(queued(database)) == 60
    found = ask(
        database,
        "SELECT sku, title, description, brand, category, price, currency, in_stock, variant_group, attributes, content"
        " FROM products p LEFT JOIN product_images i ON i.product_id = p.id ORDER BY sku",
    )
    assert found == [
        (
            product.sku,
            product.title,
            product.description,
            product.brand,
            product.category,
            product.price,
            product.currency,
            product.in_stock,
            product.variant_group,
            product.attributes,
            product.image,
        )
        for product in products
    ]
    written = {(review.rating, review.title, review.body, review.author) for p in products for review in p.reviews}
    assert set(ask(database, "SELECT rating, title, body, author FROM reviews")) == written
    finish_jobs(database)
    before = state(database)
    again = load_sample(database, products)
    assert (again.unchanged, again.reviews_unchanged) == (60, reviews)
    assert state(database) == before


def test_a_product_that_does_not_fit_stops_no_other(database):
    products = list(generate(7, 5))
    products[2] = replace(products[2], title=" ", image=None)
    products[3] = replace(products[3], image=b"not a picture")
    result = load_sample(database, products)
    assert (result.inserted, result.bad, result.images_bad) == (4, 1, 1)
    assert [(problem.line, problem.field) for problem in result.problems] == [(3, None), (4, "image")]
    assert one(database, "SELECT count(*) FROM products") == 4
