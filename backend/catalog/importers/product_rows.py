"""Rows of the catalogue on their way into the database, whichever file they come from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from backend.catalog.importers.chunks import Transaction
from backend.catalog.importers.photographs import check_photograph, fingerprint, read_photograph
from backend.catalog.importers.result import Outcome, Problem
from backend.database.queries import load_queries
from backend.errors import InvalidInput

_IMAGE_TYPES = ("int8", "bytea", "text", "int4", "int4", "bytea")


@dataclass(slots=True, kw_only=True)
class ProductRow:
    """One product; a field not in ``given`` keeps what the database has, or takes the column's default.

    A blank ``title`` keeps what the database has too, or is the sku.

    ``image`` is a file or its bytes, or what is wrong with its path. With ``image_required`` a file that does not exist
    is a problem of the row, without it only counted.
    """

    file: str
    line: int
    size: int
    sku: str
    title: str
    description: str | None = None
    brand: str | None = None
    category: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    in_stock: bool | None = None
    variant_group: str | None = None
    attributes: dict[str, object] = field(default_factory=dict)
    cleared: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    image: Path | bytes | InvalidInput | None = None
    image_required: bool = True


def prepare_products(connection: Transaction) -> None:
    """Make the temporary tables that ``load_products`` needs; they last as long as the connection."""
    queries = load_queries("imports")
    for name in ("create_staged_products", "create_seen_products", "create_staged_images"):
        connection.execute(queries[name])


def load_products(connection: Transaction, rows: Sequence[ProductRow]) -> Outcome:
    """Write one chunk, inside the caller's transaction; what is stored already is neither written nor locked."""
    queries = load_queries("imports")
    outcome = Outcome()
    by_line = {row.line: row for row in rows}
    with connection.cursor() as cursor:
        with cursor.copy(queries["copy_products"]) as copy:
            for row in rows:
                copy.write_row(_columns(row))
        if cursor.execute(queries["see_products"]).rowcount < len(rows):
            for line, sku, first in cursor.execute(queries["drop_repeated_products"]).fetchall():
                reason = f"the same sku is in line {first}, which was imported"
                outcome.problems.append(Problem(by_line[line].file, line, "sku", reason, sku))
                outcome.counts["bad"] += 1
        cursor.execute(queries["create_categories"])
        inserted, updated, staged = cursor.execute(queries["write_products"]).fetchone() or (0, 0, 0)
    outcome.counts.update(inserted=inserted, updated=updated, unchanged=staged - inserted - updated)
    _load_images(connection, by_line, outcome)
    return outcome


def _load_images(connection: Transaction, by_line: dict[int, ProductRow], outcome: Outcome) -> None:
    queries = load_queries("imports")
    with connection.cursor() as cursor:
        found = cursor.execute(queries["find_images"]).fetchall()
        if not found:
            return
        written = 0
        # One photograph after the other goes out; a chunk of large ones is never in memory.
        with cursor.copy(queries["copy_images"]) as copy:
            copy.set_types(_IMAGE_TYPES)
            for line, product_id, stored in found:
                columns = _image_columns(by_line[line], stored, outcome)
                if columns:
                    copy.write_row((product_id, *columns))
                    written += 1
        if written:
            inserted, updated = cursor.execute(queries["write_images"]).fetchone() or (0, 0)
            outcome.counts.update(images_inserted=inserted, images_updated=updated)


def _image_columns(row: ProductRow, stored: bytes | None, outcome: Outcome) -> tuple[object, ...] | None:
    """sha256, type, width, height and bytes of a photograph that differs from the stored one."""
    try:
        data = _image_bytes(row)
        sha256 = fingerprint(data)
        if sha256 == stored:
            outcome.counts["images_unchanged"] += 1
            return None
        facts = check_photograph(data)
    except FileNotFoundError:
        if row.image_required:
            _reject_image(row, "no such file", outcome)
        else:
            outcome.counts["images_missing"] += 1
        return None
    except InvalidInput as error:
        _reject_image(row, str(error), outcome)
        return None
    return sha256, facts.media_type, facts.width, facts.height, data


def _reject_image(row: ProductRow, reason: str, outcome: Outcome) -> None:
    value = str(row.image) if isinstance(row.image, Path) else None
    outcome.problems.append(Problem(row.file, row.line, "image", reason, value))
    outcome.counts["images_bad"] += 1


def _image_bytes(row: ProductRow) -> bytes:
    if isinstance(row.image, InvalidInput):
        raise row.image
    assert row.image is not None  # find_images gives only rows that have one.
    return row.image if isinstance(row.image, bytes) else read_photograph(row.image)


def _columns(row: ProductRow) -> tuple[object, ...]:
    return (
        row.line,
        row.sku,
        row.title,
        row.description,
        row.brand,
        row.category,
        row.price,
        row.currency,
        row.in_stock,
        row.variant_group,
        json.dumps(row.attributes, ensure_ascii=False),
        row.cleared,
        row.given,
        row.image is not None,
    )
