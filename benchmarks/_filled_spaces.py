"""A real catalogue in a database of its own, and spaces of any recipe fitted, filled and indexed in it."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backend.catalog.importers import import_fashion
from backend.database.connection import Database, Row, open_database
from backend.database.migrate import upgrade
from backend.errors import ConfigurationError
from backend.settings import Settings
from backend.spaces.attributes import choose_attributes
from backend.spaces.filling import advance_fills
from backend.spaces.fitting import fit
from backend.spaces.life import create_space
from backend.spaces.recipe import Recipe
from benchmarks._held_out import Catalogue
from workers.progress import Progress
from workers.worker import Worker

COUNT = "SELECT count(*) FROM products"
IDS = "SELECT sku, id FROM products"
GROUP = "UPDATE products SET variant_group = %s WHERE sku = %s"
TITLE = "UPDATE products SET title = %s WHERE sku = %s"
# So many titles change in one transaction.
CHUNK = 500


@dataclass
class Shop:
    """A database with a catalogue; ``ids`` by sku, ``seconds`` that each step took."""

    database: Database
    settings: Settings
    ids: dict[str, int]
    report: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)

    def group(self, groups: dict[str, frozenset[str]], skus: frozenset[str]) -> None:
        """Let these products know their variant group, and no others."""
        rows = [(f"group-{min(groups[sku])}", sku) for sku in sorted(skus) if sku in groups]
        with self.database.write() as connection, connection.cursor() as cursor:
            cursor.executemany(GROUP, rows)

    def make(self, name: str, recipe: Recipe, training: frozenset[str] | None = None) -> int:
        """A space of this recipe, fitted on the ``training`` products only where it needs fitting; returns its id."""
        began = time.perf_counter()
        models = []
        only = None if training is None else [self.ids[sku] for sku in sorted(training)]
        recipe = choose_attributes(self.database, recipe, only)
        if recipe.needs_fitting:
            models = fit(
                self.database,
                recipe,
                lambda said: self.report(f"{name}: {said}"),
                lambda: False,
                only_products=only,
            )
        space = create_space(self.database, name, recipe, models, report=self.report)
        self.seconds[f"fit {name}"] = time.perf_counter() - began
        return space.id

    def retitle(self, titles: dict[str, str]) -> None:
        """Give products other titles, which are then to be embedded again."""
        rows = [(title, sku) for sku, title in titles.items()]
        for start in range(0, len(rows), CHUNK):
            with self.database.write() as connection, connection.cursor() as cursor:
                cursor.executemany(TITLE, rows[start : start + CHUNK])

    def fill(self, step: str) -> int:
        """Let a worker embed what waits and index it; returns how many products it embedded."""
        began = time.perf_counter()
        embedded = 0
        for _ in range(10):
            advance_fills(self.database)
            embedded += Worker(self.database, self.settings, Progress(), drain=True).run()
            if all(stage.stage == "filled" for _, stage in advance_fills(self.database)):
                break
        else:
            raise ConfigurationError("the spaces are not filled; shelfmate jobs list says why, and the lines above")
        with self.database.alone() as connection:
            connection.execute("VACUUM ANALYZE")
        self.seconds[f"fill {step}"] = time.perf_counter() - began
        return embedded


@contextmanager
def shop(catalogue: Catalogue, report: Callable[[str], None]) -> Iterator[Shop]:
    """The catalogue, imported into a fresh database: an embedded server's, or the empty one of DATABASE_URL.

    Raises:
        ConfigurationError: the database of DATABASE_URL has products.
    """
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as temporary:
        # The server's unprivileged user has to enter it.
        Path(temporary).chmod(0o755)
        settings = Settings(home=Path(temporary) / "home")
        settings.home.mkdir(mode=0o755)
        with open_database(settings) as database:
            upgrade(database)
            if _rows(database, COUNT)[0][0]:
                raise ConfigurationError("this database holds products: give an empty one, or unset DATABASE_URL")
            part = Path(temporary) / "part"
            part.mkdir()
            catalogue.write(part)
            report(f"importing {len(catalogue.items):,} products")
            import_fashion(database, part, images=catalogue.directory / "images")
            ids: dict[str, int] = dict(_rows(database, IDS))
            yield Shop(database, settings, ids, report)


def _rows(database: Database, statement: str) -> Sequence[Row]:
    with database.read() as connection:
        return connection.execute(statement.encode()).fetchall()
