"""A made-up catalogue in a space of its own, with its indexes, and the same catalogue as numpy sees it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from filter_oracle import Catalogue, Json
from hypothesis import strategies as st
from ranking_oracle import CREATE_SPACE, DIMENSIONS, Array, Example, Vectors, halved, made_up_products
from small_catalogue import fresh_database

from backend.database.connection import Database
from backend.spaces.indexes import build_indexes
from backend.spaces.space import active_space

COUNT = 1_500
WHICH = np.random.default_rng(2).integers(0, 4, COUNT)
VECTORS = Vectors.clustered(WHICH)


class Shelf:
    """A database and what is stored in it; no dataclass, whose fields a failing test would print."""

    def __init__(self, database: Database, catalogue: Catalogue, vectors: Vectors) -> None:
        self.database = database
        self.catalogue = catalogue
        self.vectors = vectors

    def __repr__(self) -> str:
        return f"Shelf({self.database.dsn})"

    @property
    def products(self) -> dict[int, Json]:
        return self.catalogue.products

    def recommend(self, query: Json, connection: psycopg.Connection[Any] | None = None) -> list[dict[str, Any]]:
        """The rows of ``recommend``, in order, in a connection that may hold rules nobody else sees."""
        if connection is None:
            with self.database.read() as own:
                return self.recommend(query, own)
        cursor = connection.execute("SELECT * FROM recommend(%s::jsonb)", [json.dumps(query)])
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def example(self, row: int, weight: float = 1, is_like: bool = True) -> Example:
        """A product as an example; row n is the product with sku Sn."""
        blocks = {name: getattr(self.vectors, name)[row] for name in DIMENSIONS}
        return Example(blocks, weight, is_like, row + 1)


@contextmanager
def stocked_shelf(
    server_dsn: str, template: str, home: Path, which: Array, products: dict[int, Json], build: bool = True
) -> Iterator[Shelf]:
    """``products`` with clustered vectors; ``which`` of them lie on the far side of the sphere."""
    catalogue = Catalogue(products)
    with fresh_database(server_dsn, template, home) as (database, _):
        with database.write() as connection:
            space = (connection.execute(CREATE_SPACE.encode()).fetchone() or (0,))[0]
            connection.execute("SELECT activate_space('uneven', force => true)")
            catalogue.store(connection)
            vectors = Vectors.clustered(which).store(connection, space)
        with database.alone() as alone:
            alone.execute("VACUUM ANALYZE products, product_embeddings")
        if build:
            with database.alone() as alone:
                assert len(build_indexes(alone, active_space(database), lambda _: None)) == 3
        yield Shelf(database, catalogue, vectors)


@pytest.fixture(scope="module")
def shelf(server_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """1,500 products; tests of a module only read them, or roll back."""
    home = tmp_path_factory.mktemp("home")
    with stocked_shelf(server_dsn, template, home, WHICH, made_up_products(COUNT, WHICH)) as stocked:
        yield stocked


def simple_filters() -> st.SearchStrategy[Json]:
    """Conditions that match from none to nearly all of the made-up products."""
    price = st.integers(-1, 101)
    leaf = st.one_of(
        st.sampled_from(("A", "A/One", "B", "Far")).map(lambda path: {"field": "category", "under": path}),
        st.builds(lambda low, wide: {"field": "price", "gte": low, "lt": low + wide}, price, st.integers(0, 60)),
        st.booleans().map(lambda stock: {"field": "in_stock", "eq": stock}),
        st.integers(0, 29).map(lambda number: {"field": "brand", "in": [f"Brand {number}", "Brand 1"]}),
        st.sampled_from(("red", "blue")).map(lambda colour: {"field": "attributes.colour", "eq": colour}),
    )
    return st.one_of(
        leaf,
        leaf.map(lambda node: {"not": node}),
        st.lists(leaf, min_size=2, max_size=3).map(lambda nodes: {"all": nodes}),
        st.lists(leaf, min_size=2, max_size=2).map(lambda nodes: {"any": nodes}),
    )


@st.composite
def vector_examples(draw: st.DrawFn, near: bool) -> dict[str, list[float]]:
    """Raw vectors, not of length 1, for one modality or both, as JSON carries them; near a product or anywhere."""
    chance = np.random.default_rng(draw(st.integers(0, 10**6)))
    names = draw(st.sampled_from((("text",), ("image",), ("text", "image"))))
    row = int(chance.integers(COUNT))
    centres = {name: getattr(VECTORS, name)[row] * (10 if near else 0) for name in names}
    return {
        name: (centre + chance.normal(size=DIMENSIONS[name])).astype(np.float32).tolist()
        for name, centre in centres.items()
    }


def as_blocks(vector: dict[str, list[float]]) -> dict[str, Array]:
    """Raw vectors as the server compares them: of length 1, halves."""
    return {name: halved(np.array(numbers)) for name, numbers in vector.items()}
