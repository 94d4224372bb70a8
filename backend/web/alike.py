"""More like this: what the visitor wishes, and what came of it."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.catalog.products import Product
from backend.database.connection import Database
from backend.errors import EmbeddingFailed, EmbeddingPending, InvalidInput
from backend.recommend.ranking import Filter, Hit, Ranking, Weights, similar
from backend.spaces.space import Space
from backend.web.cards import Card, read_cards

CARDS = 12


@dataclass(frozen=True)
class Wishes:
    """Weights from 0 to 1 of the modalities that the space has, and which products count.

    ``own`` when they are the space's own, with which the stored vector itself is the query.
    """

    weights: dict[str, float]
    own: bool
    same_category: bool
    in_stock: bool

    @property
    def total(self) -> float:
        """The highest score that there can be: that of a product equal in everything."""
        return sum(self.weights.values())

    @property
    def query(self) -> dict[str, float | int]:
        """The query string that says the same."""
        checked = {"same_category": self.same_category, "in_stock": self.in_stock}
        return {f"w_{name}": weight for name, weight in self.weights.items()} | {
            n: 1 for n, yes in checked.items() if yes
        }


@dataclass(frozen=True)
class Likeness:
    """One product that is alike, and why."""

    card: Card
    hit: Hit


@dataclass(frozen=True)
class Alike:
    """What is like a product, best first; without a ranking, ``state`` says why there is none.

    ``state`` is found, unweighted (every weight is 0), pending or failed.
    """

    state: str
    ranking: Ranking | None = None
    items: list[Likeness] = field(default_factory=list)
    seconds: float = 0.0


def read_wishes(space: Space, given: Mapping[str, str]) -> Wishes:
    """The wishes in a query string: ``w_text``, ``w_image``, ``w_reviews``, ``same_category``, ``in_stock``.

    A weight that is not given is the space's own.

    Raises:
        InvalidInput: a weight is no number from 0 to 1.
    """
    of_space = {"text": space.text_weight, "image": space.image_weight, "reviews": space.reviews_weight}
    own = {name: weight for name, weight in of_space.items() if weight > 0}
    weights = {name: _weight(given, f"w_{name}", weight) for name, weight in own.items()}
    return Wishes(weights, weights == own, bool(given.get("same_category")), bool(given.get("in_stock")))


def find_alike(database: Database, product: Product, wishes: Wishes, *, space: str | None = None) -> Alike:
    """The products most like one, as the visitor wishes; in a shadow space where one is named."""
    if wishes.total == 0:
        return Alike("unweighted")
    filters = Filter(
        category=product.category if wishes.same_category else None, in_stock=True if wishes.in_stock else None
    )
    began = time.perf_counter()
    try:
        weights = Weights() if wishes.own else Weights(**wishes.weights)
        ranking = similar(database, product.sku, k=CARDS, filters=filters, weights=weights, space=space)
    except EmbeddingPending:
        return Alike("pending")
    except EmbeddingFailed:
        return Alike("failed")
    seconds = time.perf_counter() - began
    hits = {hit.sku: hit for hit in ranking.items}
    items = [Likeness(card, hits[card.sku]) for card in read_cards(database, list(hits))]
    return Alike("found", ranking, items, seconds)


def _weight(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(name)
    if text is None:
        return default
    try:
        weight = float(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is no number", field=name) from error
    if not math.isfinite(weight) or not 0 <= weight <= 1:
        raise InvalidInput(f"{name} must lie between 0 and 1", field=name)
    return weight
