"""A Shelfmate database filled from a sample by COPY, indexed as the worker indexes it."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pgvector import HalfVector
from psycopg import Connection

from backend.database.connection import Database, Row, open_database
from backend.database.migrate import upgrade
from backend.errors import ConfigurationError
from backend.settings import Settings
from backend.spaces.indexes import HnswIndex, wanted_indexes
from backend.spaces.space import active_space, ensure_default_space
from benchmarks._sample import WEIGHTS, Sample

PRODUCTS = (
    "COPY products (id, sku, title, category, brand, price, currency, in_stock, attributes) FROM STDIN",
    "SELECT setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products))",
    # Filled here, so there is nothing to embed.
    "TRUNCATE embedding_jobs",
)
OUT = Path(__file__).parent / "out"

EMBEDDINGS = "COPY product_embeddings (product_id, space_id, text, image, fused) FROM STDIN (FORMAT binary)"


@dataclass
class Filled:
    """A filled database; product ids are the sample's row numbers plus 1."""

    database: Database
    settings: Settings
    sample: Sample
    seconds: dict[str, float] = field(default_factory=dict)

    def size(self, relation: str) -> int:
        """Bytes of a table or an index, with what it holds apart."""
        with self.database.read() as connection:
            row = connection.execute("SELECT pg_total_relation_size(%s::regclass)", [relation]).fetchone()
        assert row is not None
        return int(row[0])


def sample_options(parser: argparse.ArgumentParser, rows: int) -> None:
    """The options that say what a benchmark's database holds."""
    parser.add_argument("--vectors", type=Path, required=True, help="what shelfmate bench vectors wrote")
    parser.add_argument("--rows", type=int, default=rows, help="products; over the file's, copies with noise")
    parser.add_argument("--home", type=Path, help="keep databases here, and use what an earlier run left")
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures are written")
    parser.add_argument("--seed", type=int, default=0)


@contextmanager
def filled(options: argparse.Namespace, *, single_modality: bool = True) -> Iterator[Filled]:
    """A database with ``options.rows`` products, indexed; ``single_modality``: the indexes of text and image too.

    It is the server's that DATABASE_URL names, or one of its own under ``options.home``.

    Raises:
        ConfigurationError: the database holds other products, or its encoders have other dimensions.
    """
    sample = Sample.load(options.vectors).resized(options.rows, options.seed)
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o755)
        home = options.home / f"rows-{len(sample)}" if options.home else Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        settings = Settings(home=home)
        with open_database(settings) as database:
            upgrade(database)
            ensure_default_space(database, settings)
            state = Filled(database, settings, sample)
            _require_dimensions(state)
            if not _holds(state):
                _fill(state)
            _index(state, single_modality=single_modality)
            yield state


def _require_dimensions(state: Filled) -> None:
    space = active_space(state.database)
    wanted = (state.sample.text.shape[1], state.sample.image.shape[1])
    if wanted != (space.text_dimensions, space.image_dimensions) or (space.text_weight, space.image_weight) != WEIGHTS:
        raise ConfigurationError(f"the vectors have {wanted} dimensions, which are not those of the space {space.name}")


def _holds(state: Filled) -> bool:
    with state.database.read() as connection:
        found = connection.execute("SELECT id, sku FROM products ORDER BY id").fetchall()
    if found and found != [(i, product["sku"]) for i, product in enumerate(state.sample.products, 1)]:
        raise ConfigurationError("this database holds other products: give an empty one, or another --home")
    return bool(found)


def _fill(state: Filled) -> None:
    space = active_space(state.database)
    began = time.perf_counter()
    with state.database.write() as connection, connection.cursor() as cursor:
        with cursor.copy(PRODUCTS[0]) as copy:
            for i, p in enumerate(state.sample.products, 1):
                attributes = json.dumps(p["attributes"])
                values = [p[name] for name in ("sku", "title", "category", "brand", "price", "currency", "in_stock")]
                copy.write_row((i, *values, attributes))
        for statement in PRODUCTS[1:]:
            cursor.execute(statement.encode())
        blocks = (state.sample.text, state.sample.image, state.sample.fused)
        with cursor.copy(EMBEDDINGS) as copy:
            copy.set_types(["int8", "int4", "halfvec", "halfvec", "halfvec"])
            for i, vectors in enumerate(zip(*blocks, strict=True), 1):
                copy.write_row((i, space.id, *(HalfVector(v) if v.any() else None for v in vectors)))
    state.seconds["copy"] = time.perf_counter() - began


def _index(state: Filled, *, single_modality: bool) -> None:
    space = active_space(state.database)
    wanted = wanted_indexes(space) if single_modality else wanted_indexes(space)[:1]
    with state.database.alone() as connection:
        _build_settings(connection)
        for index in wanted:
            row = connection.execute("SELECT to_regclass(%s)", [index.name]).fetchone()
            if row is None or row[0] is None:
                began = time.perf_counter()
                connection.execute(_create(space.id, index).encode())
                state.seconds[index.name] = time.perf_counter() - began
        connection.execute("VACUUM ANALYZE")


def _build_settings(connection: Connection[Row]) -> None:
    connection.execute("SET maintenance_work_mem = '2GB'; SET max_parallel_maintenance_workers = 2")


def _create(space_id: int, index: HnswIndex) -> str:
    return (
        f"CREATE INDEX {index.name} ON product_embeddings_{space_id}"
        f" USING hnsw (({index.column}::halfvec({index.dimensions})) {index.operators})"
    )
