"""products.jsonl of a fashion directory: kept in a temporary table, so that it may be long and in any order."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backend.catalog.importers.chunks import Transaction, import_rows
from backend.catalog.importers.mapping import ColumnMapping, Fields
from backend.catalog.importers.records import Records
from backend.catalog.importers.report import Tally
from backend.catalog.importers.result import Outcome, Problem
from backend.catalog.importers.values import read_attributes, read_price, read_sku, read_text
from backend.database.queries import load_queries

# What styles.csv says already.
_SAID = ("productDisplayName", "masterCategory", "subCategory", "articleType")
_GIVES = ("brand", "price", "description")
_COLUMNS = {"sku": "id", "brand": "brandName"}
_FIELDS = Fields(
    readers={
        "sku": read_sku,
        "brand": read_text,
        "price": read_price,
        "description": read_text,
        "attributes": read_attributes,
    },
    required=("sku",),
    attributes=True,
)


@dataclass(frozen=True, slots=True)
class Details:
    """What products.jsonl says of one product; ``size`` is in characters."""

    given: list[str]
    brand: str | None
    price: Decimal | None
    description: str | None
    attributes: dict[str, object]
    cleared: list[str]
    size: int


@dataclass(frozen=True, slots=True)
class _Row:
    file: str
    line: int
    size: int
    sku: str
    details: str


def prepare_details(connection: Transaction) -> None:
    """Make the temporary tables; they last as long as the connection."""
    queries = load_queries("imports")
    for name in ("create_staged_details", "create_details"):
        connection.execute(queries[name])


def import_details(connection: Transaction, records: Records, tally: Tally, on_chunk: Callable[[], None]) -> None:
    """Fill the table; a line that cannot be used goes to the report and is counted in ``details_bad``."""
    mapping = ColumnMapping(_FIELDS, _COLUMNS, records.lines.path)
    import_rows(connection, _rows(records, mapping), _load, tally, on_chunk)
    connection.execute(load_queries("imports")["analyze_details"])
    # Products are counted by the lines of styles.csv, which come next.
    tally.counts["details_bad"] = tally.counts.pop("bad", 0)
    tally.counts.pop("read", 0)


def find_details(connection: Transaction, skus: Sequence[str]) -> dict[str, Details]:
    """What the table has of these products, by sku."""
    found = connection.execute(load_queries("imports")["find_details"], {"skus": list(skus)})
    return {sku: _details(text) for sku, text in found}


def _rows(records: Records, mapping: ColumnMapping) -> Iterator[_Row | list[Problem]]:
    for record in records:
        if isinstance(record, Problem):
            yield [record]
            continue
        values = mapping.read(record)
        if isinstance(values, list):
            yield values
            continue
        fields: dict[str, Any] = values.fields
        sku = fields.pop("sku")
        attributes = {**fields.pop("attributes", {}), **values.attributes}
        kept = {
            **fields,
            "given": [field for field in values.given if field in _GIVES],
            "attributes": {name: value for name, value in attributes.items() if name not in _SAID},
            "cleared": values.cleared,
        }
        # A price as text keeps its decimals.
        text = json.dumps(kept, ensure_ascii=False, default=str)
        yield _Row(records.lines.name, record.line, record.size, sku, text)


def _load(connection: Transaction, rows: Sequence[_Row]) -> Outcome:
    queries = load_queries("imports")
    outcome = Outcome()
    files = {row.line: row.file for row in rows}
    with connection.cursor() as cursor:
        with cursor.copy(queries["copy_details"]) as copy:
            for row in rows:
                copy.write_row((row.sku, row.line, row.details))
        if cursor.execute(queries["write_details"]).rowcount == len(rows):
            return outcome
        for line, sku, first in cursor.execute(queries["find_repeated_details"]).fetchall():
            outcome.problems.append(
                Problem(files[line], line, "id", f"the same id is in line {first}, which counts", sku)
            )
            outcome.counts["bad"] += 1
    return outcome


def _details(text: str) -> Details:
    kept = json.loads(text)
    return Details(
        given=kept["given"],
        brand=kept.get("brand"),
        price=None if kept.get("price") is None else Decimal(kept["price"]),
        description=kept.get("description"),
        attributes=kept["attributes"],
        cleared=kept["cleared"],
        size=len(text),
    )
