"""Import of a file of reviews: CSV or JSON Lines, columns mapped to fields."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from backend.catalog.importers.mapped import import_mapped
from backend.catalog.importers.mapping import Fields, Values
from backend.catalog.importers.records import Record
from backend.catalog.importers.result import ImportResult, OnProgress
from backend.catalog.importers.review_rows import ReviewRow, loader, prepare_reviews
from backend.catalog.importers.values import (
    read_boolean,
    read_key,
    read_rating,
    read_sku,
    read_text,
    read_time,
    read_user,
    read_votes,
)
from backend.catalog.reviews import ReviewData
from backend.database.connection import Database

REVIEW_FIELDS = Fields(
    readers={
        "sku": read_sku,
        "rating": read_rating,
        "title": read_text,
        "body": read_text,
        "author": read_key,
        "user_id": read_user,
        "helpful_votes": read_votes,
        "verified": read_boolean,
        "written_at": read_time,
        "id": read_key,
    },
    required=("sku", "rating"),
)
_NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


def import_reviews(
    database: Database,
    source: Path,
    *,
    columns: Mapping[str, str] = _NO_COLUMNS,
    create_products: bool = False,
    delimiter: str | None = None,
    report: Path | None = None,
    progress: OnProgress | None = None,
) -> ImportResult:
    """Insert the reviews of a file and update those that differ, in chunks of one transaction.

    A review is known again by the source's ``id``; without one by ``user_id`` (or else ``author``), title, body, rating
    and time. Columns that feed no field are left out.

    Args:
        database: where to.
        source: a .csv, .tsv or .jsonl file, .gz or not, in UTF-8.
        columns: column by field, where they differ: ``{"sku": "product_id", "body": "text"}``.
        create_products: make a product, titled by its sku, where a review names one that does not exist; without it
            such a review is a problem.
        delimiter: what separates the values of a CSV, where it is no comma.
        report: a path for what is wrong with which line; without it problems are only counted.
        progress: called after every chunk.

    Raises:
        InvalidInput: the file as a whole cannot be used. What is wrong with single lines goes to the report instead.
    """
    return import_mapped(
        database,
        source,
        REVIEW_FIELDS,
        _row,
        loader(create_products=create_products),
        prepare=prepare_reviews,
        columns=columns,
        delimiter=delimiter,
        report=report,
        progress=progress,
    )


def _row(record: Record, file: str, values: Values) -> ReviewRow:
    fields: dict[str, Any] = values.fields
    sku = fields.pop("sku")
    fields["source_id"] = fields.pop("id", None)
    # An empty number or mark says nothing; an empty text is one.
    given = [field for field in values.given if field in fields or field not in ("helpful_votes", "verified")]
    return ReviewRow(file=file, line=record.line, size=record.size, sku=sku, data=ReviewData(**fields), given=given)
