"""What is popular and what is new, against the documented formula in Python."""

import math
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from small_catalogue import fresh_database, insert_products

from backend.database.connection import Database
from backend.errors import InvalidInput

WEIGHTS = {"purchase": 10, "cart": 5, "like": 3, "click": 1, "view": 0.25}
TOPWEAR = {"field": "category", "under": "Apparel/Topwear"}

Scored = list[tuple[int, float]]


@pytest.fixture(scope="module")
def catalogue(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """315 products, two thirds reviewed, and 3,000 events over half a year; tests that change it roll back."""
    with fresh_database(server_dsn, template, tmp_path_factory.mktemp("home")) as (database, _):
        insert_products(database)
        insert_events(database)
        yield database


def insert_events(database: Database) -> None:
    """Events of 60 people on every second product, a fifteenth of them ratings, none near the border of 90 days."""
    chance = random.Random(3)
    with database.write() as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM products ORDER BY id")][::2]
        now = datetime.now(UTC)
        with connection.cursor().copy("COPY events (product_id, user_id, kind, value, occurred_at) FROM STDIN") as rows:
            for number in range(3000):
                kind = "rating" if number % 15 == 0 else chance.choice(list(WEIGHTS))
                when = now - timedelta(days=chance.choice([0, 1, 30, 89, 91, 180]))
                stars = 5 if kind == "rating" else None
                rows.write_row((chance.choice(ids), f"u{chance.randrange(60)}", kind, stars, when))


def oracle(database: Database) -> dict[int, float]:
    """Popularity by product id, from the rows themselves."""
    with database.read() as connection:
        events = connection.execute("SELECT product_id, kind, user_id, occurred_at FROM events").fetchall()
        reviews = connection.execute("SELECT product_id, rating FROM reviews").fetchall()
        products = connection.execute("SELECT id FROM products").fetchall()
    border = datetime.now(UTC) - timedelta(days=90)
    evidence: dict[int, float] = defaultdict(float)
    for product, kind, _ in {(product, kind, user) for product, kind, user, when in events if when > border}:
        evidence[product] += WEIGHTS.get(kind, 0)
    stars: dict[int, list[int]] = defaultdict(list)
    for product, rating in reviews:
        stars[product].append(rating)
    for product, ratings in stars.items():
        evidence[product] += len(ratings) * (sum(ratings) / len(ratings) - 1) / 2
    squashed = {row[0]: math.log1p(evidence[row[0]]) for row in products}
    return {product: value / (5 + value) for product, value in squashed.items()}


def ask(database: Database, function: str, *arguments: Any) -> Scored:
    with database.read() as connection:
        places = ", ".join(["%s"] * len(arguments))
        statement = f"SELECT product_id, score FROM {function}({places})".encode()
        return connection.execute(statement, arguments).fetchall()


def best(popularity: dict[int, float], k: int) -> Scored:
    """The k most popular, without those that are not; equal sums tie, whatever order they were added up in."""
    ranked = sorted(popularity.items(), key=lambda item: (-round(item[1], 12), item[0]))
    return [item for item in ranked if item[1] > 0][:k]


def same(found: Scored, expected: Scored) -> None:
    assert [product for product, _ in found] == [product for product, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-7)


@pytest.fixture(params=["counted now", "counted by upkeep"])
def counted(request: pytest.FixtureRequest, catalogue: Database) -> Database:
    """The catalogue, with and without what upkeep prepares: the answers are the same."""
    with catalogue.write() as connection:
        connection.execute("DELETE FROM popularity_counts")
        connection.execute("DELETE FROM counted_popularity")
        if request.param == "counted by upkeep":
            connection.execute("SELECT count_popularity()")
    return catalogue


def test_the_view_says_what_the_formula_says(catalogue: Database) -> None:
    with catalogue.read() as connection:
        found = dict(connection.execute("SELECT product_id, popularity FROM product_popularity").fetchall())
    assert found == pytest.approx(oracle(catalogue), abs=1e-7)
    assert 0 < sum(value == 0 for value in found.values()) < len(found)
    assert max(found.values()) < 1


def test_the_popular_come_in_order_and_only_they(counted: Database) -> None:
    popularity = oracle(counted)
    same(ask(counted, "popular_products", 10), best(popularity, 10))
    everything = ask(counted, "popular_products", 1000)
    same(everything, best(popularity, 1000))
    assert len(everything) == sum(value > 0 for value in popularity.values()) < 315


def test_filters_and_exclusions_are_exact(counted: Database) -> None:
    with counted.read() as connection:
        matching = {row[0] for row in connection.execute("SELECT filter_products(%s)", [Jsonb(TOPWEAR)])}
    popularity = {product: value for product, value in oracle(counted).items() if product in matching}
    expected = best(popularity, 1000)
    same(ask(counted, "popular_products", 7, Jsonb(TOPWEAR)), expected[:7])
    excluded = [product for product, _ in expected[:3]]
    same(ask(counted, "popular_products", 1000, Jsonb(TOPWEAR), excluded), expected[3:])
    assert ask(counted, "popular_products", 5, Jsonb({"any": []})) == []


def test_each_person_counts_once_for_each_kind(database: Database) -> None:
    insert_products(database)
    with database.write() as connection:
        connection.execute("DELETE FROM reviews")
        connection.execute(
            """INSERT INTO events (product_id, user_id, kind)
               SELECT 1, 'a', 'view' FROM generate_series(1, 1000) UNION ALL SELECT 2, 'a', 'view'
                UNION ALL SELECT 3, 'a', 'view' UNION ALL SELECT 3, 'b', 'view'"""
        )
    found = ask(database, "popular_products", 10)
    assert [product for product, _ in found] == [3, 1, 2]
    assert found[1][1] == found[2][1]


def test_kinds_weigh_in_the_order_of_what_they_cost(database: Database) -> None:
    insert_products(database)
    with database.write() as connection:
        connection.execute("DELETE FROM reviews")
        connection.execute(
            """INSERT INTO events (product_id, user_id, kind, value)
               SELECT n, 'a', kind, CASE kind WHEN 'rating' THEN 5 END
                 FROM unnest('{view,click,like,cart,purchase,rating}'::text[]) WITH ORDINALITY t (kind, n)"""
        )
    assert [product for product, _ in ask(database, "popular_products", 10)] == [5, 4, 3, 2, 1]


def test_without_events_reviews_decide(database: Database) -> None:
    insert_products(database)
    popularity = oracle(database)
    found = ask(database, "popular_products", 1000)
    same(found, best(popularity, 1000))
    with database.read() as connection:
        only_one_star = {
            row[0] for row in connection.execute("SELECT product_id FROM reviews GROUP BY 1 HAVING max(rating) = 1")
        }
    assert only_one_star
    assert only_one_star.isdisjoint(product for product, _ in found)


def test_without_any_evidence_nothing_is_popular(database: Database) -> None:
    insert_products(database)
    with database.write() as connection:
        connection.execute("DELETE FROM reviews")
    assert ask(database, "popular_products", 10) == []


def test_what_was_counted_is_believed_for_a_quarter_of_an_hour(database: Database) -> None:
    insert_products(database)
    with database.write() as connection:
        connection.execute("DELETE FROM reviews")
        assert connection.execute("SELECT count_popularity()").fetchone() == (0,)
        connection.execute("INSERT INTO events (product_id, user_id, kind) VALUES (4, 'a', 'view')")
    assert ask(database, "popular_products", 10) == []
    with database.write() as connection:
        connection.execute("UPDATE popularity_counts SET counted_at = now() - interval '16 minutes'")
    assert [product for product, _ in ask(database, "popular_products", 10)] == [4]


def test_a_count_stores_what_changed_and_forgets_what_is_gone(database: Database) -> None:
    insert_products(database)
    with database.write() as connection:
        reviewed = connection.execute("SELECT count(*) FROM product_popularity WHERE popularity > 0").fetchone()
        assert connection.execute("SELECT count_popularity()").fetchone() == reviewed
        assert connection.execute("SELECT count_popularity()").fetchone() == (0,)
        top = connection.execute("SELECT product_id FROM popular_products(1)").fetchone()
        assert top is not None
        connection.execute("DELETE FROM products WHERE id = %s", top)
    # Before the next count, too: a product that is gone is not recommended.
    assert top[0] not in [product for product, _ in ask(database, "popular_products", 1000)]
    with database.write() as connection:
        assert connection.execute("SELECT count_popularity()").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM counted_popularity").fetchone() != reviewed


def test_the_newest_come_first_and_ties_by_id(database: Database) -> None:
    insert_products(database)
    with database.write() as connection:
        connection.execute("UPDATE products SET created_at = now() - (id / 3) * interval '1 day' + interval '2 days'")
        rows = connection.execute("SELECT id, created_at, category FROM products").fetchall()
    ranked = sorted(rows, key=lambda row: (-row[1].timestamp(), row[0]))
    found = ask(database, "newest_products", 1000)
    assert [product for product, _ in found] == [row[0] for row in ranked]
    scores = [score for _, score in found]
    # Two days ahead of the clock is as new as now.
    assert scores[0] == 1
    assert scores == sorted(scores, reverse=True)
    assert dict(found)[9] == pytest.approx(1 / 2, abs=1e-3)
    filtered = [row[0] for row in ranked if (row[2] or "").startswith("Apparel/Topwear/")]
    found = ask(database, "newest_products", 5, Jsonb(TOPWEAR), filtered[:2])
    assert [product for product, _ in found] == filtered[2:7]


@pytest.mark.parametrize("function", ["popular_products", "newest_products"])
def test_arguments_that_make_no_sense_are_refused(catalogue: Database, function: str) -> None:
    for k in (0, 1001, None):
        with pytest.raises(InvalidInput) as refused:
            ask(catalogue, function, k)
        assert refused.value.field == "k"
    gone = Jsonb({"field": "category", "under": "Gone"})
    with pytest.raises(InvalidInput) as refused:
        ask(catalogue, function, 5, gone)
    assert refused.value.field == "filter.under"
    assert ask(catalogue, function, 5, gone, [], False) == []
