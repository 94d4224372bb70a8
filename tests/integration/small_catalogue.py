"""A few hundred products with photographs, reviews and variants, for the hashing encoders and the real worker."""

import hashlib
import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from PIL import Image, ImageDraw
from psycopg.conninfo import make_conninfo

from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.settings import Settings
from backend.spaces.space import ensure_default_space
from workers.progress import Progress
from workers.worker import Worker

# "Apparel/Top" begins like "Apparel/Topwear" but is no ancestor of it; "_" and "%" mean nothing in a path.
KINDS = {
    "Shirt": "Apparel/Topwear/Shirts",
    "Tshirt": "Apparel/Topwear/Tshirts",
    "Top": "Apparel/Top",
    "Jeans": "Apparel/Bottomwear/Jeans",
    "Skirt": "Apparel/Bottomwear/Skirts_100%",
    "Sneaker": "Footwear/Shoes",
    "Handbag": "Bags",
}
COLOURS = {
    "red": (190, 40, 40),
    "blue": (40, 60, 180),
    "green": (40, 150, 70),
    "black": (30, 30, 30),
    "grey": (140, 140, 140),
}
BRANDS = ("Arbor", "Birch", "Cedar")
PATTERNS = ("plain", "striped", "dotted")
FEELINGS = ("Fits well and lasts.", "Nice colour, thin cloth.", "Came apart at the seam.")


@contextmanager
def fresh_database(server_dsn: str, template: str | None, home: Path) -> Iterator[tuple[Database, Settings]]:
    """A copy of the migrated template, or a database migrated for itself without one, dropped at the end.

    The default space, of the hashing encoders, is active.
    """
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
        settings = Settings(
            home=home,
            database_url=make_conninfo(server_dsn, dbname=name),
            text_encoder="hashing:64",
            image_encoder="hashing:64",
            poll_seconds=0.2,
        )
        with open_database(settings) as database:
            if template is None:
                upgrade(database)
            ensure_default_space(database, settings)
            yield database, settings
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def insert_products(database: Database) -> None:
    """315 products: every kind, colour, brand and pattern, in a shuffled order.

    Every ninth has no photograph, every tenth no category, every eleventh no price; the brand Cedar copies Birch's
    titles and photographs, so that ties are real.
    """
    chance = random.Random(7)
    looks = [
        (kind, colour, brand, pattern)
        for kind in KINDS
        for colour in COLOURS
        for brand in BRANDS
        for pattern in PATTERNS
    ]
    chance.shuffle(looks)
    with database.write() as connection, connection.cursor() as cursor:
        for number, (kind, colour, brand, pattern) in enumerate(looks):
            row = cursor.execute(
                """INSERT INTO products (sku, title, description, brand, category, price, currency, in_stock,
                                         variant_group, attributes)
                   VALUES (%s, %s, %s, %s, %s, %s, 'EUR', %s, %s, jsonb_build_object('colour_family', %s::text))
                   RETURNING id""",
                (
                    f"SKU-{number:03}",
                    f"{'Birch' if brand == 'Cedar' else brand} {pattern} {colour} {kind}",
                    f"A {colour} {kind.lower()}.",
                    brand,
                    None if number % 10 == 9 else KINDS[kind],
                    None if number % 11 == 10 else 5 + number % 80,
                    number % 4 != 3,
                    f"{brand}-{kind}-{pattern}",
                    colour,
                ),
            ).fetchone()
            assert row is not None
            if number % 9 != 8:
                insert_image(cursor, row[0], draw(colour, pattern, kind))
            for review in range(number % 3):
                cursor.execute(
                    """INSERT INTO reviews (product_id, rating, body, author, helpful_votes, fingerprint)
                       VALUES (%s, %s, %s, %s, %s, sha256(%s))""",
                    (
                        row[0],
                        1 + (number + review) % 5,
                        FEELINGS[review],
                        f"reader{review}",
                        review,
                        f"{number}/{review}".encode(),
                    ),
                )


def insert_image(
    cursor: psycopg.Cursor[tuple[object, ...]], product_id: object, content: bytes, position: int = 0
) -> None:
    """A PNG of 48 x 48 pixels as a product's photograph."""
    cursor.execute(
        """INSERT INTO product_images (product_id, position, sha256, media_type, width, height, content)
           VALUES (%s, %s, %s, 'image/png', 48, 48, %s)""",
        (product_id, position, hashlib.sha256(content).digest(), content),
    )


def draw(colour: str, pattern: str, kind: str) -> bytes:
    """A PNG: the kind by its outline, with the pattern on it."""
    image = Image.new("RGB", (48, 48), "white")
    pencil = ImageDraw.Draw(image)
    shape = list(KINDS).index(kind)
    box = (4 + shape, 6 + 2 * shape, 44 - 2 * shape, 42 - shape)
    pencil.rectangle(box, fill=COLOURS[colour])
    for offset in range(0, 40, 8):
        if pattern == "striped":
            pencil.line((4, 6 + offset, 44, 6 + offset), fill="white", width=2)
        elif pattern == "dotted":
            pencil.ellipse((8 + offset, 20, 11 + offset, 23), fill="yellow")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def drain(database: Database, settings: Settings) -> int:
    """Embed what is queued, by a worker; returns how many products that were."""
    return Worker(database, settings, Progress(), drain=True).run()
