"""Import of a file of products: CSV or JSON Lines, columns mapped to fields."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backend.catalog.importers.mapped import import_mapped
from backend.catalog.importers.mapping import Fields, Values
from backend.catalog.importers.photographs import read_image_path
from backend.catalog.importers.product_rows import ProductRow, load_products, prepare_products
from backend.catalog.importers.records import Record
from backend.catalog.importers.result import ImportResult, OnProgress
from backend.catalog.importers.values import (
    read_attributes,
    read_boolean,
    read_category,
    read_currency,
    read_key,
    read_price,
    read_sku,
    read_text,
    read_title,
)
from backend.database.connection import Database
from backend.errors import InvalidInput

PRODUCT_FIELDS = Fields(
    readers={
        "sku": read_sku,
        "title": read_title,
        "description": read_text,
        "brand": read_text,
        "category": read_category,
        "price": read_price,
        "currency": read_currency,
        "in_stock": read_boolean,
        "variant_group": read_key,
        "attributes": read_attributes,
        "image": read_text,
    },
    required=("sku", "title"),
    attributes=True,
)
_NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


def import_products(
    database: Database,
    source: Path,
    *,
    columns: Mapping[str, str] = _NO_COLUMNS,
    currency: str | None = None,
    images: Path | None = None,
    delimiter: str | None = None,
    report: Path | None = None,
    progress: OnProgress | None = None,
) -> ImportResult:
    """Insert the products of a file and update those that differ, in chunks of one transaction.

    A column that feeds no field becomes an attribute. What a file does not have stays as it is: fields without a
    column (or, in JSON Lines, without the key), attributes that it does not name, and photographs that it does not
    name or that cannot be read. An empty value clears the field or attribute.

    Args:
        database: where to.
        source: a .csv, .tsv or .jsonl file, .gz or not, in UTF-8.
        columns: column by field, where they differ; ``attributes.NAME`` gives an attribute another name.
        currency: of the rows that have a price and no currency.
        images: the directory that values of ``image`` are relative to; without it the file's own.
        delimiter: what separates the values of a CSV, where it is no comma.
        report: a path for what is wrong with which line; without it problems are only counted.
        progress: called after every chunk.

    Raises:
        InvalidInput: the file as a whole cannot be used. What is wrong with single lines goes to the report instead.
    """
    currency = check_currency(currency)
    beside = images or source.parent

    def make_row(record: Record, file: str, values: Values) -> ProductRow:
        return product_row(record, file, values, currency, beside)

    return import_mapped(
        database,
        source,
        PRODUCT_FIELDS,
        make_row,
        load_products,
        prepare=prepare_products,
        columns=columns,
        delimiter=delimiter,
        report=report,
        progress=progress,
    )


def product_row(record: Record, file: str, values: Values, currency: str | None, images: Path) -> ProductRow:
    """A row for the database from a record's values."""
    fields: dict[str, Any] = values.fields
    image = fields.pop("image", None)
    attributes = {**fields.pop("attributes", {}), **values.attributes}
    given = values.given
    if currency is not None and fields.get("price") is not None and fields.get("currency") is None:
        fields["currency"] = currency
        given = [*given, "currency"]
    return ProductRow(
        file=file,
        line=record.line,
        size=record.size,
        attributes=attributes,
        cleared=values.cleared,
        given=given,
        image=_image(image, images),
        **fields,
    )


def _image(value: str | None, images: Path) -> Path | InvalidInput | None:
    if value is None:
        return None
    try:
        return images / read_image_path(value)
    except InvalidInput as error:
        # The product is imported without it, as with a file that is damaged.
        return error


def check_currency(currency: str | None) -> str | None:
    """The option as a currency's code.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return None if currency is None else read_currency(currency)
    except InvalidInput as error:
        raise InvalidInput(f"currency {error}", field="currency") from error
