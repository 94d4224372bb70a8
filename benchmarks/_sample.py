"""Embedded products in one file, so that a database of any size is filled in seconds and without encoders."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.database.connection import Database
from backend.errors import ConfigurationError
from backend.spaces.fusion import fuse
from backend.spaces.space import active_space

Halves = NDArray[np.float16]
Floats = NDArray[np.float32]

WEIGHTS = (0.5, 0.5)
# A copy is as far from its original as a product is from the neighbour of this rank.
NEIGHBOUR = 10
STORED = (
    "SELECT p.sku, p.title, p.category, p.brand, p.price::float8, p.currency, p.in_stock, p.attributes, a.text, a.image"
    "  FROM active_embeddings a JOIN products p ON p.id = a.product_id ORDER BY p.id"
)


@dataclass(frozen=True)
class Sample:
    """n products and their vectors as stored: text (n, d) and image (n, e), unit rows, zeros for what lacks."""

    products: list[dict[str, Any]]
    text: Halves
    image: Halves

    def __len__(self) -> int:
        return len(self.products)

    @cached_property
    def fused(self) -> Halves:
        """(n, d + e), as the worker fuses them with equal weights."""
        blocks = [self.text.astype(np.float32), self.image.astype(np.float32), None]
        fused = fuse(blocks, (*WEIGHTS, 0.0), (self.text.shape[1], self.image.shape[1], 0))
        return fused.astype(np.float16)

    @cached_property
    def has_image(self) -> NDArray[np.bool_]:
        """(n,), whether the product has a photograph."""
        return np.asarray(self.image.any(axis=1))

    def save(self, path: Path) -> None:
        """Write the file that ``load`` reads."""
        products = np.frombuffer(json.dumps(self.products).encode(), dtype=np.uint8)
        with path.open("wb") as file:
            np.savez(file, products=products, text=self.text, image=self.image)

    @classmethod
    def load(cls, path: Path) -> "Sample":
        """Read what ``save`` or ``shelfmate bench vectors`` wrote.

        Raises:
            ConfigurationError: there is no such file.
        """
        if not path.is_file():
            raise ConfigurationError(f"no vectors in {path}: shelfmate bench vectors writes them")
        with np.load(path) as stored:
            return cls(json.loads(stored["products"].tobytes()), stored["text"], stored["image"])

    @classmethod
    def read(cls, database: Database) -> "Sample":
        """Every embedded product of a database's active space."""
        space = active_space(database)
        with database.read() as connection:
            rows = connection.execute(STORED.encode()).fetchall()
        names = ("sku", "title", "category", "brand", "price", "currency", "in_stock", "attributes")
        blocks = [
            np.stack([np.zeros(size, np.float16) if row[i] is None else row[i].to_numpy() for row in rows])
            for i, size in ((8, space.text_dimensions), (9, space.image_dimensions))
        ]
        return cls([dict(zip(names, row[:8], strict=True)) for row in rows], blocks[0], blocks[1])

    def resized(self, rows: int, seed: int = 0) -> "Sample":
        """The first ``rows`` products; more than there are come as copies with noise, each with a sku of its own.

        The noise of a copy is the difference of two other products, drawn anew for each block, at the length that
        lies between a product and its tenth neighbour in that block (the median of 500): copies stay where products
        are, are told apart, and are neighbours of what their originals were.
        """
        count = len(self)
        if rows <= count:
            return Sample(self.products[:rows], self.text[:rows], self.image[:rows])
        random = np.random.default_rng(seed)
        origin = np.arange(rows) % count
        products = [
            product if row < count else {**product, "sku": f"{product['sku']}~{row // count}"}
            for row, product in enumerate(self.products[i] for i in origin)
        ]
        return Sample(products, *(_copied(block, origin, random) for block in (self.text, self.image)))


def _copied(block: Halves, origin: NDArray[np.int64], random: np.random.Generator) -> Halves:
    real = block.astype(np.float32)
    present = np.flatnonzero(real.any(axis=1))
    length = _neighbour_distance(real[present], random)
    copied = block[origin]
    for start in range(len(block), len(origin), 10_000):
        rows = np.arange(start, min(start + 10_000, len(origin)))
        rows = rows[np.isin(origin[rows], present)]
        noise = real[random.choice(present, len(rows))] - real[random.choice(present, len(rows))]
        noise *= length / np.maximum(np.linalg.norm(noise, axis=1, keepdims=True), 1e-6)
        moved = real[origin[rows]] + noise
        copied[rows] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return copied


def _neighbour_distance(units: Floats, random: np.random.Generator) -> float:
    chosen = random.choice(len(units), min(500, len(units)), replace=False)
    cosines = np.sort(units[chosen] @ units.T, axis=1)[:, -1 - min(NEIGHBOUR, len(units) - 1)]
    return float(np.median(np.sqrt(np.maximum(0, 2 - 2 * cosines))))
