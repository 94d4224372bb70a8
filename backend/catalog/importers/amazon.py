"""Import of Amazon's published reviews and products, in the layouts of 2018 and 2023."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from backend.catalog.importers.amazon_lines import open_published
from backend.catalog.importers.amazon_products import PublishedProduct, read_product
from backend.catalog.importers.chunks import Transaction, import_rows, importing
from backend.catalog.importers.lanes import store_in_lanes
from backend.catalog.importers.lines import LineReader
from backend.catalog.importers.products import check_currency
from backend.catalog.importers.progress import follow
from backend.catalog.importers.published_chunks import Limits, read_chunks
from backend.catalog.importers.published_products import load_published_products, prepare_published_products
from backend.catalog.importers.published_rows import LANES, MOST_ROWS, MOST_SIZE, prepare_published, storing
from backend.catalog.importers.reading_process import reading_apart
from backend.catalog.importers.records import Records
from backend.catalog.importers.report import Tally, tallied
from backend.catalog.importers.result import ImportResult, OnProgress, Problem, Progress
from backend.database.connection import Database
from backend.errors import InvalidInput

# A file of fewer bytes is read by this process: it is done before another has begun.
APART_FROM = 8 * 2**20


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
        _load_reviews(database, reviews, tally, progress, before)
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


def _load_reviews(database: Database, source: Path, tally: Tally, progress: OnProgress | None, before: int) -> None:
    size = source.stat().st_size
    furthest = 0

    def tell(position: int) -> None:
        # One lane may be behind the other.
        nonlocal furthest
        furthest = max(furthest, position)
        if progress is not None:
            progress(Progress(tally.counts["read"], before + furthest, before + size))

    limits = Limits(LANES, MOST_ROWS, MOST_SIZE)
    apart = size >= APART_FROM
    with (
        ExitStack() as stack,
        reading_apart(source, limits) if apart else closing(read_chunks(source, limits)) as parts,
    ):
        connections = [stack.enter_context(importing(database)) for _ in range(LANES)]
        for connection in connections:
            prepare_published(connection)
        store_in_lanes(connections, parts, storing(source.name), tally, tell)


def _products(records: Records, currency: str) -> Iterator[PublishedProduct | list[Problem]]:
    for record in records:
        yield [record] if isinstance(record, Problem) else read_product(record, records.lines.name, currency)
