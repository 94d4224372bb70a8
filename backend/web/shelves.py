"""Rows of products on the shop's pages: what is popular, trending, bought together, better reviewed."""

from dataclasses import dataclass
from typing import Any

from backend.database.connection import Database
from backend.errors import EmbeddingFailed, EmbeddingPending
from backend.recommend.frozen import Json
from backend.recommend.ranking import recommend
from backend.recommend.shelves import ShelfKind, better_query, glance, standings
from backend.web.cards import Card, read_cards

CARDS = 6


@dataclass(frozen=True)
class Better:
    """A product that is like another and better reviewed, by ``gain`` stars."""

    card: Card
    gain: float


def read_shelf(database: Database, kind: ShelfKind, *, placement: str, **members: Any) -> list[Card]:
    """The first products of a list, as the shop's rules of a place have them; empty where there is nothing to show."""
    query: Json = {"k": CARDS, "placement": placement, **members}
    return read_cards(database, [glimpse.sku for glimpse in glance(database, kind, query)])


def read_better(database: Database, sku: str, *, space: str | None = None) -> list[Better]:
    """The products most like one that are better reviewed; none as long as it is not embedded."""
    query: Json = {"k": CARDS, "placement": "product"} | ({} if space is None else {"space": space})
    try:
        ranking = recommend(database, better_query(database, sku, query))
    except (EmbeddingPending, EmbeddingFailed):
        # The page says so where it shows what is alike.
        return []
    skus = [hit.sku for hit in ranking.items]
    found = standings(database, [sku, *skus])
    if sku not in found:
        return []
    own = found[sku].rating
    return [Better(card, found[card.sku].rating - own) for card in read_cards(database, skus) if card.sku in found]
