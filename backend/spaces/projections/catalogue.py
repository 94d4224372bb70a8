"""The part of a catalogue that a projection is fitted on: which products, and the links among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, groupby
from typing import Any

import numpy as np

from backend.database.connection import Database
from backend.database.queries import load_queries
from backend.spaces.projections.links import Indices, Links
from backend.spaces.space import MOST_PHOTOGRAPHS

SQL = load_queries("fitting")

# Of one buyer: a hundred purchases would be 4,950 pairs that say little each.
MOST_BOUGHT = 20


@dataclass(frozen=True, eq=False)
class Catalogue:
    """n products by rising id, their links, and (n,) numbers that are equal for one and the same first photograph,
    -1 where there is none."""

    ids: list[int]
    links: Links
    photographs: Indices


def read_catalogue(database: Database, only_products: Sequence[int] | None, sample: int, seed: int) -> Catalogue:
    """Of ``only_products``, or of all, at most ``sample`` and the rest of the last variant group among them."""
    only = None if only_products is None else list(only_products)
    with database.read() as connection:
        rows = connection.execute(
            SQL["sample"], {"only": only, "sample": sample, "seed": seed, "most": 2 * sample}
        ).fetchall()
        ids = [row[0] for row in rows]
        place = {product: index for index, product in enumerate(ids)}
        hashes = dict(connection.execute(SQL["first_photographs"], {"ids": ids}).fetchall())
        baskets = connection.execute(SQL["baskets"], {"ids": ids, "most": MOST_BOUGHT}).fetchall()
    bought = {
        pair
        for _, basket in groupby(baskets, key=lambda row: row[0])
        for pair in combinations(sorted(place[product] for _, product in basket), 2)
    }
    links = Links.of([row[1] for row in rows], [row[2] or None for row in rows], sorted(bought))
    names = [hashes.get(product) for product in ids]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for name in names if name is not None))}
    same = np.array([-1 if name is None else numbers[name] for name in names], dtype=np.int64)
    return Catalogue(ids, links, same)


def read_texts(database: Database, ids: list[int]) -> list[tuple[str, str, str | None, dict[str, Any], Decimal | None]]:
    """Title, description, brand, attributes and price of each product; blank ones where it was deleted meanwhile."""
    with database.read() as connection:
        found = {row[0]: row[1:] for row in connection.execute(SQL["texts"], {"ids": ids}).fetchall()}
    return [found.get(product, ("", "", None, {}, None)) for product in ids]


def read_photographs(database: Database, ids: list[int], at_once: int) -> Iterator[tuple[int, list[bytes]]]:
    """Each product that has photographs, with their files' bytes; those of ``at_once`` products are in memory."""
    for start in range(0, len(ids), at_once):
        with database.read() as connection:
            rows = connection.execute(
                SQL["photographs"],
                {"ids": ids[start : start + at_once], "most_photographs": MOST_PHOTOGRAPHS},
                binary=True,
            ).fetchall()
        for product, photographs in groupby(rows, key=lambda row: row[0]):
            yield product, [content for _, content in photographs]
