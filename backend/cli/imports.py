"""sample, import: where products come from."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend.cli.opened import opened_database
from backend.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.catalog.importers.result import ImportResult


@click.command()
@click.option("--products", default=1200, show_default=True, help="How many products to draw.")
@click.option("--seed", default=7, show_default=True, help="The same seed gives the same bytes.")
def sample(products: int, seed: int) -> None:
    """Draw a catalogue of Shelfmate's own, with photographs and reviews, and load it."""
    from backend.catalog.importers import load_sample, progress_bar
    from backend.catalog.sample import generate

    with opened_database() as database, progress_bar("drawing") as progress:
        _show(load_sample(database, generate(seed, products), progress=progress))


@click.group(name="import")
def import_() -> None:
    """Load products, photographs, reviews and events from files. Running an import again changes nothing."""


COLUMNS = click.option(
    "--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Read FIELD from the column of another name."
)
DELIMITER = click.option(
    "--delimiter", metavar="CHARACTER", help="What separates the values of a CSV, if no comma: ';'."
)
REPORT = click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Where bad lines are written, as JSON lines."
)


@import_.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--currency", default="INR", show_default=True, help="Currency of products.jsonl's prices.")
@REPORT
def fashion(directory: Path, currency: str, report: Path | None) -> None:
    """Load DIRECTORY/styles.csv with images/<id>.jpg and, when there, products.jsonl or products.jsonl.gz."""
    from backend.catalog.importers import import_fashion

    _run(import_fashion, directory, report, currency=currency)


@import_.command(name="products")
@click.argument("file", type=click.Path(path_type=Path))
@COLUMNS
@DELIMITER
@click.option("--currency", help="Currency of prices in a file that has no such column.")
@click.option(
    "--images", type=click.Path(path_type=Path, file_okay=False), help="Directory of the image column's paths."
)
@REPORT
def import_products_command(
    file: Path,
    columns: tuple[str, ...],
    delimiter: str | None,
    currency: str | None,
    images: Path | None,
    report: Path | None,
) -> None:
    """Load products from FILE, a .csv or .jsonl, gzipped or not."""
    from backend.catalog.importers import import_products

    _run(
        import_products,
        file,
        report,
        columns=_pairs(columns),
        delimiter=delimiter,
        currency=currency,
        images=images,
    )


@import_.command(name="reviews")
@click.argument("file", type=click.Path(path_type=Path))
@COLUMNS
@DELIMITER
@click.option("--create-products", is_flag=True, help="Make a bare product for each sku that is not in the catalogue.")
@REPORT
def import_reviews_command(
    file: Path, columns: tuple[str, ...], delimiter: str | None, create_products: bool, report: Path | None
) -> None:
    """Load reviews from FILE, a .csv or .jsonl, gzipped or not."""
    from backend.catalog.importers import import_reviews

    _run(
        import_reviews,
        file,
        report,
        columns=_pairs(columns),
        delimiter=delimiter,
        create_products=create_products,
    )


@import_.command(name="events")
@click.argument("file", type=click.Path(path_type=Path))
@COLUMNS
@DELIMITER
@REPORT
def import_events_command(file: Path, columns: tuple[str, ...], delimiter: str | None, report: Path | None) -> None:
    """Load views, clicks, likes, carts, purchases and ratings from FILE, a .csv or .jsonl, gzipped or not."""
    from backend.catalog.importers.events import import_events

    _run(import_events, file, report, columns=_pairs(columns), delimiter=delimiter)


@import_.command()
@click.option("--reviews", type=click.Path(path_type=Path), help="A file of reviews, .json or .jsonl, gzipped or not.")
@click.option("--meta", type=click.Path(path_type=Path), help="The file of products that belongs to it.")
@click.option("--currency", default="USD", show_default=True, help="Currency of the products' prices.")
@click.option(
    "--download-images", is_flag=True, help="Then fetch the photographs that --meta named, now or in an earlier run."
)
@click.option(
    "--host-requests",
    default=4,
    show_default=True,
    type=click.IntRange(1, 8),
    help="Most requests to a host at once.",
)
@click.option(
    "--host-delay", default=0.1, show_default=True, type=click.FloatRange(0), help="Seconds between two of them."
)
@click.option(
    "--private-addresses",
    is_flag=True,
    help="Fetch from machines of your own network too, if the files name them: only for files that you trust.",
)
@REPORT
def amazon(
    reviews: Path | None,
    meta: Path | None,
    currency: str,
    download_images: bool,
    host_requests: int,
    host_delay: float,
    private_addresses: bool,
    report: Path | None,
) -> None:
    """Load Amazon's published reviews and products: JSON Lines of 2018 or 2023 (docs/importing.md)."""
    from backend.catalog.downloads import Limits, Politeness
    from backend.catalog.downloads import download_images as download
    from backend.catalog.importers import import_amazon, progress_bar
    from backend.terminal import show_import

    if reviews is None and meta is None and not download_images:
        raise click.UsageError("name a file: --reviews FILE, --meta FILE or both; or --download-images alone")
    with opened_database() as database:
        files = [file for file in (reviews, meta) if file is not None]
        if files:
            with progress_bar("importing") as progress:
                result = import_amazon(
                    database,
                    reviews=reviews,
                    meta=meta,
                    currency=currency,
                    report=_report(report, files[0]),
                    progress=progress,
                )
            for part, what in ((result.products, "products"), (result.reviews, "reviews")):
                if part is not None:
                    show_import(part, what)
        if download_images:
            politeness = Politeness(at_once=host_requests, delay=host_delay)
            with progress_bar("fetching") as progress:
                fetched = download(
                    database,
                    politeness=politeness,
                    limits=Limits(private=private_addresses),
                    report=_report(None if report is None else _beside(report), Path("images")),
                    progress=progress,
                )
            show_import(fetched, "photographs")


def _run(load: "Callable[..., ImportResult]", source: Path, report: Path | None, **options: object) -> None:
    """Load what is at ``source``, with a bar and a report, and print what became of it."""
    from backend.catalog.importers import progress_bar

    with opened_database() as database, progress_bar("importing") as progress:
        _show(load(database, source, report=_report(report, source), progress=progress, **options))


def _beside(report: Path) -> Path:
    """The report of the photographs beside that of the lines."""
    return report.with_name(f"{report.stem}-images{report.suffix}")


def _report(given: Path | None, source: Path) -> Path:
    from backend.catalog.importers import report_path

    return given or report_path(settings().home, source)


def _pairs(columns: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for column in columns:
        field, equals, name = column.partition("=")
        if not (field and equals and name):
            raise click.BadParameter(f"{column!r} is not of the form FIELD=COLUMN", param_hint="--column")
        pairs[field] = name
    return pairs


def _show(result: "ImportResult") -> None:
    from backend.terminal import show_import

    show_import(result)
