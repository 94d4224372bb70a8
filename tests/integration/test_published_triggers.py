"""What an edit by plain SQL queues, and what renaming a category moves."""

import hashlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from small_catalogue import draw, insert_image

from backend.database.connection import Database

RED, BLUE = draw("red", "plain", "Shirt"), draw("blue", "plain", "Shirt")
INSERT = """INSERT INTO products (sku, title, description, brand, category, price)
            VALUES ('A', 'Red shirt', 'Cotton.', 'Arbor', 'X/Y', 5)"""
UPSERT = "INSERT INTO products (sku, title) VALUES ('A', %s) ON CONFLICT (sku) DO UPDATE SET title = excluded.title"

Rows = list[tuple[Any, ...]]


@pytest.fixture
def embedded(database: Database, drain: Callable[[], int]) -> Database:
    """One product with one photograph, embedded: the queue is empty."""
    with database.write() as connection, connection.cursor() as cursor:
        cursor.execute(INSERT)
        insert_image(cursor, 1, RED)
    drain()
    assert jobs(database) == []
    return database


def jobs(database: Database) -> Rows:
    with database.write() as connection:
        return connection.execute(
            "SELECT product_id, space_id, state, attempts FROM embedding_jobs ORDER BY 1, 2"
        ).fetchall()


def run(database: Database, statement: str, *values: object) -> int:
    with database.write() as connection:
        return connection.execute(statement.encode(), values or None).rowcount


ONE = [(1, 1, "queued", 0)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE products SET title = 'Blue shirt'",
        "UPDATE products SET description = 'Linen.'",
        "UPDATE products SET brand = 'Birch'",
        "UPDATE products SET title = 'Blue shirt', description = 'Linen.', price = 6",
        "DELETE FROM product_images",
        UPSERT % "'Blue shirt'",
    ],
)
def test_a_change_of_an_input_queues_exactly_one_job(embedded: Database, statement: str) -> None:
    run(embedded, statement)
    assert jobs(embedded) == ONE
    run(embedded, statement)
    assert jobs(embedded) == ONE


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE products SET price = price * 2",
        "UPDATE products SET in_stock = false, currency = 'EUR', variant_group = 'g', attributes = '{\"a\": 1}'",
        "UPDATE products SET category = 'X/Z'",
        "UPDATE products SET sku = 'B'",
        "UPDATE products SET title = title, description = description, brand = brand",
        "UPDATE product_images SET media_type = 'image/jpeg'",
        "UPDATE product_images SET content = content, sha256 = sha256",
        UPSERT % "'Red shirt'",
        "INSERT INTO products (sku, title) VALUES ('A', 'Other') ON CONFLICT DO NOTHING",
        "INSERT INTO reviews (product_id, rating, fingerprint) VALUES (1, 5, '')",
        "INSERT INTO events (product_id, user_id, kind) VALUES (1, 'u', 'view')",
        "SELECT rename_category('X', 'W')",
        "DELETE FROM products",
    ],
)
def test_a_change_of_anything_else_queues_none(embedded: Database, statement: str) -> None:
    assert run(embedded, statement) <= 1
    assert jobs(embedded) == []


def test_a_new_photograph_queues_exactly_one_job(embedded: Database) -> None:
    run(embedded, "UPDATE product_images SET content = %s, sha256 = %s", BLUE, hashlib.sha256(BLUE).digest())
    assert jobs(embedded) == ONE


def test_a_photograph_that_moves_to_another_product_queues_both(embedded: Database, drain: Callable[[], int]) -> None:
    run(embedded, "INSERT INTO products (sku, title) VALUES ('B', 'Blue shirt')")
    drain()
    run(embedded, "UPDATE product_images SET product_id = 2")
    assert [job[0] for job in jobs(embedded)] == [1, 2]


def test_an_insert_with_its_photograph_queues_exactly_one_job(database: Database) -> None:
    with database.write() as connection, connection.cursor() as cursor:
        cursor.execute(INSERT)
        insert_image(cursor, 1, RED)
        insert_image(cursor, 1, BLUE, position=1)
        cursor.execute("UPDATE products SET title = 'Redder shirt'")
    assert jobs(database) == ONE


def test_a_rolled_back_insert_queues_none(database: Database) -> None:
    with psycopg.connect(database.dsn) as connection:
        connection.execute(INSERT.encode())
        connection.rollback()
    assert jobs(database) == []


def test_many_rows_in_one_statement_queue_one_job_each(database: Database) -> None:
    with database.write() as connection:
        connection.execute(
            "INSERT INTO products (sku, title) SELECT 'S' || n, 'Shirt ' || n FROM generate_series(1, 250) n"
        )
        rows = connection.execute(
            "SELECT count(*), count(DISTINCT product_id), min(priority) FROM embedding_jobs"
        ).fetchone()
    assert rows == (250, 250, 1)


def test_an_edit_takes_the_job_from_the_worker_that_holds_the_old_text(embedded: Database) -> None:
    run(embedded, "UPDATE products SET title = 'Blue shirt'")
    run(
        embedded,
        "UPDATE embedding_jobs SET state = 'leased', lease_token = 7, leased_until = now() + interval '1h'",
    )
    run(embedded, "UPDATE products SET title = 'Green shirt'")
    with embedded.write() as connection:
        assert connection.execute("SELECT state, lease_token FROM embedding_jobs").fetchall() == [("queued", None)]


def test_renaming_a_category_moves_its_subtree_and_products(database: Database) -> None:
    paths = ["A/B/C", "A/B", "A/Bread", "A/B_/C", "D"]
    with database.write() as connection:
        for number, path in enumerate(paths):
            connection.execute("INSERT INTO products (sku, title, category) VALUES (%s, 'T', %s)", (f"S{number}", path))
        moved = connection.execute("SELECT rename_category('A/B', 'E/F/G')").fetchone()
        products = connection.execute("SELECT category FROM products ORDER BY sku").fetchall()
        categories = connection.execute("SELECT path, parent, name FROM categories ORDER BY path").fetchall()
    assert moved == (2,)
    assert [row[0] for row in products] == ["E/F/G/C", "E/F/G", "A/Bread", "A/B_/C", "D"]
    assert categories == [
        ("A", None, "A"),
        ("A/B_", "A", "B_"),
        ("A/B_/C", "A/B_", "C"),
        ("A/Bread", "A", "Bread"),
        ("D", None, "D"),
        ("E", None, "E"),
        ("E/F", "E", "F"),
        ("E/F/G", "E/F", "G"),
        ("E/F/G/C", "E/F/G", "C"),
    ]


@pytest.mark.parametrize(
    ("path", "new_path", "state"),
    [
        ("Nowhere", "B", "SM004"),
        ("A", "A", "SM005"),
        ("A", "A/B/C", "SM005"),
        ("A", "D", "23505"),
        ("A", "B/ C", "23514"),
    ],
)
def test_a_category_is_not_renamed_into_a_broken_tree(database: Database, path: str, new_path: str, state: str) -> None:
    run(database, "INSERT INTO categories VALUES ('A/B'), ('D')")
    with psycopg.connect(database.dsn) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute("SELECT rename_category(%s, %s)", (path, new_path))
    assert caught.value.sqlstate == state
