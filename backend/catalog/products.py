"""Products: read, list, put, patch, delete. Whatever changes a product's text queues its embedding, by trigger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row, kwargs_row
from psycopg.types.json import Jsonb

from backend.catalog.cursors import from_cursor, to_cursor
from backend.catalog.refusals import named_refusals
from backend.database.connection import Database, Row
from backend.database.queries import load_queries
from backend.errors import InvalidInput, NotFound

SQL = load_queries("catalog")

# pending: the vectors of the last edit are not stored yet; failed: they will not be. Until they are, a product that
# was embedded before answers with its former vectors.
EmbeddingState = Literal["embedded", "pending", "failed"]


@dataclass(frozen=True)
class ProductData:
    """What a shop says of a product; ``None`` where it says nothing. ``price`` is in units of ``currency``."""

    title: str
    description: str = ""
    brand: str | None = None
    category: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    in_stock: bool = True
    variant_group: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Photograph:
    """Where a product's photograph stands, its content's hash in hexadecimal, and its size in pixels as shown."""

    position: int
    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Product:
    """A stored product with its photographs in order."""

    id: int
    sku: str
    title: str
    description: str
    brand: str | None
    category: str | None
    price: Decimal | None
    currency: str | None
    in_stock: bool
    variant_group: str | None
    attributes: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    embedding: EmbeddingState
    images: list[Photograph]


@dataclass(frozen=True)
class ProductPage:
    """A page of products; ``next_cursor`` is None on the last one."""

    items: list[Product]
    next_cursor: str | None


def get_product(database: Database, sku: str) -> Product:
    """The product with this sku.

    Raises:
        NotFound: there is none.
    """
    with named_refusals(), database.read() as connection:
        return _read_one(connection, sku)


def get_products(database: Database, skus: Sequence[str]) -> dict[str, Product]:
    """Products by sku; those that do not exist are left out."""
    with named_refusals(), database.read() as connection:
        return {product.sku: product for product in _read(connection, skus)}


def read_embedding_states(database: Database, skus: Sequence[str]) -> dict[str, EmbeddingState]:
    """Whether the vectors of products are stored, from the primary; products that do not exist are left out."""
    with named_refusals(), database.primary() as connection:
        return dict(connection.execute(SQL["embedding_states"], {"skus": list(skus)}).fetchall())


def list_products(
    database: Database, *, limit: int = 50, category: str | None = None, cursor: str | None = None
) -> ProductPage:
    """Products, oldest first, of a category and all below it, or of the whole catalogue.

    Raises:
        InvalidInput: the category does not exist, or the cursor is none of ours.
    """
    after = from_cursor("products", cursor) if cursor is not None else 0
    arguments = {"after": after, "limit": limit + 1}
    with named_refusals(), database.read() as connection:
        if category is None:
            rows = connection.execute(SQL["page"], arguments).fetchall()
        else:
            categories = [path for (path,) in connection.execute(SQL["subtree"], {"category": category})]
            if not categories:
                raise InvalidInput(f"no category {category}", field="category")
            rows = connection.execute(SQL["page_of_categories"], {**arguments, "categories": categories}).fetchall()
        items = _read(connection, [sku for sku, _ in rows[:limit]])
    return ProductPage(items, to_cursor("products", rows[limit - 1][1]) if len(rows) > limit else None)


def count_products(database: Database) -> int:
    """How many products there are."""
    with database.read() as connection:
        row = connection.execute(SQL["count"]).fetchone()
    return int(row[0]) if row else 0


def put_product(database: Database, sku: str, data: ProductData) -> tuple[Product, bool]:
    """Create the product, or replace all of it; returns it and whether it was created.

    Raises:
        InvalidInput: a value does not fit; the error names the field.
        Conflict: another request changed it at the same moment.
    """
    with named_refusals(), database.write() as connection:
        created = store(connection, [(sku, data)]).get(sku, False)
        return _read_one(connection, sku), created


def patch_product(database: Database, sku: str, changes: Mapping[str, Any]) -> Product:
    """Change some fields of a product as a JSON merge patch (RFC 7396) does.

    ``None`` takes a field back to what it is when nobody says anything; ``attributes`` are merged, the rest replaced.

    Raises:
        NotFound: there is no such product.
        InvalidInput: a field is unknown, or a value does not fit.
        Conflict: another request changed it at the same moment.
    """
    defaults = asdict(ProductData(title=""))
    for name, value in changes.items():
        if name not in defaults:
            raise InvalidInput(f"unknown field; the fields are {', '.join(defaults)}", field=name)
        if name == "title" and value is None:
            raise InvalidInput("is required and cannot be removed", field="title")
    with named_refusals(), database.write() as connection:
        with connection.cursor(row_factory=class_row(ProductData)) as cursor:
            current = cursor.execute(SQL["lock"], {"sku": sku}).fetchone()
        if current is None:
            raise no_product(sku)
        new = {name: defaults[name] if value is None else value for name, value in changes.items()}
        if changes.get("attributes") is not None:
            new["attributes"] = _merged(current.attributes, changes["attributes"])
        store(connection, [(sku, replace(current, **new))])
        return _read_one(connection, sku)


def delete_product(database: Database, sku: str) -> None:
    """Remove a product with its photographs, reviews, events and vectors.

    Raises:
        NotFound: there is no such product.
    """
    with named_refusals(), database.write() as connection:
        if connection.execute(SQL["delete"], {"sku": sku}).rowcount == 0:
            raise no_product(sku)


def store(connection: Connection[Row], products: Sequence[tuple[str, ProductData]]) -> dict[str, bool]:
    """Create or replace products of different skus in one statement.

    Returns:
        For every product that was not stored just so already, whether it was created.
    """
    for _, data in products:
        # Postgres sorts NaN above every number, so that its check on prices lets it pass.
        if data.price is not None and not data.price.is_finite():
            raise InvalidInput("must be a finite number", field="price")
    items = [{"sku": sku, **{f.name: getattr(data, f.name) for f in fields(data)}} for sku, data in products]
    return dict(connection.execute(SQL["put"], {"items": Jsonb(items, dumps=_dumps)}).fetchall())


def find_product(connection: Connection[Row], sku: str) -> int:
    """The key of a product.

    Raises:
        NotFound: there is no such product.
    """
    row = connection.execute(SQL["find_product"], {"sku": sku}).fetchone()
    if row is None:
        raise no_product(sku)
    return int(row[0])


def no_product(sku: str) -> NotFound:
    """The error for a sku that no product has."""
    return NotFound(f"no product with sku {sku}")


def _read(connection: Connection[Row], skus: Sequence[str]) -> list[Product]:
    with connection.cursor(row_factory=kwargs_row(_as_product)) as cursor:
        return cursor.execute(SQL["read"], {"skus": list(skus)}).fetchall()


def _as_product(*, images: list[dict[str, Any]], **columns: Any) -> Product:
    return Product(images=[Photograph(**image) for image in images], **columns)


def _read_one(connection: Connection[Row], sku: str) -> Product:
    found = _read(connection, [sku])
    if not found:
        raise no_product(sku)
    return found[0]


def _merged(target: Any, patch: Any) -> Any:
    """The algorithm of RFC 7396, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _dumps(value: Any) -> str:
    # Decimals travel as text, which the cast to numeric reads exactly.
    return json.dumps(value, default=str)
