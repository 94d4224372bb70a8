"""A shop whose reviews can be learnt in no time: short texts, encoders that need no model."""

import random
from collections.abc import Sequence

from backend.database.connection import Database

SAID = {1: "awful rubbish", 2: "poor stitching", 3: "fine enough", 4: "good buy", 5: "lovely perfect"}


def insert(database: Database, titles: dict[str, str], reviews: Sequence[tuple[str, int, str, str]]) -> None:
    """Products by sku and title, and reviews as sku, rating, title, body; in one transaction."""
    with database.write() as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO products (sku, title) VALUES (%s, %s)", list(titles.items()))
        cursor.execute(
            """INSERT INTO reviews (product_id, rating, title, body, fingerprint)
               SELECT p.id, r.rating, r.title, r.body, sha256(convert_to(r.title || r.body, 'UTF8'))
                 FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[]) r (sku, rating, title, body)
                 JOIN products p USING (sku)""",
            [list(column) for column in zip(*reviews, strict=True)] if reviews else [[], [], [], []],
        )


def add_reviews(database: Database, number: int = 120, products: int = 12) -> None:
    """Reviews that say their rating, of the products R0, R1, ..."""
    chance = random.Random(3)
    said = []
    for place in range(number):
        rating = chance.choice([1, 2, 3, 4, 4, 5, 5, 5])
        said.append((f"R{place % products}", rating, f"number {place}", f"{SAID[rating]} after {place} days"))
    insert(database, {f"R{product}": f"rated thing {product}" for product in range(products)}, said)
