"""Products as they stand on a shelf."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg.rows import class_row

from backend.catalog.cursors import LARGEST_KEY, from_cursor, to_cursor
from backend.catalog.refusals import named_refusals
from backend.database.connection import Database
from backend.database.queries import load_queries

SQL = load_queries("web")

_LIST = "shelf"


@dataclass(frozen=True)
class Card:
    """A product, briefly; ``photo`` is its first photograph's SHA-256, whose size is in pixels."""

    sku: str
    title: str
    brand: str | None
    price: Decimal | None
    currency: str | None
    in_stock: bool
    photo: str | None
    width: int | None
    height: int | None
    rating: float | None
    reviews: int

    @property
    def upright(self) -> bool:
        """Whether the photograph nearly has the proportions of a card, 4 to 5, and may fill all of it."""
        return self.width is not None and self.height is not None and 0.7 <= self.width / self.height <= 0.9


@dataclass(frozen=True)
class CardPage:
    """A page of the catalogue, with cursors of the pages before and after it; None where there is none."""

    items: list[Card]
    previous: str | None
    next: str | None


def read_cards(database: Database, skus: Sequence[str]) -> list[Card]:
    """The products with these skus, in this order; those that do not exist are left out."""
    with named_refusals(), database.read() as connection, connection.cursor(row_factory=class_row(Card)) as cursor:
        found = {card.sku: card for card in cursor.execute(SQL["cards"], {"skus": list(skus)})}
    return [found[sku] for sku in skus if sku in found]


def page_of(
    database: Database, *, category: str | None, limit: int, after: str | None = None, before: str | None = None
) -> CardPage:
    """Products of a category and all below it, newest first: after a cursor, before one, or from the newest.

    Raises:
        InvalidInput: a cursor is none of ours.
    """
    backwards = before is not None and after is None
    given = before if backwards else after
    key = from_cursor(_LIST, given) if given is not None else LARGEST_KEY
    arguments = {"category": category, "cursor": key, "limit": limit + 1}
    with named_refusals(), database.read() as connection:
        rows = connection.execute(SQL["newer" if backwards else "older"], arguments).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()
    newer, older = (more, bool(rows)) if backwards else (given is not None and bool(rows), more)
    return CardPage(
        read_cards(database, [sku for _, sku in rows]),
        to_cursor(_LIST, rows[0][0]) if newer else None,
        to_cursor(_LIST, rows[-1][0]) if older else None,
    )


def read_variants(database: Database, sku: str, *, limit: int = 8) -> list[Card]:
    """The same product in other colours or sizes."""
    with named_refusals(), database.read() as connection:
        rows = connection.execute(SQL["variants"], {"sku": sku, "limit": limit}).fetchall()
    return read_cards(database, [sku for (sku,) in rows])


def read_faces(database: Database) -> dict[str, Card]:
    """For each top category, by path, a photographed product that shows what is in it."""
    with database.read() as connection:
        skus: dict[str, str] = {sku: path for path, sku in connection.execute(SQL["faces"])}
    return {skus[card.sku]: card for card in read_cards(database, list(skus))}
