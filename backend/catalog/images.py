"""Photographs of products: verified, stored with their bytes, embedded in order of position by a worker."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import class_row

from backend.catalog.products import find_product, no_product
from backend.catalog.refusals import named_refusals
from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.encoders.images import ImageFacts, describe_image
from backend.errors import InvalidInput, NotFound

SQL = load_queries("catalog")

MOST_POSITIONS = 100


@dataclass(frozen=True)
class StoredImage:
    """A photograph without its bytes: ``width`` and ``height`` in pixels as shown, ``sha256`` in hexadecimal."""

    position: int
    sha256: str
    media_type: str
    width: int
    height: int
    byte_size: int
    created_at: datetime


def put_image(database: Database, sku: str, content: bytes, *, position: int = 0) -> tuple[StoredImage, bool]:
    """Store a photograph at a position, in place of the one there; returns it and whether the position was empty.

    Bytes that are stored already change nothing, and nothing is embedded again.

    Raises:
        UnreadableImage: the bytes are not an image that Shelfmate accepts.
        NotFound: there is no such product.
    """
    facts = describe_image(content, verify=True)
    with named_refusals(), database.write() as connection:
        created = _put(connection, find_product(connection, sku), content, facts, position)
        return _describe(connection, sku, position)[0], created


def add_image(database: Database, sku: str, content: bytes) -> tuple[StoredImage, bool]:
    """Store a photograph behind those that a product has; returns it and whether it was new.

    Bytes that the product has already, at any position, are not stored a second time.

    Raises:
        UnreadableImage: the bytes are not an image that Shelfmate accepts.
        NotFound: there is no such product.
        InvalidInput: the last position is taken.
    """
    facts = describe_image(content, verify=True)
    with named_refusals(), database.write() as connection:
        arguments = {"sku": sku, "sha256": hashlib.sha256(content).digest()}
        row = connection.execute(SQL["next_position"], arguments).fetchone()
        if row is None:
            raise no_product(sku)
        product_id, free, same = row
        if same is not None:
            return _describe(connection, sku, same)[0], False
        if free >= MOST_POSITIONS:
            raise InvalidInput(f"the last of {MOST_POSITIONS} positions is taken: name a free one", field="position")
        _put(connection, product_id, content, facts, free)
        return _describe(connection, sku, free)[0], True


def list_images(database: Database, sku: str) -> list[StoredImage]:
    """A product's photographs in the order in which they are shown; none for a product that does not exist."""
    with named_refusals(), database.read() as connection:
        return _describe(connection, sku, None)


def describe_stored_image(database: Database, sku: str, *, position: int = 0) -> StoredImage:
    """One photograph without its bytes.

    Raises:
        NotFound: there is no such product, or it has none at this position.
    """
    with named_refusals(), database.read() as connection:
        found = _describe(connection, sku, position)
        if not found:
            find_product(connection, sku)
            raise _no_image(sku, position)
    return found[0]


def read_image(database: Database, sku: str, image: StoredImage) -> bytes:
    """The bytes of a photograph as they were received.

    Raises:
        NotFound: it was replaced or deleted since it was described.
    """
    arguments = {"sku": sku, "position": image.position, "sha256": image.sha256}
    with database.read() as connection:
        row = connection.execute(SQL["read_image"], arguments).fetchone()
    if row is None:
        raise _no_image(sku, image.position)
    return bytes(row[0])


def delete_image(database: Database, sku: str, *, position: int = 0) -> None:
    """Remove one photograph.

    Raises:
        NotFound: there is no such product, or it has none at this position.
    """
    with named_refusals(), database.write() as connection:
        if connection.execute(SQL["delete_image"], {"sku": sku, "position": position}).rowcount == 0:
            find_product(connection, sku)
            raise _no_image(sku, position)


def _put(connection: Connection[Row], product_id: int, content: bytes, facts: ImageFacts, position: int) -> bool:
    row = connection.execute(
        SQL["put_image"],
        {
            "product_id": product_id,
            "position": position,
            "sha256": hashlib.sha256(content).digest(),
            "media_type": facts.media_type,
            "width": facts.width,
            "height": facts.height,
            "content": content,
        },
    ).fetchone()
    return row is not None and bool(row[0])


def _describe(connection: Connection[Row], sku: str, position: int | None) -> list[StoredImage]:
    with connection.cursor(row_factory=class_row(StoredImage)) as cursor:
        return cursor.execute(SQL["describe_images"], {"sku": sku, "position": position}).fetchall()


def _no_image(sku: str, position: int) -> NotFound:
    return NotFound(f"product {sku} has no image at position {position}")
