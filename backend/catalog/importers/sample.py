"""The generated sample catalogue into the database, by the same way as a file."""

from collections.abc import Iterable, Iterator, Sequence

from backend.catalog.importers.chunks import Transaction, import_rows, importing
from backend.catalog.importers.product_rows import ProductRow, load_products, prepare_products
from backend.catalog.importers.report import Tally
from backend.catalog.importers.result import ImportResult, OnProgress, Outcome, Progress
from backend.catalog.importers.review_rows import REVIEW_COLUMNS, ReviewRow, loader, prepare_reviews
from backend.catalog.reviews import ReviewData
from backend.catalog.sample.model import SampleProduct, SampleReview
from backend.database.connection import Database

_GIVEN = ["description", "brand", "category", "price", "currency", "in_stock", "variant_group"]


class _Row:
    """A product with its reviews: they are stored together or not at all."""

    __slots__ = ("file", "line", "product", "reviews", "size")

    def __init__(self, line: int, sample: SampleProduct) -> None:
        self.file = "sample"
        self.line = line
        self.size = len(sample.image or b"") + len(sample.description)
        self.product = ProductRow(
            file=self.file,
            line=line,
            size=self.size,
            sku=sample.sku,
            title=sample.title,
            description=sample.description,
            brand=sample.brand,
            category=sample.category,
            price=sample.price,
            currency=sample.currency,
            in_stock=sample.in_stock,
            variant_group=sample.variant_group,
            attributes=dict(sample.attributes),
            given=_GIVEN,
            image=sample.image,
        )
        self.reviews = [_review_row(self.file, line, sample.sku, review) for review in sample.reviews]


def load_sample(
    database: Database, products: Iterable[SampleProduct], *, progress: OnProgress | None = None
) -> ImportResult:
    """Insert generated products with photographs and reviews, and update those that differ.

    What is wrong with one is in the result's ``problems``, its place in ``products`` (from 1) as the line. ``progress``
    is called after every chunk, with products in place of bytes, of which ``size`` is as many as were seen so far.
    """
    tally = Tally(None)

    def tell() -> None:
        if progress is not None:
            read = tally.counts["read"]
            progress(Progress(read, read, read))

    with importing(database) as connection:
        prepare_products(connection)
        prepare_reviews(connection)
        import_rows(connection, _rows(products), _load, tally, tell)
    return tally.result()


def _rows(products: Iterable[SampleProduct]) -> Iterator[_Row]:
    for line, sample in enumerate(products, 1):
        yield _Row(line, sample)


def _load(connection: Transaction, rows: Sequence[_Row]) -> Outcome:
    outcome = load_products(connection, [row.product for row in rows])
    written = loader(create_products=False)(connection, [review for row in rows for review in row.reviews])
    for name in ("inserted", "updated", "unchanged", "bad"):
        outcome.counts[f"reviews_{name}"] = written.counts[name]
    outcome.problems += written.problems
    return outcome


def _review_row(file: str, line: int, sku: str, review: SampleReview) -> ReviewRow:
    data = ReviewData(
        rating=review.rating,
        title=review.title,
        body=review.body,
        author=review.author,
        helpful_votes=review.helpful_votes,
        verified=review.verified,
        written_at=review.created_at,
    )
    return ReviewRow(file=file, line=line, size=len(review.body), sku=sku, data=data, given=REVIEW_COLUMNS)
