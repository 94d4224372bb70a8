"""What the benchmarks share: the real catalogue in a database of their own, and how figures are printed."""

import argparse
import logging
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from backend.catalog.importers import import_fashion
from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.settings import Settings
from backend.spaces.space import ensure_default_space
from workers.log import log
from workers.progress import Progress
from workers.worker import Worker

DATA = Path(__file__).parents[2] / "shared" / "data" / "fashion"


def parser_for(description: str | None) -> argparse.ArgumentParser:
    """A parser of a benchmark's options, described by its docstring."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark takes."""
    parser = parser_for(description)
    parser.add_argument("--data", type=Path, default=DATA, help="a fashion directory: styles.csv and images/")
    parser.add_argument("--home", type=Path, help="keep the database here, and use what an earlier run left in it")
    return parser


@contextmanager
def catalogue(options: argparse.Namespace, *, embedded: bool = True) -> Iterator[tuple[Database, Settings]]:
    """A database with the catalogue imported and, unless told otherwise, embedded and indexed."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    log.setLevel(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o755)
        settings = Settings(home=options.home or Path(temporary))
        with open_database(settings) as database:
            upgrade(database)
            ensure_default_space(database, settings)
            import_fashion(database, options.data)
            if embedded:
                Worker(database, settings, Progress(), drain=True).run()
                with database.alone() as connection:
                    connection.execute("VACUUM ANALYZE")
            yield database, settings


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table of figures."""
    table = Table(*head, title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(width=150).print(table)


def spread(values: Sequence[float]) -> str:
    """Median with the least and the greatest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
