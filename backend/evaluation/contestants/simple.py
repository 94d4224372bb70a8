"""Contestants that do not look at what is asked: any product, the most popular ones, the best rated ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from backend.database.connection import Row
from backend.evaluation.contestants.contestant import Answer, excluded
from backend.evaluation.held_out import Asked, AskedPerson, AskedProduct, HeldOutSet
from backend.evaluation.signals import SQL, Cut
from backend.evaluation.spread import Popularity

# Stars of so many reviews at the mean of all are added to each product's own: one lucky review is no proof.
PRIOR_REVIEWS = 10.0


@dataclass(frozen=True)
class Random:
    """k products drawn without replacement, the same for the same seed and question."""

    products: NDArray[np.int64] = field(repr=False)
    seed: int
    name: str = "random"
    is_baseline: bool = True

    def answers(self, one: HeldOutSet, k: int) -> Sequence[Answer]:
        """See ``Contestant.answers``."""
        return [self._draw(one.name, question, k) for question in one.questions]

    def _draw(self, about: str, question: Asked, k: int) -> list[int]:
        without = excluded(question)
        text = f"{self.seed} {about} {_key(question)}"
        random = np.random.default_rng(list(sha256(text.encode()).digest()))
        wanted = min(len(self.products), k + len(without))
        drawn = self.products[random.choice(len(self.products), wanted, replace=False)]
        return [product for product in drawn.tolist() if product not in without][:k]


@dataclass(frozen=True)
class Ranked:
    """The first k of one list for everybody, without what the question excludes."""

    name: str
    products: Sequence[int] = field(repr=False)
    is_baseline: bool = True

    def answers(self, one: HeldOutSet, k: int) -> Sequence[Answer]:
        """See ``Contestant.answers``."""
        return [_first(self.products, excluded(question), k) for question in one.questions]


def popular(popularity: Popularity) -> Ranked:
    """What most people had to do with before the cut."""
    return Ranked("popular", popularity.ranked())


def best_rated(connection: Connection[Row], cut: Cut) -> Ranked | None:
    """The best mean of stars given before the cut, drawn towards the mean of all; None where nobody rated anything."""
    rows = connection.execute(SQL["ratings"], {"cut": cut.at}).fetchall()
    if not rows:
        return None
    overall = sum(stars for _, _, stars in rows) / sum(count for _, count, _ in rows)
    means = {product: (stars + PRIOR_REVIEWS * overall) / (count + PRIOR_REVIEWS) for product, count, stars in rows}
    return Ranked("best rated", sorted(means, key=lambda product: (-means[product], product)))


def _first(products: Iterable[int], without: frozenset[int], k: int) -> list[int]:
    return list(islice((product for product in products if product not in without), k))


def _key(question: Asked) -> str:
    if isinstance(question, AskedPerson):
        return question.user_id
    return f"{question.unit} {question.sku}" if isinstance(question, AskedProduct) else question.unit
