"""A real catalogue in two parts: products that a fit may see, and those, with all their kin, that judge it."""

import csv
import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from backend.errors import InvalidInput
from backend.evaluation.hard_titles import hard_title

STYLES = ("styles.csv", "styles.csv.gz")
PRODUCTS = ("products.jsonl", "products.jsonl.gz")
VARIANTS = ("colour_variants.csv", "colour_variants.csv.gz")


@dataclass(frozen=True)
class Item:
    """One product of styles.csv: its id (which is its sku), title, article type, and its photograph's hash if any."""

    sku: str
    title: str
    article_type: str
    photograph: str | None

    @property
    def hard_title(self) -> str:
        """The title without what gives the article type away; one of nothing else becomes a dash: a product has one."""
        return hard_title(self.title, self.article_type) or "-"


@dataclass(frozen=True)
class Catalogue:
    """The products of a directory, in the order of styles.csv, and the variant links between them."""

    directory: Path
    items: tuple[Item, ...]
    variants: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, directory: Path) -> "Catalogue":
        """Read styles.csv, colour_variants.csv and, where there is one, products.jsonl; each may end in .gz.

        A photograph's hash is ``img_md5`` of products.jsonl or, without it, that of the file in images/. "NA" is a
        value. A link to a product that is not in styles.csv is left out.

        Raises:
            InvalidInput: a file or a column is missing.
        """
        with _opened(directory, STYLES) as file:
            rows = list(csv.DictReader(file))
        with _opened(directory, VARIANTS) as file:
            links = list(csv.DictReader(file))
        for found, columns, name in (
            (rows, ("id", "articleType", "productDisplayName"), STYLES[0]),
            (links, ("id_a", "id_b"), VARIANTS[0]),
        ):
            missing = [column for column in columns if not found or column not in found[0]]
            if missing:
                raise InvalidInput(f"{directory / name} has no {', '.join(missing)}", field="data")
        photographs = _photographs(directory)
        items = tuple(
            Item(
                row["id"],
                row["productDisplayName"],
                row["articleType"],
                photographs.get(row["id"]) or _hash(directory / "images" / f"{row['id']}.jpg"),
            )
            for row in rows
        )
        known = {item.sku for item in items}
        pairs = tuple((row["id_a"], row["id_b"]) for row in links if {row["id_a"], row["id_b"]} <= known)
        return cls(directory, items, pairs)

    def groups(self) -> dict[str, frozenset[str]]:
        """By sku, the variant group of each product that has one: the products that links lead to, itself included."""
        groups = join([item.sku for item in self.items], self.variants)
        return {sku: group for group in groups if len(group) > 1 for sku in group}

    def kin(self) -> list[frozenset[str]]:
        """The products in parts that nothing joins: neither a variant link nor one and the same photograph."""
        by_photograph: dict[str, str] = {}
        same = [
            (by_photograph.setdefault(item.photograph, item.sku), item.sku)
            for item in self.items
            if item.photograph is not None
        ]
        return join([item.sku for item in self.items], [*self.variants, *same])

    def split(self, test_share: float, seed: int) -> tuple[frozenset[str], frozenset[str]]:
        """The skus of training and of test: kin are never parted, and test has ``test_share`` of the products or a few
        more."""
        training: set[str] = set()
        test: set[str] = set()
        for part in _shuffled(self.kin(), seed):
            (test if len(test) < test_share * len(self.items) else training).update(part)
        return frozenset(training), frozenset(test)

    def smaller(self, rows: int, seed: int) -> "Catalogue":
        """At least ``rows`` of the products, kin together; the whole when there are no more."""
        kept: set[str] = set()
        for part in _shuffled(self.kin(), seed):
            if len(kept) >= rows:
                break
            kept.update(part)
        items = tuple(item for item in self.items if item.sku in kept)
        return replace(self, items=items, variants=tuple(pair for pair in self.variants if kept.issuperset(pair)))

    def write(self, directory: Path) -> None:
        """Write styles.csv and products.jsonl of just these products, for an import; the photographs stay where they
        are."""
        kept = {item.sku for item in self.items}
        with (
            _opened(self.directory, STYLES) as source,
            (directory / STYLES[0]).open("w", encoding="utf-8", newline="") as out,
        ):
            reader = csv.DictReader(source)
            writer = csv.DictWriter(out, reader.fieldnames or [])
            writer.writeheader()
            writer.writerows(row for row in reader if row["id"] in kept)
        if _find(self.directory, PRODUCTS) is not None:
            with (
                _opened(self.directory, PRODUCTS) as source,
                (directory / PRODUCTS[0]).open("w", encoding="utf-8") as out,
            ):
                out.writelines(line for line in source if str(json.loads(line)["id"]) in kept)


def join(names: Sequence[str], links: Iterable[tuple[str, str]]) -> list[frozenset[str]]:
    """The connected components of ``names`` under ``links``, in the order of their first names."""
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in links:
        parent[root(one)] = root(other)
    parts: dict[str, set[str]] = defaultdict(set)
    for name in names:
        parts[root(name)].add(name)
    return [frozenset(part) for part in parts.values()]


def _shuffled(parts: list[frozenset[str]], seed: int) -> list[frozenset[str]]:
    return [parts[place] for place in np.random.default_rng(seed).permutation(len(parts))]


def _find(directory: Path, names: Sequence[str]) -> Path | None:
    return next((directory / name for name in names if (directory / name).is_file()), None)


@contextmanager
def _opened(directory: Path, names: Sequence[str]) -> Iterator[IO[str]]:
    path = _find(directory, names)
    if path is None:
        raise InvalidInput(f"{directory} has no {names[0]}: give --data a directory of that layout", field="data")
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield file


def _photographs(directory: Path) -> dict[str, str]:
    if _find(directory, PRODUCTS) is None:
        return {}
    with _opened(directory, PRODUCTS) as file:
        found = [json.loads(line) for line in file]
    return {str(row["id"]): row["img_md5"] for row in found if row.get("img_md5")}


def _hash(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
