"""Import of Amazon's published reviews and products, in the layouts of 2018 and 2023."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from backend.catalog.importers.ahead import reading_ahead
from backend.catalog.importers.amazon_lines import open_published
from backend.catalog.importers.amazon_products import PublishedProduct, read_product
from backend.catalog.importers.amazon_reviews import PublishedReview, read_review
from backend.catalog.importers.chunks import Transaction, import_rows, importing
from backend.catalog.importers.lines import LineReader
from backend.catalog.importers.products import check_currency
from backend.catalog.importers.progress import follow
from backend.catalog.importers.published_products import load_published_products, prepare_published_products
from backend.catalog.importers.published_rows import MOST_ROWS, MOST_SIZE, load_published, prepare_published
from backend.catalog.importers.records import Records
from backend.catalog.importers.report import Tally, tallied
from backend.catalog.importers.result import ImportResult, OnProgress, Problem
from backend.database.connection import Database
from backend.errors import InvalidInput

# What a problem takes in memory, about, until it is in the report.
_PROBLEM_SIZE = 500


class AmazonResult(NamedTuple):
    """What became of the lines of both files; None for a file that was not given."""

    products: ImportResult | None
    reviews: ImportResult | None


def import_amazon(
    database: Database,
    *,
    reviews: Path | None = None,
    meta: Path | None = None,
    currency: str = "USD",
    report: Path | None = None,
    progress: OnProgress | None = None,
) -> AmazonResult:
    """Insert the products and then the reviews of published files, and update those that differ.

    Each line says which layout it is of (docs/importing.md). Lines that cannot be used go to the report; of a product
    a value that cannot be used is left out and reported, and the product is imported without it. A review of a product
    that does not exist makes it, titled by its sku. What a line does not say stays as it is.

    Args:
        database: where to.
        reviews: a file of reviews, gzipped where its name ends in .gz.
        meta: a file of products. The addresses of their photographs are kept for ``download_images``.
        currency: of the prices.
        report: a path for what is wrong with which line; without it problems are only counted.
        progress: called after every chunk.

    Raises:
        InvalidInput: a file as a whole cannot be used, or none is given; what came before damage is imported.
    """
    files = [file for file in (meta, reviews) if file is not None]
    if not files:
        raise InvalidInput("name a file of reviews or one of products", field="reviews")
    currency = check_currency(currency) or ""
    for file in files:
        # A name that is misspelt is told before the other file is imported.
        LineReader(file).close()
    after = 0 if reviews is None else reviews.stat().st_size
    products = None
    before = 0
    with tallied(report, files) as tally:
        if meta is not None:
            with importing(database) as connection:
                before = _load_products(connection, meta, tally, currency, progress, after)
            products = tally.cut()
        if reviews is None:
            return AmazonResult(products, None)
        with importing(database) as connection:
            _load_reviews(connection, reviews, tally, progress, before)
        return AmazonResult(products, tally.result())


def _load_products(
    connection: Transaction, source: Path, tally: Tally, currency: str, progress: OnProgress | None, after: int
) -> int:
    """The size of the file."""
    prepare_published_products(connection)
    with open_published(source) as records:
        rows = _products(records, currency)
        import_rows(connection, rows, load_published_products, tally, follow(records, tally, progress, after=after))
        return records.lines.size


def _load_reviews(
    connection: Transaction, source: Path, tally: Tally, progress: OnProgress | None, before: int
) -> None:
    prepare_published(connection)
    with open_published(source) as records, reading_ahead(_reviews(records), _size) as rows:
        told = follow(records, tally, progress, before=before)
        import_rows(connection, rows, load_published, tally, told, most_rows=MOST_ROWS, most_size=MOST_SIZE)


def _products(records: Records, currency: str) -> Iterator[PublishedProduct | list[Problem]]:
    for record in records:
        yield [record] if isinstance(record, Problem) else read_product(record, records.lines.name, currency)


def _reviews(records: Records) -> Iterator[PublishedReview | list[Problem]]:
    for record in records:
        yield [record] if isinstance(record, Problem) else read_review(record, records.lines.name)


def _size(item: PublishedReview | list[Problem]) -> int:
    return item.size if isinstance(item, PublishedReview) else _PROBLEM_SIZE * len(item)
