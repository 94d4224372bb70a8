"""products.rating and review_count follow the reviews, whoever writes them and however many at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from backend.database.connection import Database

PRODUCTS = "INSERT INTO products (sku, title) SELECT 'S' || i, 'T' FROM generate_series(1, 3) i"
REVIEWS = """INSERT INTO reviews (product_id, rating, fingerprint)
             VALUES (1, 5, 'a'), (1, 4, 'b'), (1, 4, 'c'), (2, 1, 'a')"""
# What the columns must say, counted from the reviews.
WRONG = """SELECT p.id FROM products p LEFT JOIN reviews r ON r.product_id = p.id GROUP BY p.id
           HAVING (p.rating, p.review_count) IS DISTINCT FROM (avg(r.rating)::real, count(r.rating)::integer)"""

WAITING = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"


@pytest.fixture
def reviewed(database: Database) -> Database:
    run(database, PRODUCTS, REVIEWS)
    return database


def run(database: Database, *statements: str) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement.encode())


def ratings(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return connection.execute(
            "SELECT round(rating::numeric, 3)::float8, review_count FROM products ORDER BY id"
        ).fetchall()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", [(4.333, 3), (1, 1), (None, 0)]),
        (
            "INSERT INTO reviews (product_id, rating, fingerprint) VALUES (3, 2, 'a'), (2, 2, 'b')",
            [(4.333, 3), (1.5, 2), (2, 1)],
        ),
        ("UPDATE reviews SET rating = 1 WHERE fingerprint = 'a'", [(3, 3), (1, 1), (None, 0)]),
        ("UPDATE reviews SET product_id = 3 WHERE fingerprint = 'b'", [(4.5, 2), (1, 1), (4, 1)]),
        ("UPDATE reviews SET rating = 9 - rating WHERE product_id = 1", [(4.667, 3), (1, 1), (None, 0)]),
        ("DELETE FROM reviews WHERE product_id = 2 OR fingerprint = 'c'", [(4.5, 2), (None, 0), (None, 0)]),
        ("TRUNCATE reviews", [(None, 0)] * 3),
        ("DELETE FROM products WHERE id = 1", [(1, 1), (None, 0)]),
        ("TRUNCATE products CASCADE", []),
        (
            """INSERT INTO reviews (product_id, rating, fingerprint) VALUES (1, 1, 'a')
               ON CONFLICT (product_id, fingerprint) DO UPDATE SET rating = 1""",
            [(3, 3), (1, 1), (None, 0)],
        ),
        (
            """INSERT INTO reviews (product_id, rating, fingerprint) VALUES (1, 1, 'a'), (3, 3, 'z')
               ON CONFLICT (product_id, fingerprint) DO UPDATE SET rating = excluded.rating""",
            [(3, 3), (1, 1), (3, 1)],
        ),
        (
            "MERGE INTO reviews r USING (VALUES (1)) v (id) ON r.product_id = v.id WHEN MATCHED THEN DELETE",
            [(None, 0), (1, 1), (None, 0)],
        ),
    ],
)
def test_the_columns_follow_the_reviews(
    reviewed: Database, statement: str, expected: list[tuple[float | None, int]]
) -> None:
    run(reviewed, statement)
    assert ratings(reviewed) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reviews SET helpful_votes = helpful_votes + 1, body = 'Fits.'",
        "UPDATE reviews SET rating = rating",
        "DELETE FROM reviews WHERE product_id = 99",
        "INSERT INTO reviews (product_id, rating, fingerprint) VALUES (1, 1, 'a') ON CONFLICT DO NOTHING",
    ],
)
def test_what_leaves_the_ratings_alone_leaves_the_products_alone(reviewed: Database, statement: str) -> None:
    query = "SELECT array_agg(p.xmin::text || p.ctid ORDER BY id) FROM products p"
    with reviewed.read() as connection:
        before = connection.execute(query).fetchone()
    run(reviewed, statement)
    with reviewed.read() as connection:
        assert connection.execute(query).fetchone() == before


def test_a_rolled_back_review_leaves_nothing(reviewed: Database) -> None:
    before = ratings(reviewed)
    with pytest.raises(psycopg.errors.CheckViolation):
        run(reviewed, "DELETE FROM reviews", "INSERT INTO reviews (product_id, rating, fingerprint) VALUES (1, 9, '')")
    assert ratings(reviewed) == before


def test_a_review_that_waited_for_another_counts_both(reviewed: Database) -> None:
    insert = "INSERT INTO reviews (product_id, rating, fingerprint) VALUES (3, %s, %s)"
    with (
        psycopg.connect(reviewed.dsn) as first,
        psycopg.connect(reviewed.dsn) as second,
        ThreadPoolExecutor(1) as pool,
    ):
        first.execute(insert, (5, b"first"))
        waiting = pool.submit(second.execute, insert, (2, b"second"))
        with reviewed.read() as connection:
            while connection.execute(WAITING, (second.info.backend_pid,)).fetchone() != (True,):
                assert not waiting.done()
        first.commit()
        waiting.result()
        second.commit()
    assert ratings(reviewed)[2] == (3.5, 2)


def test_concurrent_reviews_of_the_same_products_are_all_counted(reviewed: Database) -> None:
    start = threading.Barrier(8)

    def write(writer: int) -> None:
        with psycopg.connect(reviewed.dsn, autocommit=True) as connection:
            start.wait()
            for number in range(40):
                # Some name the products in one order, some in the other.
                first, second = (1, 3) if writer % 2 else (3, 1)
                connection.execute(
                    """INSERT INTO reviews (product_id, rating, fingerprint)
                       VALUES (%s, %s, sha256(%s)), (%s, 3, sha256(%s))""",
                    (first, 1 + number % 5, f"{writer}/{number}".encode(), second, f"{writer}/{number}".encode()),
                )
                if number % 10 == 9:
                    connection.execute(
                        "DELETE FROM reviews WHERE fingerprint = sha256(%s)", (f"{writer}/{number}".encode(),)
                    )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert [count for _, count in ratings(reviewed)] == [3 + 8 * 36, 1, 8 * 36]
    with reviewed.read() as connection:
        assert connection.execute(WRONG).fetchall() == []


def test_a_bulk_of_reviews_rates_each_product_once(reviewed: Database) -> None:
    run(reviewed, "INSERT INTO products (sku, title) SELECT 'B' || i, 'T' FROM generate_series(1, 900) i")
    updated = "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relid = 'products'::regclass"
    with reviewed.write() as connection, connection.cursor() as cursor:
        # Updates of this session before may not have been handed in yet.
        [[before]] = cursor.execute(updated).fetchall()
        with cursor.copy("COPY reviews (product_id, rating, fingerprint) FROM STDIN") as copy:
            for number in range(20_000):
                copy.write_row((4 + number % 900, 1 + number % 5, number.to_bytes(4, "big")))
        assert connection.execute(updated).fetchone() == (before + 900,)
        assert connection.execute(WRONG).fetchall() == []
        connection.execute("DELETE FROM reviews WHERE product_id >= 4")
        assert connection.execute(updated).fetchone() == (before + 1_800,)
