"""Bayesian means are kept by addition, exactly, and are filtered and counted by."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from review_fixtures import run

from backend.database.connection import Database
from backend.recommend.search import count_facets

PRODUCTS = "INSERT INTO products (sku, title) SELECT 'S' || i, 'T' FROM generate_series(1, 6) i"
REVIEWS = """
INSERT INTO reviews (product_id, rating, fingerprint)
SELECT p, 1 + mod(i * p, 5), sha256(i::text::bytea) FROM generate_series(1, 5) p, generate_series(1, p * p * 5) i"""
WRONG = """
SELECT p.id FROM products p CROSS JOIN rating_prior q LEFT JOIN reviews r ON r.product_id = p.id
 GROUP BY p.id, q.prior_mean, q.prior_weight
HAVING (p.rating, p.review_count, p.rating_sum)
       IS DISTINCT FROM (avg(r.rating)::real, count(r.rating)::integer, coalesce(sum(r.rating), 0)::integer)
    OR p.bayesian_rating IS DISTINCT FROM CASE WHEN count(r.rating) > 0 THEN
           ((q.prior_mean * q.prior_weight + sum(r.rating)) / (q.prior_weight + count(r.rating)))::real END"""


@pytest.fixture
def rated(database: Database) -> Database:
    run(database, PRODUCTS)
    run(database, REVIEWS)
    return database


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "UPDATE reviews SET rating = 6 - rating WHERE product_id < 3",
        "UPDATE reviews SET product_id = 6 WHERE product_id = 4",
        "DELETE FROM reviews WHERE rating = 3 OR product_id = 2",
        "TRUNCATE reviews",
        "SELECT rate_products(ARRAY(SELECT id FROM products))",
        "DELETE FROM products WHERE id = 5",
    ],
)
def test_every_mean_is_that_of_the_reviews(rated: Database, statement: str) -> None:
    run(rated, statement)
    assert run(rated, WRONG) == []


def test_they_add_up_however_many_write_at_once(rated: Database) -> None:
    start = threading.Barrier(4)

    def write(writer: int) -> None:
        with psycopg.connect(rated.dsn, autocommit=True) as connection:
            start.wait()
            for number in range(30):
                first, second = (1, 6) if writer % 2 else (6, 1)
                connection.execute(
                    "INSERT INTO reviews (product_id, rating, fingerprint)"
                    " VALUES (%s, %s, sha256(%s)), (%s, 2, sha256(%s))",
                    (first, 1 + number % 5, f"{writer}/{number}".encode(), second, f"{writer}/{number}".encode()),
                )
                if number % 3 == 0:
                    connection.execute(
                        "UPDATE reviews SET rating = 5 WHERE fingerprint = sha256(%s)", (f"{writer}/{number}".encode(),)
                    )
                if number % 5 == 4:
                    connection.execute(
                        "DELETE FROM reviews WHERE fingerprint = sha256(%s)", (f"{writer}/{number}".encode(),)
                    )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert run(rated, WRONG) == []


def test_few_reviews_weigh_less_than_many(rated: Database) -> None:
    run(rated, "TRUNCATE reviews")
    run(rated, "INSERT INTO reviews (product_id, rating, fingerprint) VALUES (1, 5, 'a')")
    run(
        rated,
        "INSERT INTO reviews (product_id, rating, fingerprint)"
        " SELECT 2, 4 + mod(i, 2), sha256(i::text::bytea) FROM generate_series(1, 200) i",
    )
    (one,), (many,), (none,) = run(rated, "SELECT bayesian_rating FROM products WHERE id < 4 ORDER BY id")
    assert one == pytest.approx((4 * 10 + 5) / 11)
    assert many == pytest.approx((4 * 10 + 900) / 210)
    assert one < many
    assert none is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('{"field": "bayesian_rating", "gte": 3.5}', "bayesian_rating >= 3.5"),
        ('{"not": {"field": "bayesian_rating", "gte": 3.5}}', "(bayesian_rating >= 3.5) IS NOT TRUE"),
        ('{"field": "bayesian_rating", "exists": false}', "bayesian_rating IS NULL"),
        ('{"field": "bayesian_rating", "lt": 3.2, "exists": true}', "bayesian_rating < 3.2"),
        (
            '{"all": [{"field": "rating", "gt": 2}, {"field": "bayesian_rating", "gt": 3}]}',
            "rating > 2 AND bayesian_rating > 3",
        ),
    ],
)
def test_a_filter_asks_for_them(rated: Database, condition: str, expected: str) -> None:
    found = run(rated, "SELECT filter_products FROM filter_products(%s) ORDER BY 1", condition)
    assert found == run(rated, f"SELECT id FROM products WHERE {expected} ORDER BY id")
    assert 0 < len(found) < 6


def test_a_mean_equals_itself_in_a_filter(rated: Database) -> None:
    ((mean,),) = run(rated, "SELECT to_jsonb(bayesian_rating)::text FROM products WHERE id = 3")
    for operator in (f'"eq": {mean}', f'"in": [1, {mean}]'):
        assert (3,) in run(rated, "SELECT * FROM filter_products(%s)", f'{{"field": "bayesian_rating", {operator}}}')


def test_facets_count_them_by_stars_and_reviews_by_tens(rated: Database) -> None:
    facets = count_facets(rated, ["bayesian_rating", "review_count"])
    means = [mean for (mean,) in run(rated, "SELECT bayesian_rating FROM products WHERE review_count > 0")]
    counts = [count for (count,) in run(rated, "SELECT review_count FROM products")]
    assert {value.value["gte"]: value.count for value in facets["bayesian_rating"]} == {
        stars: sum(mean >= stars for mean in means) for stars in (1, 2, 3, 4) if any(mean >= stars for mean in means)
    }
    assert [(value.value["gte"], value.count) for value in facets["review_count"]] == [
        (most, sum(count >= most for count in counts)) for most in (100, 10, 1) if any(c >= most for c in counts)
    ]
