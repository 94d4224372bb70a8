"""Bytes a product of spaces of several dimensions: the row, the HNSW index of the fused vector, and everything stored.

The vectors are made up, since sizes depend on nothing but their number; indexes are built as the worker builds them.
"""

import argparse
import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from pgvector import HalfVector

from backend.database.connection import Database, open_database
from backend.database.migrate import upgrade
from backend.errors import ConfigurationError
from backend.evaluation.size import Size, read_size
from backend.settings import Settings
from backend.spaces.fusion import Vectors, fuse
from backend.spaces.indexes import build_indexes
from backend.spaces.life import create_space
from backend.spaces.recipe import Recipe
from benchmarks._setup import parser_for, show

PRODUCTS = "INSERT INTO products (sku, title) SELECT 'S' || g, 'T' FROM generate_series(1, %s) g RETURNING id"
EMBEDDINGS = (
    "COPY product_embeddings (product_id, space_id, text, image, fused, text_hash, image_hash)"
    " FROM STDIN (FORMAT binary)"
)
TYPES = ("int8", "int4", "halfvec", "halfvec", "halfvec", "bytea", "bytea")
WEIGHTS = (0.5, 0.5, 0.0)


def main() -> None:
    parser = parser_for((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_000, help="products; fewer than 1,000 get no index")
    parser.add_argument(
        "--dimensions",
        nargs="+",
        default=["144+144", "160+160", "256+256", "384+256", "384+1280"],
        metavar="TEXT+IMAGE",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    sizes = measure(options)
    if options.json:
        figures = {name: asdict(size) | {"row_and_index": size.row_and_index} for name, size in sizes.items()}
        print(json.dumps({"benchmark": "row_size", "figures": figures}, indent=1))
        return
    rows = [
        [
            name,
            *(
                f"{number:,.0f}"
                for number in (size.fused_value, size.row, size.index, size.row_and_index, size.everything)
            ),
        ]
        for name, size in sizes.items()
    ]
    head = ["text + image", "fused value", "row", "index", "row and index", "everything"]
    show(f"bytes a product, {options.rows:,} products", head, rows)


def measure(options: argparse.Namespace) -> dict[str, Size]:
    """The size of a space of each pair of dimensions, in a database of its own.

    Raises:
        ConfigurationError: DATABASE_URL names a database with products.
    """
    with tempfile.TemporaryDirectory(prefix="shelfmate-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        with open_database(Settings(home=Path(home))) as database:
            upgrade(database)
            with database.write() as connection:
                if connection.execute("SELECT 1 FROM products LIMIT 1").fetchone():
                    raise ConfigurationError("this database holds products: give an empty one, or unset DATABASE_URL")
                ids = [row[0] for row in connection.execute(PRODUCTS, [options.rows]).fetchall()]
            return {pair: _measure(database, pair, ids) for pair in options.dimensions}


def _measure(database: Database, pair: str, ids: list[int]) -> Size:
    text, image = (int(size) for size in pair.split("+"))
    recipe = Recipe(text=f"hashing:{text}", image=f"hashing:{image}")
    space = create_space(database, f"space-{text}-{image}", recipe)
    blocks = [_units(len(ids), size, seed) for seed, size in enumerate((text, image))]
    fused = fuse([*blocks, None], WEIGHTS, (text, image, 0))
    digest = hashlib.sha256().digest()
    with database.write() as connection, connection.cursor() as cursor, cursor.copy(EMBEDDINGS) as copy:
        copy.set_types(TYPES)
        for row in zip(ids, *blocks, fused, strict=True):
            copy.write_row((row[0], space.id, *(HalfVector(vector) for vector in row[1:]), digest, digest))
    with database.alone() as connection:
        build_indexes(connection, space, lambda _: None)
        return read_size(connection, space.id)


def _units(rows: int, size: int, seed: int) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((rows, size))
    units: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return units


if __name__ == "__main__":
    main()
