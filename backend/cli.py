"""The shelfmate command: each subcommand calls one function elsewhere."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from backend.errors import DatabaseUnavailable, ShelfmateError
from backend.settings import settings

# Heavy parts (models, server, SQLAlchemy) are imported by the subcommand that needs them.


class Commands(click.Group):
    """Shelfmate's own errors end a command with their sentence, not with a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; exit status 1 may mend itself, 2 means that a setting or an argument has to change."""
        try:
            return super().invoke(ctx)
        except ShelfmateError as error:
            click.echo(f"shelfmate: {error}", err=True)
            sys.exit(1 if isinstance(error, DatabaseUnavailable) else 2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shelfmate")
def main() -> None:
    """A recommendation backend for shops, on Postgres and pgvector.

    DATABASE_URL names the Postgres server; without it Shelfmate runs its own under SHELFMATE_HOME (~/.shelfmate).
    """


@main.command()
@click.option("--sample", is_flag=True, help="Fill an empty catalogue with Shelfmate's own sample products first.")
def up(sample: bool) -> None:
    """Run everything: database, worker and server, under one parent."""
    from backend.up import run

    run(settings(), sample=sample)


@main.command()
def serve() -> None:
    """Answer HTTP: the API, its documentation and the storefront."""
    from backend.server import serve as run

    with _database() as database:
        run(database, settings())


@main.command()
@click.option("--drain", is_flag=True, help="End when nothing is left to embed.")
def worker(drain: bool) -> None:
    """Embed products as they are inserted and edited."""
    from backend.processes import stop_on_signals
    from workers.progress import Progress, log_to_terminal
    from workers.worker import Worker

    with _database() as database:
        console = log_to_terminal()
        hand = Worker(database, settings(), Progress(console), drain=drain)
        stop_on_signals(hand.stopping)
        embedded = hand.run()
    if drain:
        click.echo(f"{embedded} products embedded")


@main.command()
def upkeep() -> None:
    """Do once what a worker does every few minutes: measure recall, tune it, mend indexes, delete what expired."""
    from workers.upkeep import Upkeep

    with _database() as database:
        outcome = Upkeep(database, settings(), click.echo).run_now()
    if outcome is None:
        click.echo("another process is at it right now", err=True)
        sys.exit(1)
    click.echo(
        f"{outcome.audited} queries audited, {len(outcome.changes)} changes, {outcome.expired} expired results deleted"
    )


@main.command()
@click.option("--down", is_flag=True, help="Remove everything that Shelfmate stores in the database.")
def migrate(down: bool) -> None:
    """Bring the database schema up to date and make the default embedding space."""
    from backend.database.connection import open_database
    from backend.database.migrate import downgrade, upgrade
    from backend.spaces.space import ensure_default_space

    with open_database(settings()) as database:
        if down:
            click.confirm("This deletes every product, review and vector. Go on?", abort=True)
            downgrade(database)
            return
        upgrade(database)
        ensure_default_space(database, settings())
    click.echo("the database is up to date")


@main.command()
@click.option("--analyst", is_flag=True, help="Connect as the role that reads everything and has no right to write.")
def dsn(analyst: bool) -> None:
    """Print a connection string, with the tables and functions found without a prefix.

    An embedded server then waits 10 minutes for a client, and as long as one is connected.
    """
    with _database(linger=600) as database:
        click.echo(_dsn(database.dsn, analyst=analyst))


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--analyst", is_flag=True, help="Connect as the role that reads everything and has no right to write.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sql(analyst: bool, arguments: tuple[str, ...]) -> None:
    """Open psql on the database; ARGUMENTS are psql's own, such as -c 'SELECT ...'."""
    from backend.database.psql import run

    with _database() as database:
        sys.exit(run(_dsn(database.dsn, analyst=analyst), arguments, embedded=settings().database_url is None))


@main.command()
@click.option("--products", default=1200, show_default=True, help="How many products to draw.")
@click.option("--seed", default=7, show_default=True, help="The same seed gives the same bytes.")
def sample(products: int, seed: int) -> None:
    """Draw a catalogue of Shelfmate's own, with photographs and reviews, and load it."""
    from backend.catalog.importers import load_sample, progress_bar
    from backend.catalog.sample import generate

    with _database() as database, progress_bar("drawing") as progress:
        _show(load_sample(database, generate(seed, products), progress=progress))


@main.group(name="import")
def import_() -> None:
    """Load products, photographs and reviews from files. Running an import again changes nothing."""


COLUMNS = click.option(
    "--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Read FIELD from the column of another name."
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
    from backend.catalog.importers import import_fashion, progress_bar

    with _database() as database, progress_bar("importing") as progress:
        _show(
            import_fashion(database, directory, currency=currency, report=_report(report, directory), progress=progress)
        )


@import_.command(name="products")
@click.argument("file", type=click.Path(path_type=Path))
@COLUMNS
@click.option("--currency", help="Currency of prices in a file that has no such column.")
@click.option(
    "--images", type=click.Path(path_type=Path, file_okay=False), help="Directory of the image column's paths."
)
@REPORT
def import_products_command(
    file: Path, columns: tuple[str, ...], currency: str | None, images: Path | None, report: Path | None
) -> None:
    """Load products from FILE, a .csv or .jsonl, gzipped or not."""
    from backend.catalog.importers import import_products, progress_bar

    with _database() as database, progress_bar("importing") as progress:
        _show(
            import_products(
                database,
                file,
                columns=_pairs(columns),
                currency=currency,
                images=images,
                report=_report(report, file),
                progress=progress,
            )
        )


@import_.command(name="reviews")
@click.argument("file", type=click.Path(path_type=Path))
@COLUMNS
@click.option("--create-products", is_flag=True, help="Make a bare product for each sku that is not in the catalogue.")
@REPORT
def import_reviews_command(file: Path, columns: tuple[str, ...], create_products: bool, report: Path | None) -> None:
    """Load reviews from FILE, a .csv or .jsonl, gzipped or not."""
    from backend.catalog.importers import import_reviews, progress_bar

    with _database() as database, progress_bar("importing") as progress:
        _show(
            import_reviews(
                database,
                file,
                columns=_pairs(columns),
                create_products=create_products,
                report=_report(report, file),
                progress=progress,
            )
        )


@main.group()
def space() -> None:
    """Embedding spaces: the recipes that vectors are made by."""


@space.command(name="list")
def space_list() -> None:
    """Every space with its encoders, its state and how far it is filled."""
    from backend.spaces.space import list_fills

    with _database() as database:
        _table(
            ["space", "state", "text", "image", "dimensions", "embedded", "waiting"],
            [
                [
                    item.name,
                    item.state,
                    f"{item.text_encoder} x {item.text_weight:g}" if item.text_encoder else "",
                    f"{item.image_encoder} x {item.image_weight:g}" if item.image_encoder else "",
                    str(sum(item.dimensions)),
                    str(fill.embedded),
                    str(fill.waiting),
                ]
                for item, fill in list_fills(database)
            ],
        )


@main.group()
def jobs() -> None:
    """The embedding queue: what waits, what died and why."""


@jobs.command(name="list")
@click.option("--state", type=click.Choice(["queued", "leased", "dead"]))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
def jobs_list(state: str | None, limit: int) -> None:
    """Counts, then jobs, the dead first."""
    from backend.spaces.jobs import count_jobs, list_jobs

    with _database() as database:
        counts = count_jobs(database)
        found = list_jobs(database, state=state, limit=limit)
    click.echo(f"{counts.queued} queued, {counts.leased} leased, {counts.dead} dead")
    if found:
        _table(
            ["sku", "space", "state", "attempts", "losses", "queued", "last error"],
            [
                [
                    job.sku,
                    job.space,
                    job.state,
                    str(job.attempts),
                    str(job.losses),
                    f"{job.queued_at:%Y-%m-%d %H:%M:%S}",
                    job.last_error or "",
                ]
                for job in found
            ],
        )
        if len(found) == limit:
            click.echo(f"the first {limit}; --limit shows more")


@jobs.command(name="show")
@click.argument("sku")
def jobs_show(sku: str) -> None:
    """Everything that is known of the jobs of one product."""
    from backend.catalog.products import get_product
    from backend.spaces.jobs import list_jobs

    with _database() as database:
        get_product(database, sku)
        found = list_jobs(database, sku=sku)
    if not found:
        click.echo(f"no job of {sku} waits or is dead")
    for job in found:
        for name, value in asdict(job).items():
            click.echo(f"{name:>13}  {'' if value is None else value}")


@jobs.command(name="retry")
@click.argument("sku", required=False)
def jobs_retry(sku: str | None) -> None:
    """Queue the dead jobs again, all or those of one SKU."""
    from backend.catalog.products import get_product
    from backend.spaces.jobs import retry_dead

    with _database() as database:
        if sku is not None:
            get_product(database, sku)
        click.echo(f"{retry_dead(database, sku=sku)} jobs queued again")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(name: str | None, arguments: tuple[str, ...]) -> None:
    """Run a benchmark of the checkout's benchmarks/ directory; without NAME, list them."""
    from backend.benchmarking import list_benchmarks, run

    if name is None:
        _table(["benchmark", "what it measures"], [list(item) for item in list_benchmarks()])
    else:
        sys.exit(run(name, arguments))


@contextmanager
def _database(linger: float = 0) -> Iterator[Any]:
    """The database with its schema up to date: a fresh one is set up, an old one is brought up to date."""
    from backend.database.connection import open_database
    from backend.database.migrate import upgrade
    from backend.spaces.space import ensure_default_space

    with open_database(settings(), linger=linger) as database:
        upgrade(database)
        ensure_default_space(database, settings())
        yield database


def _dsn(address: str, *, analyst: bool) -> str:
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    if not analyst:
        return address
    parameters = conninfo_to_dict(address)
    # It is the owner's.
    parameters.pop("password", None)
    return make_conninfo(**{name: str(value) for name, value in parameters.items()} | {"user": "analyst"})


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


def _show(result: Any) -> None:
    from backend.terminal import show_import

    show_import(result)


def _table(head: list[str], rows: list[list[str]]) -> None:
    from backend.terminal import table

    table(head, rows)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
