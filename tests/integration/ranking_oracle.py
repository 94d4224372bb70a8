"""What a ranking must be, computed a second time in numpy, over a catalogue of clustered made-up vectors.

Written against the contract of ``recommend``, not against its SQL: a product's score is the sum over examples and
modalities of the example's share, the modality's weight and the cosine; what lacks a modality gets nothing from it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
from filter_oracle import Catalogue, Json
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import Connection

from backend.spaces.fusion import fuse

Array = NDArray[Any]

# The two modalities of the made-up space, weighed unevenly, so that a forgotten root or factor shows.
DIMENSIONS = {"text": 24, "image": 16}
OWN_WEIGHTS = {"text": 0.3, "image": 0.7}
MODALITIES = ("text", "image")
CATEGORIES = ("A/One", "A/Two", "B", "Far")
CREATED = datetime(2025, 1, 1, tzinfo=UTC)
# A score is added up in single precision by the server, of halves.
TIE = 1e-6
SCORE = 1e-5

CREATE_SPACE = "SELECT create_space('uneven', 'hashing:24', '2', '{title}', 24, 0.3, 'hashing:16', '2', 16, 0.7)"


@dataclass(frozen=True)
class Vectors:
    """Unit rows of each modality, float64, zeros where it is missing; row n is product n + 1."""

    text: Array
    image: Array

    def __len__(self) -> int:
        return len(self.text)

    @classmethod
    def clustered(cls, which: Array, seed: int = 3, clusters: int = 40) -> "Vectors":
        """Vectors around centres; a product of which 3 lies on the other side of the sphere from the others.

        Some lack the image, some the text, and every 25th is a copy of the one before it.
        """
        chance = np.random.default_rng(seed)
        count = len(which)
        cluster = chance.integers(0, clusters, count)
        blocks = []
        for size in DIMENSIONS.values():
            axis = np.zeros(size)
            axis[0] = 1.2
            centres = chance.normal(size=(clusters, size)) / np.sqrt(size)
            rows = centres[cluster] + chance.normal(size=(count, size)) / np.sqrt(size) / 3
            rows += np.where((which == 3)[:, None], -axis, axis)
            blocks.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
        text, image = blocks
        lacks = chance.random(count)
        image[lacks < 0.08] = 0
        text[lacks > 0.95] = 0
        for block in blocks:
            block[24::25] = block[23::25]
        return cls(text, image)

    def store(self, connection: Connection[Any], space: int) -> "Vectors":
        """Store them as a worker would; what comes back is what the server holds: halves."""
        with connection.cursor() as cursor:
            with cursor.copy("COPY product_embeddings (product_id, space_id, text, image, fused) FROM STDIN") as copy:
                blocks = [self.text.astype(np.float32), self.image.astype(np.float32)]
                weights = (OWN_WEIGHTS["text"], OWN_WEIGHTS["image"], 0)
                fused = fuse([*blocks, None], weights, (DIMENSIONS["text"], DIMENSIONS["image"], 0))
                for row in range(len(self)):
                    units = [HalfVector(block[row]).to_text() if block[row].any() else None for block in blocks]
                    copy.write_row((row + 1, space, *units, HalfVector(fused[row]).to_text()))
            cursor.execute("DELETE FROM embedding_jobs")
        halves = np.asarray(fused).astype(np.float16).astype(np.float64)
        text, image = np.split(halves, [DIMENSIONS["text"]], axis=1)
        return Vectors(text / np.sqrt(OWN_WEIGHTS["text"]), image / np.sqrt(OWN_WEIGHTS["image"]))


def made_up_products(count: int, which: Array, seed: int = 4) -> dict[int, Json]:
    """Products by id, of the fields that filters ask for; groups of up to five variants stand in a row."""
    chance = np.random.default_rng(seed)
    prices, stock, groups = chance.integers(0, 100, count), chance.random(count), chance.integers(1, 6, count)
    return {
        row + 1: {
            "sku": f"S{row}",
            "title": f"T{row % 7}",
            "brand": f"Brand {row % 30}" if row % 6 else None,
            "category": CATEGORIES[which[row]],
            "price": Decimal(int(prices[row])) if row % 11 else None,
            "currency": "EUR",
            "in_stock": bool(stock[row] < 0.8),
            "variant_group": f"G{row // 5}" if row % 5 < groups[row - row % 5] and row % 3 else None,
            "rating": None,
            "review_count": 0,
            "created_at": CREATED + timedelta(minutes=row),
            "updated_at": CREATED,
            "attributes": {"colour": ("red", "blue", "green")[row % 3], "size": row % 40},
        }
        for row in range(count)
    }


@dataclass(frozen=True)
class Example:
    """A vector to be like or unlike: unit blocks, zeros where it says nothing, and the product it comes from."""

    blocks: dict[str, Array]
    weight: float
    is_like: bool
    product: int | None = None


@dataclass(frozen=True)
class Ranking:
    """The scores that products must have, and which of them may be in the answer."""

    scores: Array
    allowed: Array
    products: dict[int, Json]

    def best(self) -> list[int]:
        """Ids of all that may be in the answer, best first, ties by id."""
        rows = np.flatnonzero(self.allowed)
        return [int(row) + 1 for row in rows[np.lexsort((rows, -self.scores[rows]))]]

    def score(self, product_id: int) -> float:
        return float(self.scores[product_id - 1])

    def one_each(self, found: Iterable[int] = ()) -> "Ranking":
        """Of each variant group its best alone; that of ``found`` where it is as good as the best."""
        best: dict[str, int] = {}
        preferred = set(found)
        for product_id in self.best():
            group = self.products[product_id]["variant_group"]
            if group is None:
                continue
            leader = best.setdefault(group, product_id)
            if product_id in preferred and self.score(product_id) >= self.score(leader) - TIE:
                best[group] = product_id
        kept = self.allowed.copy()
        for product_id in self.best():
            group = self.products[product_id]["variant_group"]
            if group is not None and best[group] != product_id:
                kept[product_id - 1] = False
        return replace(self, allowed=kept)

    def above(self, threshold: float) -> "Ranking":
        return replace(self, allowed=self.allowed & (self.scores >= threshold))

    def check(self, found: list[tuple[int, float]], k: int) -> None:
        """``found`` are the first k of this ranking, or all; of two less than TIE apart either may come first."""
        ids = [product_id for product_id, _ in found]
        assert len(set(ids)) == len(ids) == min(k, int(self.allowed.sum())), (len(ids), k, int(self.allowed.sum()))
        assert all(self.allowed[product_id - 1] for product_id in ids)
        for product_id, score in found:
            assert abs(score - self.score(product_id)) <= SCORE, (product_id, score, self.score(product_id))
        for (one, score_one), (two, score_two) in pairwise(found):
            assert (-score_one, one) < (-score_two, two), "not in order"
            assert self.score(one) >= self.score(two) - TIE
        left_out = self.allowed.copy()
        left_out[[product_id - 1 for product_id in ids]] = False
        if ids and left_out.any():
            assert self.scores[left_out].max() <= min(self.score(number) for number in ids) + TIE, (
                "a better one is left out"
            )

    def recall(self, found: list[int], k: int) -> float:
        """The share of the first k that were found; one as good as the last of them counts."""
        first = self.best()[:k]
        if not first:
            return 1.0
        last = self.score(first[-1]) - TIE
        found_again = [number for number in set(found) if self.allowed[number - 1] and self.score(number) >= last]
        return len(found_again) / len(first)


def halved(vector: Array) -> Array:
    """A vector scaled to length 1, as halves."""
    unit: Array = (vector / np.linalg.norm(vector)).astype(np.float16).astype(np.float64)
    return unit


def average_scores(vectors: Vectors, examples: list[Example], weights: dict[str, float]) -> Array:
    """The sum of the weighted likenesses; shares of the likes add up to 1, unlikes are measured against them."""
    leading = [example.weight for example in examples if example.is_like] or [example.weight for example in examples]
    parts = [_likeness(vectors, one, weights) * _sign(one) * one.weight / sum(leading) for one in examples]
    return np.asarray(np.sum(parts, axis=0))


def best_scores(vectors: Vectors, examples: list[Example], weights: dict[str, float]) -> Array:
    """The likeness to the nearest like, shares of the greatest 1; where an unlike is nearer, less that likeness.

    Nearer means alike: what is less than nothing like an unlike is not held against a product.
    """
    greatest = max(example.weight for example in examples if example.is_like)
    near = np.stack([_likeness(vectors, one, weights) * one.weight / greatest for one in examples])
    is_like = np.array([example.is_like for example in examples])
    best = near[is_like].max(axis=0)
    worst = near[~is_like].max(axis=0, initial=0)
    return np.asarray(np.where((worst > best) & (worst > 0), -worst, best))


def _sign(example: Example) -> int:
    return 1 if example.is_like else -1


def _likeness(vectors: Vectors, example: Example, weights: dict[str, float]) -> Array:
    total = np.zeros(len(vectors))
    for name in MODALITIES:
        if name in example.blocks:
            # Added up row by row, so that equal rows have equal sums.
            total += weights.get(name, 0) * (getattr(vectors, name) * example.blocks[name]).sum(axis=1)
    return total


def check_diversity(
    chosen: list[int], pool: list[int], scores: Callable[[int], float], vectors: Vectors, diversity: float
) -> None:
    """Each choice has the greatest marginal relevance of what the pool had left, but for ties."""
    fused = np.hstack([np.sqrt(OWN_WEIGHTS[name]) * getattr(vectors, name) for name in MODALITIES])
    rows = np.array(pool) - 1
    worth = (1 - diversity) * np.array([scores(number) for number in pool])
    likeness = np.full(len(pool), -np.inf)
    assert scores(chosen[0]) >= max(scores(number) for number in pool) - TIE
    left = {number: place for place, number in enumerate(pool)}
    for choice, following in pairwise(chosen):
        likeness = np.maximum(likeness, fused[rows] @ fused[choice - 1])
        del left[choice]
        relevance = worth - diversity * likeness
        assert relevance[left[following]] >= max(relevance[place] for place in left.values()) - TIE


def matching_rows(catalogue: Catalogue, node: Json | None) -> Array:
    """For each product whether it satisfies a filter."""
    rows = np.zeros(len(catalogue.products), dtype=bool)
    ids = list(catalogue.products) if node is None else list(catalogue.matching(node))
    rows[np.array(ids, dtype=int) - 1] = True
    return rows
