"""Import of a directory in the layout of Fashion Product Images: styles.csv, images/, products.jsonl."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from backend.catalog.importers.chunks import Transaction, import_rows, importing
from backend.catalog.importers.fashion_details import Details, find_details, import_details, prepare_details
from backend.catalog.importers.mapping import ColumnMapping, Fields, Values
from backend.catalog.importers.product_rows import ProductRow, load_products, prepare_products
from backend.catalog.importers.products import check_currency
from backend.catalog.importers.progress import follow
from backend.catalog.importers.records import Record, Records, open_records
from backend.catalog.importers.report import tallied
from backend.catalog.importers.result import ImportResult, OnProgress, Problem
from backend.catalog.importers.values import read_category, read_sku, read_title
from backend.database.connection import Database
from backend.errors import InvalidInput

STYLES = ("styles.csv", "styles.csv.gz")
PRODUCTS = ("products.jsonl", "products.jsonl.gz")
# Lines whose details are asked for at once.
_AT_ONCE = 200
_LEVELS = ("masterCategory", "subCategory", "articleType")
_COLUMNS = {"sku": "id", "title": "productDisplayName", **{level: level for level in _LEVELS}}
_FIELDS = Fields(
    readers={"sku": read_sku, "title": read_title, **dict.fromkeys(_LEVELS, read_category)},
    required=("sku", "title", *_LEVELS),
    attributes=True,
)


def import_fashion(
    database: Database,
    directory: Path,
    *,
    currency: str = "INR",
    images: Path | None = None,
    report: Path | None = None,
    progress: OnProgress | None = None,
) -> ImportResult:
    """Insert the products of a directory and update those that differ, in chunks of one transaction.

    The category is masterCategory/subCategory/articleType. Brand, price and description come from products.jsonl where
    there is one; every other column of both files becomes an attribute, and so does each member of the JSON text in
    its ``attributes``. "NA" is a value. A line of products.jsonl that cannot be used is reported and counted in
    ``details_bad``; its product is imported from styles.csv alone. A product without a photograph is counted in
    ``images_missing``.

    Args:
        database: where to.
        directory: with styles.csv, images/<id>.jpg, and products.jsonl or not; the files may end in .gz.
        currency: of the prices.
        images: another directory of photographs, such as larger ones.
        report: a path for what is wrong with which line of which file; without it problems are only counted.
        progress: called after every chunk.

    Raises:
        InvalidInput: there is no styles.csv, or one of the files as a whole cannot be used.
    """
    code = check_currency(currency) or currency
    styles, products = _find(directory, STYLES), _find(directory, PRODUCTS)
    if styles is None:
        raise InvalidInput(f"{directory} has no styles.csv: {_contents(directory)}", field="directory")
    with ExitStack() as stack:
        tally = stack.enter_context(tallied(report, [path for path in (styles, products) if path]))
        records = stack.enter_context(open_records(styles))
        mapping = ColumnMapping(_FIELDS, _COLUMNS, styles, records.columns)
        connection = stack.enter_context(importing(database))
        prepare_products(connection)
        prepare_details(connection)
        before = 0
        if products is not None:
            details = stack.enter_context(open_records(products))
            before = details.lines.size
            tell = follow(details, tally, progress, after=records.lines.size)
            import_details(connection, details, tally, tell)
        rows = _rows(connection, records, mapping, code, images or directory / "images")
        import_rows(connection, rows, load_products, tally, follow(records, tally, progress, before=before))
        return tally.result()


def _rows(
    connection: Transaction, records: Records, mapping: ColumnMapping, currency: str, images: Path
) -> Iterator[ProductRow | list[Problem]]:
    for batch in _batches(records):
        read = [(record, _read(record, mapping)) for record in batch]
        details = find_details(connection, [values.fields["sku"] for _, values in read if isinstance(values, Values)])
        for record, values in read:
            if isinstance(record, Problem):
                yield [record]
            elif isinstance(values, list):
                yield values
            else:
                found = details.get(values.fields["sku"])
                yield _row(record, records.lines.name, values, found, currency, images)


def _batches(records: Records) -> Iterator[list[Record | Problem]]:
    batch = []
    try:
        for record in records:
            batch.append(record)
            if len(batch) == _AT_ONCE:
                yield batch
                batch = []
    except InvalidInput:
        # The file ends in damage; what came before it counts.
        yield batch
        raise
    yield batch


def _read(record: Record | Problem, mapping: ColumnMapping) -> Values | list[Problem]:
    return [record] if isinstance(record, Problem) else mapping.read(record)


def _row(record: Record, file: str, values: Values, details: Details | None, currency: str, images: Path) -> ProductRow:
    sku = values.fields["sku"]
    attributes = {name: _typed(name, value) for name, value in values.attributes.items()}
    row = ProductRow(
        file=file,
        line=record.line,
        size=record.size,
        sku=sku,
        title=values.fields["title"],
        category="/".join(values.fields[level] for level in _LEVELS),
        attributes=attributes,
        cleared=values.cleared,
        given=["category"],
        image=images / f"{sku}.jpg",
        image_required=False,
    )
    if details is not None:
        row.brand, row.price, row.description = details.brand, details.price, details.description
        row.currency = currency if details.price is not None else None
        row.given += ["currency"] if "price" in details.given else []
        row.attributes = {**details.attributes, **attributes}
        row.given += details.given
        row.cleared = [name for name in {*details.cleared, *values.cleared} if name not in row.attributes]
        row.size += details.size
    return row


def _typed(name: str, value: object) -> object:
    """The year as the number that products.jsonl has, so that it is of one type with and without that file."""
    if name == "year" and isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value


def _find(directory: Path, names: Sequence[str]) -> Path | None:
    return next((directory / name for name in names if (directory / name).is_file()), None)


def _contents(directory: Path) -> str:
    if not directory.is_dir():
        return "there is no such directory"
    names = sorted(path.name for path in islice(directory.iterdir(), 10))
    return f"it has {', '.join(names)}" if names else "it is empty"
